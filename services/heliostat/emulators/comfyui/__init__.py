"""The emulated ComfyUI server."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/comfyui", model="flux-schnell", key="gateway:sandbox-0123456789")
