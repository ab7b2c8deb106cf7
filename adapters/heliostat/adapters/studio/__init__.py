"""The studio: offline, free pictures and picture work."""

from heliostat.adapters.studio.adapter import MODULE

__all__ = ["MODULE"]
