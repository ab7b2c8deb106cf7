"""The emulated Azure OpenAI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/azure_openai", model="gpt-image-2", key="5a0dc0de5a0dc0de5a0dc0de5a0dc0de")
