"""The emulated Stability AI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/stability", model="sd3.5-medium", key="sk-sandbox-0123456789")
