"""The emulated Ideogram."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/ideogram", model="ideogram-3/turbo", key="sandbox-0123456789")
