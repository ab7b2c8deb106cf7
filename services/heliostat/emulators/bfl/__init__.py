"""The emulated Black Forest Labs."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/bfl", model="flux-2-pro", key="sandbox-0123456789")
