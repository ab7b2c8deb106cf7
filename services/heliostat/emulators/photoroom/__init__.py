"""The emulated Photoroom."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/photoroom", model="v1/segment", key="sandbox_0123456789abcdef")
