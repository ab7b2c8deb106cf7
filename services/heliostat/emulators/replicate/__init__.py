"""The emulated Replicate."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/replicate/v1", model="black-forest-labs/flux-schnell", key="r8_sandbox0123456789")
