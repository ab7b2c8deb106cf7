"""Settings of the Black Forest Labs adapter."""

from urllib.parse import urlsplit

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret

_GLOBAL = "api.bfl.ai"


class BflSettings(ProviderSettings):
    """Black Forest Labs' API, its key, its clusters, and where its pictures are."""

    api_key: Secret | None = Field(
        Secret("env:BFL_API_KEY"), description="Key of Black Forest Labs, env:NAME or file:PATH"
    )
    base_url: str = Field(
        "https://api.bfl.ai",
        description="Black Forest Labs' API; https://api.eu.bfl.ai and https://api.us.bfl.ai keep work in their region",
    )
    api_hosts: tuple[str, ...] = Field(
        ("api.*.bfl.ai",),
        description="Clusters that answers may name for polling, which get the key; * stands for any letters",
    )
    media_hosts: tuple[str, ...] = Field(
        ("*.bfl.ai",), description="Hosts that pictures may be fetched from; *.name for any below"
    )
    webhook_secret: Secret | None = Field(
        Secret("env:BFL_WEBHOOK_SECRET"),
        description="What callbacks are to be signed with, a text of your own, env:NAME or file:PATH",
    )

    @property
    def finds_any_task(self) -> bool:
        """Whether base_url itself is thought to find every task: the global address may answer "Task not found"."""
        return urlsplit(self.base_url).hostname != _GLOBAL
