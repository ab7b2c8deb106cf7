"""The emulated Leonardo.Ai."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/leonardo/api/rest", model="lucid-origin", key="leonardo-sandbox-0123456789")
