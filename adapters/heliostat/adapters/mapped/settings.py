"""Settings of a mapped provider: the kit's, with what its mapping says as defaults."""

from collections.abc import Collection
from typing import Any

from pydantic import Field, create_model

from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.files import check_folder
from heliostat.adapters.mapped.mapping import PLACE_OF_ACCOUNT, Mapping
from heliostat.adapters.sdk import Model, ProviderSettings
from heliostat.chassis.settings import Secret


class MappedSettings(ProviderSettings):
    """A provider that a mapping file of yours describes."""

    mappings: str = ""
    """Folder with mapping files of your own; the one of the section's name is served, before the shipped one. Empty:
    the shipped one."""


class OwnMappedSettings(MappedSettings):
    """A provider that a mapping file of yours describes, and the folder of that file."""

    account: Secret | None = None
    """What {account} in the mapping's base_url stands for, env:NAME or file:PATH. Empty: the variable that the mapping
    names."""


def settings_of(mapping: Mapping) -> type[MappedSettings]:
    """The settings of a shipped mapping, with its own defaults."""
    name = mapping.name
    fields: dict[str, Any] = {
        "api_key": (Secret | None, Field(_key(mapping), description=f"Key of {name}, env:NAME or file:PATH")),
        "base_url": (str, Field(mapping.base_url, description=f"{name}'s API")),
        "media_hosts": (
            tuple[str, ...],
            Field(mapping.media_hosts, description="Hosts that pictures may be fetched from; *.name for any below"),
        ),
    }
    if mapping.account:
        told = f"Account at {name} that {PLACE_OF_ACCOUNT} in base_url stands for, env:NAME or file:PATH"
        fields["account"] = (Secret | None, Field(Secret(f"env:{mapping.account}"), description=told))
    title = "".join(part.title() for part in mapping.provider.split("_"))
    made: type[MappedSettings] = create_model(
        f"{title}Settings", __base__=MappedSettings, __doc__=f"{name}, by its mapping file.", **fields
    )
    return made


def filled(settings: MappedSettings, mapping: Mapping) -> MappedSettings:
    """The settings with what the mapping says of everything that the operator did not set.

    The account is put into base_url here; one that is missing stays its place, and no call is made without it.
    """
    told = settings.model_fields_set
    base_url = settings.base_url if "base_url" in told else mapping.base_url
    account = account_of(settings, mapping)
    if account is not None and account.present():
        base_url = base_url.replace(PLACE_OF_ACCOUNT, account.reveal())
    hosts = settings.api_hosts if "api_hosts" in told else tuple(host.split("/")[2] for host in mapping.hosts.values())
    known = {
        "base_url": base_url,
        "api_key": settings.api_key if "api_key" in told else _key(mapping),
        "media_hosts": settings.media_hosts if "media_hosts" in told else mapping.media_hosts,
        "api_hosts": hosts,
    }
    # What the operator has written stays told apart from what is known: the settings of further accounts begin there.
    return type(settings).model_construct(_fields_set=set(told), **{**dict(settings), **known})


def account_of(settings: MappedSettings, mapping: Mapping) -> Secret | None:
    """Where the account stands; None where the provider has none."""
    if not mapping.account:
        return None
    told: Secret | None = getattr(settings, "account", None)
    return told or Secret(f"env:{mapping.account}")


def address_of(settings: MappedSettings, mapping: Mapping, endpoint: Endpoint, model: Model) -> str:
    """Where an endpoint is: a path below base_url, or at its own host where base_url is not the operator's."""
    path = endpoint.path.replace("{model}", model.facts.id or model.name)
    elsewhere = endpoint.host and "base_url" not in settings.model_fields_set
    return f"{mapping.hosts[endpoint.host].rstrip('/')}{path}" if elsewhere else path


def check(settings: MappedSettings, adapters: Collection[str]) -> None:
    """Reads every file of the operator's folder. Raises INVALID_FIELD with the line of what is wrong."""
    if settings.mappings:
        check_folder(settings.mappings)


def _key(mapping: Mapping) -> Secret:
    return Secret(f"env:{mapping.auth.key}")
