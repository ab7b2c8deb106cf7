"""Settings that adapters have in common."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from heliostat.adapters.sdk.account_settings import AccountSettings, check
from heliostat.adapters.sdk.price_lines import Amount
from heliostat.chassis.settings import PartSettings, Secret


class AdapterSettings(PartSettings):
    """Settings of an adapter that calls nobody."""

    kind: str = ""
    """Which adapter serves this section; empty: the one of the section's own name."""
    linger_s: float = Field(60.0, ge=0, le=3600)
    """Seconds for which a job is left alone whose caller's connection broke off, so that a restarted core, or another
    one, can go on with it; afterwards it is cancelled. Longer than ledger.lease_s, or a takeover finds it cancelled."""
    one_colour_warning: bool = True
    """True: a picture of one colour all over, which may be what a provider makes of one that it held back, is delivered
    with a warning (x-heliostat-warning, and `warnings` of the picture). To tell, tiny files are decoded."""
    address: str = ""
    """Where the adapter runs when it is not in this process, such as "dns:///painter:9000"."""
    prices: str = ""
    """File with prices of your own, JSON or YAML; they replace those of the models that it names. Empty: the list that
    `heliostat prices import` keeps under state_dir, if there is one, and the shipped one."""
    usd_rates: dict[str, Amount] = Field({})
    """US dollars for one unit of another currency, such as {CNY: 0.14}; without a rate such prices are unknown."""


class ProviderSettings(AdapterSettings):
    """Settings of an adapter that calls a provider over HTTP. Subclasses give `api_key` and `base_url` defaults.

    `address_variable` names the variable that tells where an engine of one's own stands, such as "COMFYUI_URL": such an
    engine needs no key, and `make live` takes it where its address is told.
    """

    address_variable: ClassVar[str] = ""
    api_key: Secret | None = None
    """Key of the provider: env:NAME or file:PATH."""
    accounts: dict[str, AccountSettings] = Field({})
    """Several keys of the provider, by names of your choice, each with {api_key, weight, settings}: see
    docs/provider_keys.md. Where there are any, api_key takes no new requests."""
    base_url: str = ""
    """Where the provider is, and all that its key is good for."""
    api_hosts: tuple[str, ...] = ()
    """Further hosts of the provider's API, which get the key where an answer names them; * stands for any letters."""
    private_addresses: bool = False
    """True: base_url's public name may lead to an address that is not public, such as that of a private link or of a
    proxy. Names without a dot, private ones such as gpu.lan, addresses and plain http may always."""
    media_hosts: tuple[str, ...] = ()
    """Hosts that results may be fetched from; "*.name" means any host below name."""
    webhook_url: str = Field("", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")
    """Address of the edge as the provider reaches it, such as https://images.example.com: jobs then ask for a callback
    there, which spares waiting. Empty: jobs are only polled."""
    connect_timeout_s: float = Field(3.0, gt=0, le=60)
    """Longest wait for a connection, in seconds."""
    answer_timeout_s: float = Field(180.0, gt=0, le=3600)
    """Longest wait for the head of an answer, in seconds."""
    idle_timeout_s: float = Field(30.0, gt=0, le=600)
    """Longest pause inside of an answer, in seconds."""
    keepalive_s: float = Field(30.0, gt=0, le=600)
    """How long an idle connection is kept, in seconds."""
    max_connections: int = Field(2048, ge=1, le=65536)
    """Most connections to the provider at once."""

    @model_validator(mode="after")
    def _accounts_are_sound(self) -> Self:
        check(self, self.accounts)
        return self
