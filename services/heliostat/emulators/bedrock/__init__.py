"""The emulated Amazon Bedrock."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/bedrock", model="stability.sd3-5-large-v1:0", key="bedrock-api-key-0123456789")
