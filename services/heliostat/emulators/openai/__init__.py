"""The emulated OpenAI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/openai/v1", model="gpt-image-2", key="sk-sandbox-0123456789")
