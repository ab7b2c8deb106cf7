"""Amazon Bedrock's image models."""

from heliostat.adapters.bedrock.adapter import MODULE

__all__ = ["MODULE"]
