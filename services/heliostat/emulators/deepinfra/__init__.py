"""The emulated DeepInfra."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/deepinfra", model="black-forest-labs/FLUX-1-schnell", key="deepinfra-sandbox-0123456789")
