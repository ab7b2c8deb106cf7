"""The emulated Runware."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/runware/v1", model="runware:100@1", key="sandbox-0123456789")
