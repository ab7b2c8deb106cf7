"""The Together AI adapter."""

from heliostat.adapters.together.adapter import MODULE

__all__ = ["MODULE"]
