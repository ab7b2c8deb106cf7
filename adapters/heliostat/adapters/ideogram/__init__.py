"""The Ideogram adapter."""

from heliostat.adapters.ideogram.adapter import MODULE

__all__ = ["MODULE"]
