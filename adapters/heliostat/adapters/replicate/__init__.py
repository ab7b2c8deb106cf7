"""The Replicate adapter."""

from heliostat.adapters.replicate.adapter import MODULE

__all__ = ["MODULE"]
