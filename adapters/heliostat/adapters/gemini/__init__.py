"""The Gemini adapter."""

from heliostat.adapters.gemini.adapter import MODULE

__all__ = ["MODULE"]
