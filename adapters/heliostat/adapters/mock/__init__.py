"""The mock provider: scripted by the model's name, free, without network."""

from heliostat.adapters.mock.adapter import MODULE

__all__ = ["MODULE"]
