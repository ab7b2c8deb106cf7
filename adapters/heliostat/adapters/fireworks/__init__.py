"""The Fireworks AI adapter."""

from heliostat.adapters.fireworks.adapter import MODULE

__all__ = ["MODULE"]
