"""Settings of the Azure OpenAI adapter: where the resource is, how it is asked, which deployments it has."""

import re
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from heliostat.adapters.azure_openai.catalog import NAMES
from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret

_DEPLOYMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_OWN_PATHS = re.compile(r"/+(openai(/v1)?/*)?$")
_GUID = r"^([A-Za-z0-9][A-Za-z0-9.-]{0,99})?$"


class AzureOpenAISettings(ProviderSettings):
    """A resource of Azure OpenAI (Microsoft Foundry), asked with its key, or with a token of Microsoft Entra ID."""

    address_variable: ClassVar[str] = "AZURE_OPENAI_ENDPOINT"
    api_key: Secret | None = Field(
        Secret("env:AZURE_OPENAI_API_KEY"),
        description="Key of the resource, env:NAME or file:PATH; not used where Entra ID is",
    )
    base_url: str = Field(
        "",
        pattern="^(https?://.*)?$",
        description="Endpoint of the resource, such as https://my-resource.openai.azure.com",
    )
    api_version: str = Field(
        "",
        pattern=r"^(v1|preview|20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?)?$",
        description="Empty: the v1 API; v1 or preview: the same, said in each request; a date such as "
        "2025-04-01-preview: the older API with the deployment in its path",
    )
    deployments: dict[str, str] = Field(
        {},
        description="Model -> name of its deployment in the resource; only these are offered. Empty: every model, by "
        "deployments of their own names",
    )
    tenant_id: str = Field("", pattern=_GUID, description="Tenant of Entra ID, with client_id: its tokens are used")
    client_id: str = Field("", pattern=_GUID, description="Application of Entra ID that may use the resource")
    client_secret: Secret | None = Field(
        Secret("env:AZURE_CLIENT_SECRET"), description="Secret of the application, env:NAME or file:PATH"
    )
    access_token: Secret | None = Field(
        None, description="Token of Entra ID that somebody else keeps fresh, such as file:/run/token"
    )
    login_url: str = Field(
        "https://login.microsoftonline.com", pattern="^https?://", description="Where Entra ID makes tokens"
    )
    answer_timeout_s: float = Field(
        300.0, gt=0, le=3600, description="Longest wait for the head of an answer, in seconds"
    )

    @field_validator("base_url")
    @classmethod
    def _without_path(cls, value: str) -> str:
        """The endpoint, also where the portal's whole address was copied."""
        return _OWN_PATHS.sub("", value)

    @field_validator("deployments")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for model, name in value.items():
            if model not in NAMES:
                raise ValueError(f"{model[:64]} is no image model of Azure OpenAI; known are {', '.join(NAMES)}")
            if not _DEPLOYMENT.fullmatch(name):
                raise ValueError(f"{name[:64]} is no name of a deployment; use letters, digits, . _ and -")
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if bool(self.tenant_id) != bool(self.client_id):
            raise ValueError("tenant_id and client_id go together; give both, or neither")
        if self.tenant_id and self.access_token is not None:
            raise ValueError("access_token is used as it is, tenant_id makes others; leave one of them out")
        return self

    @property
    def credential(self) -> Secret | None:
        """What the resource is asked with: a token, a secret that makes tokens, or the key."""
        return self.access_token or (self.client_secret if self.tenant_id else self.api_key)

    @property
    def token_uri(self) -> str:
        """Where tokens are made."""
        return f"{self.login_url.rstrip('/')}/{self.tenant_id}/oauth2/v2.0/token"

    def deployment(self, model: str) -> str:
        """The deployment of a model."""
        return self.deployments.get(model, model)

    def path(self, endpoint: str, model: str) -> str:
        """Where an endpoint, such as /images/edits, is asked for a model, below base_url."""
        query = f"?api-version={self.api_version}" if self.api_version else ""
        if self.api_version[:2] == "20":
            return f"/openai/deployments/{self.deployment(model)}{endpoint}{query}"
        return f"/openai/v1{endpoint}{query}"


def told(settings: AzureOpenAISettings) -> dict[str, Any]:
    """What the token host is asked, but for the secret."""
    return {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "scope": "https://cognitiveservices.azure.com/.default",
    }
