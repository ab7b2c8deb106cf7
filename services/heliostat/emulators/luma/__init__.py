"""The emulated Luma."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/luma", model="photon-flash-1", key="luma-sandbox-0123456789")
