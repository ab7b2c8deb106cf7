"""The Seedream adapter."""

from heliostat.adapters.seedream.adapter import MODULE

__all__ = ["MODULE"]
