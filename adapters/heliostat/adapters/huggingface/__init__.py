"""The Hugging Face adapter."""

from heliostat.adapters.huggingface.adapter import MODULE

__all__ = ["MODULE"]
