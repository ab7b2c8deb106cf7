"""OpenAI's Images API as a dialect: what the providers that speak it have in common."""

from heliostat.adapters.sdk.images_api.fields import Fields, given, gpt_fields, usual_fields
from heliostat.adapters.sdk.images_api.models import GPT_TYPES, Traits, first_generation, second_generation
from heliostat.adapters.sdk.images_api.options import ImagesOptions
from heliostat.adapters.sdk.images_api.outcomes import BLOCKED_PROMPT, OUTCOMES
from heliostat.adapters.sdk.images_api.speaker import ImagesApiAdapter

__all__ = [
    "BLOCKED_PROMPT",
    "GPT_TYPES",
    "OUTCOMES",
    "Fields",
    "ImagesApiAdapter",
    "ImagesOptions",
    "Traits",
    "first_generation",
    "given",
    "gpt_fields",
    "second_generation",
    "usual_fields",
]
