"""Azure OpenAI: OpenAI's image models in resources of Microsoft Foundry."""

from heliostat.adapters.azure_openai.adapter import MODULE

__all__ = ["MODULE"]
