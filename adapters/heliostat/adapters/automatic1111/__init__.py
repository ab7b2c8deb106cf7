"""The AUTOMATIC1111 adapter."""

from heliostat.adapters.automatic1111.adapter import MODULE

__all__ = ["MODULE"]
