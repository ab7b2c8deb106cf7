"""The Runware adapter."""

from heliostat.adapters.runware.adapter import MODULE

__all__ = ["MODULE"]
