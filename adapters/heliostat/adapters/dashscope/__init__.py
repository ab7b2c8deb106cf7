"""The DashScope adapter."""

from heliostat.adapters.dashscope.adapter import MODULE

__all__ = ["MODULE"]
