"""Adapter for OpenAI's Images API, and for any server that speaks it. One synchronous call per attempt, no job ids.

Source: OpenAI's API reference, image guide and error guide, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import replace

from heliostat.adapters.openai.body import compatible_fields, dalle_fields
from heliostat.adapters.openai.catalog import MODELS, SANDBOX_MODELS, any_model
from heliostat.adapters.openai.settings import CompatibleOptions, OpenAISettings
from heliostat.adapters.sdk import Call, Choice, MaskForm, Model, ModelTable, Options, Order, adapter_module
from heliostat.adapters.sdk.images_api import (
    Fields,
    ImagesApiAdapter,
    ImagesOptions,
    Traits,
    gpt_fields,
    usual_fields,
)
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.modules import Surroundings


class OpenAIAdapter(ImagesApiAdapter[OpenAISettings]):
    """OpenAI, or a compatible server."""

    provider = "openai"
    display_name = "OpenAI"

    def __init__(self, settings: OpenAISettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        if settings.compatible:
            self.models = ModelTable(wildcard=any_model(settings))
            self.options = CompatibleOptions
        else:
            self.models = ModelTable(*MODELS, *SANDBOX_MODELS) if surroundings.sandbox else MODELS

    @property
    def mask_form(self) -> MaskForm:
        """OpenAI's own convention, unless the operator says that the server has diffusers'."""
        return MaskForm.WHITE_REPAINTS if self.settings.white_mask else MaskForm.ALPHA_REPAINTS

    def headers(self, account: str) -> Mapping[str, str]:
        """Bearer key, organisation, project. Raises PROVIDER_AUTH_FAILED."""
        settings = self.settings
        headers: dict[str, str] = {}
        if settings.api_key is not None:
            headers["authorization"] = f"Bearer {settings.api_key.reveal()}"
        if settings.organization:
            headers["openai-organization"] = settings.organization
        if settings.project:
            headers["openai-project"] = settings.project
        return headers

    def order(self, model: Model, request: request_pb2.ImageRequest, size: Choice) -> Order:
        """The order with the quality that its price depends on."""
        order = super().order(model, request, size)
        quality = order.variant.get("quality", "")
        if model.name != "dall-e-3" or not quality:
            return order
        return replace(order, variant={"quality": "hd" if quality in {"high", "xhigh", "max"} else "standard"})

    def fields(self, call: Call, options: Options) -> Fields:
        """All fields but pictures."""
        usual = usual_fields(call)
        if self.settings.compatible:
            return {**usual, **compatible_fields(call, self.settings), **options.model_dump()}
        traits: Traits = call.model.facts
        if not traits.gpt:
            return {**usual, **dalle_fields(call, traits)}
        own = options.fields(self.provider, call.model.name, traits) if isinstance(options, ImagesOptions) else {}
        return {**usual, **gpt_fields(call, traits), **own}


MODULE = adapter_module(OpenAIAdapter, OpenAISettings)
