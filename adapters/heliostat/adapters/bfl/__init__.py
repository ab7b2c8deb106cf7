"""The Black Forest Labs adapter."""

from heliostat.adapters.bfl.adapter import MODULE

__all__ = ["MODULE"]
