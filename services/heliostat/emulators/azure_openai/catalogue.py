"""Azure OpenAI's image models as of 2026-11-22, and how the emulated resource names their deployments."""

from __future__ import annotations

from heliostat.emulators.openai.catalogue import ImageModel
from heliostat.emulators.openai.catalogue import catalogue as openais

LISTED = (
    *("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "chatgpt-image-latest", "gpt-image-2"),
    *("gpt-image-2-2026-04-21", "gpt-image-2.5-sunburst", "gpt-image-2.5-sunburst-2026-09-08"),
    *("gpt-image-2.5-flare", "gpt-image-2.5-flare-2026-09-08"),
)
"""Those that the REST reference accepts."""
PREFIX = "team-"
"""Each model has a deployment of its own name, and one with this before it."""
OLDEST_VERSION = "2025-04-01-preview"
"""Of the older API, for GPT image models."""
NO_WEBP = ("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5")


def catalogue() -> dict[str, ImageModel]:
    """Give the models by id."""
    known = openais(legacy=True)
    return {name: known[name] for name in LISTED}
