"""The emulated AUTOMATIC1111 web UI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/automatic1111", model="sdxl", key="gateway:sandbox-0123456789")
