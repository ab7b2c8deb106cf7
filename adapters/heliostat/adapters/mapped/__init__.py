"""Providers that mapping files describe: one service of this adapter for each file of `providers`."""

from heliostat.adapters.mapped.modules import module, own_module

MODULE = own_module()

__all__ = ["MODULE", "module"]
