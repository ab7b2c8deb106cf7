"""The emulated Clipdrop."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/clipdrop", model="text-to-image/v1", key="clipdrop-sandbox-0123456789")
