"""The emulated Recraft."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/recraft/v1", model="recraftv4_1", key="sandbox-0123456789")
