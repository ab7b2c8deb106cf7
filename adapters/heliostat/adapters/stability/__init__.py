"""The Stability AI adapter."""

from heliostat.adapters.stability.adapter import MODULE

__all__ = ["MODULE"]
