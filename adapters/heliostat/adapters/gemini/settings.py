"""Settings of the Gemini adapter: the Gemini API, or the same models at Vertex AI."""

import re
from typing import Any

from pydantic import Field, model_validator

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret

GLOBAL = "global"
_LOCATIONS = re.compile(r"https://([a-z0-9-]+-)?aiplatform\.googleapis\.com/?")


def _endpoint(location: str) -> str:
    """Vertex AI at a location."""
    return f"https://{'' if location == GLOBAL else f'{location}-'}aiplatform.googleapis.com"


class GeminiSettings(ProviderSettings):
    """Google's Gemini API; with a `project` Vertex AI instead, which has the same models under other conditions."""

    api_key: Secret | None = Field(
        Secret("env:GEMINI_API_KEY"),
        description="Key of the Gemini API, env:NAME or file:PATH; of Vertex AI a service account's key file (JSON) or "
        "an access token",
    )
    base_url: str = Field(
        "https://generativelanguage.googleapis.com",
        pattern="^https?://",
        description="Google's API without its version; with a project that of Vertex AI's location by itself",
    )
    project: str = Field(
        "",
        pattern=r"^([a-z][a-z0-9:.-]{3,100})?$",
        description="Google Cloud project: Vertex AI is asked, not the Gemini API",
    )
    location: str = Field(
        GLOBAL, pattern=r"^[a-z][a-z0-9-]{1,40}$", description="Vertex AI's location, such as us-central1"
    )
    answer_timeout_s: float = Field(
        300.0, gt=0, le=3600, description="Longest wait for the head of an answer, in seconds; 4K takes its time"
    )

    @model_validator(mode="before")
    @classmethod
    def _places_of_vertex(cls, tree: Any) -> Any:
        """The Gemini API's key is no credential of Vertex AI, and its host is another one: that of the location, also
        for an account whose location is not the section's."""
        if not isinstance(tree, dict) or not tree.get("project"):
            return tree
        there = _endpoint(str(tree.get("location", GLOBAL)))
        base_url = str(tree.get("base_url", there))
        base_url = there if _LOCATIONS.fullmatch(base_url) else base_url
        return {"api_key": "env:VERTEX_CREDENTIALS", **tree, "base_url": base_url}

    @property
    def vertex(self) -> bool:
        """Whether Vertex AI is asked."""
        return bool(self.project)

    def path(self, model: str) -> str:
        """Where a model is asked, below base_url."""
        place = f"/v1/projects/{self.project}/locations/{self.location}/publishers/google" if self.vertex else "/v1beta"
        return f"{place}/models/{model}:generateContent"
