"""The emulated xAI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/xai/v1", model="grok-imagine-image", key="xai-sandbox-0123456789")
