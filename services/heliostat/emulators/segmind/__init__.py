"""The emulated Segmind."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/segmind", model="segmind-vega", key="SG_sandbox-0123456789")
