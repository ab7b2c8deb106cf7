"""Adapter for Azure OpenAI: OpenAI's Images API at a resource of the customer's, under names of its deployments.

Source: Microsoft's REST reference of Azure OpenAI in Foundry, read 2026-11-22. No jobs, no cancel.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import cast

from heliostat.adapters.azure_openai.catalog import models_of
from heliostat.adapters.azure_openai.failures import refusal
from heliostat.adapters.azure_openai.outcomes import OUTCOMES
from heliostat.adapters.azure_openai.settings import AzureOpenAISettings, told
from heliostat.adapters.sdk import Answer, Call, MeshError, Model, Options, Step, adapter_module
from heliostat.adapters.sdk.access_tokens import AccessTokens
from heliostat.adapters.sdk.images_api import Fields, ImagesApiAdapter, ImagesOptions, gpt_fields, usual_fields
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings


class AzureOpenAIAdapter(ImagesApiAdapter[AzureOpenAISettings]):
    """A resource of Azure OpenAI."""

    provider = "azure_openai"
    display_name = "Azure OpenAI"
    outcomes = OUTCOMES

    def __init__(self, settings: AzureOpenAISettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = models_of(settings.deployments)
        self._tokens = AccessTokens(
            "Microsoft Entra ID", settings, surroundings.clock, self.key_name(""), surroundings.lookup
        )

    async def stop(self) -> None:
        """Closes the connections, those to the token host too."""
        await self._tokens.close()
        await super().stop()

    def accounts(self) -> Sequence[tuple[str, float, bool]]:
        """Configured where both the endpoint and what it is asked with are there."""
        credential = self.settings.credential
        return [("", 1.0, bool(self.settings.base_url) and credential is not None and credential.present())]

    def key_name(self, account: str) -> str:
        """The variable or file of what the resource is asked with."""
        credential = self.settings.credential
        return credential.reference.partition(":")[2] if credential is not None else ""

    def headers(self, account: str) -> Mapping[str, str]:
        """The key, or a token, never both. Raises PROVIDER_AUTH_FAILED."""
        settings = self.settings
        if settings.credential is None:
            return {}
        secret = settings.credential.reveal()
        if settings.tenant_id:
            return {"authorization": f"Bearer {self._tokens.current(secret)}"}
        return {"authorization": f"Bearer {secret}"} if settings.access_token is not None else {"api-key": secret}

    def refusal(self, answer: Answer) -> MeshError | None:
        """Azure's errors, then OpenAI's. A token that is no longer good is dropped."""
        if answer.status == 401:
            self._tokens.forget()
        return refusal(answer, self.name, self.key_name("")) or super().refusal(answer)

    def path(self, what: str, call: Call) -> str:
        """Of the v1 API, or of the deployment."""
        return self.settings.path(what, call.model.name)

    def fields(self, call: Call, options: Options) -> Fields:
        """All fields but pictures; the model is called by its deployment's name."""
        own = cast(ImagesOptions, options).fields(self.provider, call.model.name, call.model.facts)
        deployment = self.settings.deployment(call.model.name)
        return {**usual_fields(call), "model": deployment, **gpt_fields(call, call.model.facts), **own}

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: Options, call: Call
    ) -> AsyncGenerator[Step]:
        """One call of the API, with a token where one is needed. Raises what Azure refuses."""
        settings = self.settings
        if not settings.base_url:
            message = f"Where the resource is was not said; set adapters.{self.name}.base_url to its endpoint."
            raise call.error(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, message, phase="prepare")
        if settings.tenant_id and settings.credential is not None:
            secret = settings.credential.reveal()

            async def form() -> Mapping[str, str]:
                return {**told(settings), "client_secret": secret}

            await self._tokens.prepare(secret, settings.token_uri, form, call)
        async with aclosing(super().generate_one(model, request, options, call)) as steps:
            async for step in steps:
                yield step


MODULE = adapter_module(AzureOpenAIAdapter, AzureOpenAISettings)
