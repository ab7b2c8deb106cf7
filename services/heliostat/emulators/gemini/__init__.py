"""The emulated Gemini API, with Vertex AI beside it."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/gemini", model="gemini-2.5-flash-image", key="AIza-sandbox-0123456789")
