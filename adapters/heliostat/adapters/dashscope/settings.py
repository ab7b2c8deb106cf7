"""Settings of the DashScope adapter."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class DashScopeSettings(ProviderSettings):
    """Alibaba's Model Studio, its key, and where its pictures are. Key, address and models belong to one region."""

    api_key: Secret | None = Field(
        Secret("env:DASHSCOPE_API_KEY"), description="Key of Model Studio, env:NAME or file:PATH"
    )
    base_url: str = Field(
        "https://dashscope-intl.aliyuncs.com/api/v1",
        pattern="^https?://",
        description="Model Studio in Singapore, version included; Beijing: https://dashscope.aliyuncs.com/api/v1",
    )
    media_hosts: tuple[str, ...] = Field(
        ("*.aliyuncs.com",), description="Hosts that pictures may be fetched from; *.name for any below"
    )
    region: Literal["", "singapore", "beijing"] = Field(
        "", description="Whose models and prices hold; empty: as base_url's host tells"
    )
    workspace: str = Field(
        "", pattern=r"^[A-Za-z0-9_-]{0,64}$", description="Workspace to work in; empty: the key's own"
    )

    @property
    def beijing(self) -> bool:
        """Whether the models of Beijing are asked, whose prices are in CNY."""
        host = urlsplit(self.base_url).hostname or ""
        own = host == "dashscope.aliyuncs.com" or host.endswith(".cn-beijing.maas.aliyuncs.com")
        return self.region == "beijing" or (not self.region and own)
