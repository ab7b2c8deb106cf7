"""The emulated Together AI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/together/v1", model="black-forest-labs/FLUX.1-schnell", key="tgp-sandbox-0123456789")
