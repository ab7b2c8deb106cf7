"""The Recraft adapter."""

from heliostat.adapters.recraft.adapter import MODULE

__all__ = ["MODULE"]
