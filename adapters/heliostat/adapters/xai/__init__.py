"""The xAI adapter."""

from heliostat.adapters.xai.adapter import MODULE

__all__ = ["MODULE"]
