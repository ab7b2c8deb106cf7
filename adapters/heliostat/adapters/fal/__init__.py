"""fal.ai, by its queue."""

from heliostat.adapters.fal.adapter import MODULE

__all__ = ["MODULE"]
