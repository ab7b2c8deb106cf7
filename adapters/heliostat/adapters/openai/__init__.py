"""OpenAI's Images API, and servers that speak it."""

from heliostat.adapters.openai.adapter import MODULE

__all__ = ["MODULE"]
