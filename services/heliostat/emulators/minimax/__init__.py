"""The emulated MiniMax."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/minimax", model="image-01", key="minimax-sandbox-0123456789")
