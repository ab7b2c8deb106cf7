"""The emulated Hugging Face: its router, its Hub, and the providers behind the router."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/huggingface", model="hf-inference/black-forest-labs/FLUX.1-schnell", key="hf_sandbox0123456789")
