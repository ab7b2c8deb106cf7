"""Settings of the Amazon Bedrock adapter: region, keys, what the account may use."""

import re
from typing import Any

from pydantic import Field, model_validator

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret

USUAL_REGION = "us-west-2"
_USUAL = {"api_key": "env:AWS_BEARER_TOKEN_BEDROCK", "access_key_id": "env:AWS_ACCESS_KEY_ID"}
_REGIONS = re.compile(r"https://bedrock-runtime\.[a-z0-9-]+\.amazonaws\.com/?")


def _endpoint(region: str) -> str:
    """The runtime of a region."""
    return f"https://bedrock-runtime.{region}.amazonaws.com"


def _reference(value: Any) -> str:
    """A secret as it is written."""
    return value.reference if isinstance(value, Secret) else str(value)


class BedrockSettings(ProviderSettings):
    """Amazon Bedrock in one region, asked with a Bedrock API key, or with requests signed by an access key."""

    api_key: Secret | None = Field(
        Secret(_USUAL["api_key"]),
        description="Bedrock API key, env:NAME or file:PATH; where there is one, nothing is signed",
    )
    access_key_id: Secret | None = Field(
        Secret(_USUAL["access_key_id"]), description="Id of an access key, env:NAME or file:PATH"
    )
    secret_access_key: Secret | None = Field(
        Secret("env:AWS_SECRET_ACCESS_KEY"), description="Its secret, which signs requests; env:NAME or file:PATH"
    )
    session_token: Secret | None = Field(
        Secret("env:AWS_SESSION_TOKEN"), description="Token of a temporary access key; env:NAME or file:PATH"
    )
    region: str = Field(USUAL_REGION, pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", description="Region, such as us-west-2")
    base_url: str = Field(
        _endpoint(USUAL_REGION),
        pattern="^https?://",
        description="The runtime's endpoint; that of the region by itself",
    )
    inference_profile: str = Field(
        "us", pattern="^[a-z]{0,10}$", description="Prefix of the inference profiles that serve Stability's services"
    )
    legacy: bool = Field(
        False, description="True: Nova Canvas and Titan are offered, for accounts that may use them beyond their end"
    )
    answer_timeout_s: float = Field(
        300.0, gt=0, le=3600, description="Longest wait for the head of an answer, in seconds"
    )

    @model_validator(mode="before")
    @classmethod
    def _in_its_region(cls, tree: Any) -> Any:
        """The endpoint of the region. An access key that the section names is meant, whatever the environment holds."""
        if not isinstance(tree, dict):
            return tree
        if all(tree.get(name) and _reference(tree[name]) != usual for name, usual in _USUAL.items()):
            raise ValueError("api_key and access_key_id are two ways in; leave one of them out")
        if tree.get("region") and _REGIONS.fullmatch(str(tree.get("base_url", _endpoint(USUAL_REGION)))):
            tree = {**tree, "base_url": _endpoint(tree["region"])}
        named = tree.get("access_key_id") and "api_key" not in tree
        return {**tree, "api_key": None} if named else tree

    @property
    def bears(self) -> bool:
        """Whether a Bedrock API key is there, and goes along as it is."""
        return self.api_key is not None and self.api_key.present()

    @property
    def signs(self) -> bool:
        """Whether an access key is there to sign with."""
        parts = (self.access_key_id, self.secret_access_key)
        return not self.bears and all(part is not None and part.present() for part in parts)

    @property
    def token(self) -> str:
        """The session token; empty where the key is not a temporary one."""
        secret = self.session_token
        return secret.reveal() if secret is not None and secret.present() else ""
