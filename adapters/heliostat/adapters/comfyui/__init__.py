"""The ComfyUI adapter."""

from heliostat.adapters.comfyui.adapter import MODULE

__all__ = ["MODULE"]
