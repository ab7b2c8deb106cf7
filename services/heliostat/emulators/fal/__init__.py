"""The emulated fal."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/fal", model="fal-ai/flux/schnell", key="id:sandbox-0123456789")
