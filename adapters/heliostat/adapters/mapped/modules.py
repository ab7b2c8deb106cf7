"""A runnable adapter for each mapping file."""

from functools import cache
from typing import Any

from heliostat.adapters.mapped.adapter import MappedAdapter
from heliostat.adapters.mapped.files import own as own_mapping
from heliostat.adapters.mapped.files import shipped
from heliostat.adapters.mapped.mapping import Mapping
from heliostat.adapters.mapped.settings import MappedSettings, OwnMappedSettings, check, settings_of
from heliostat.adapters.sdk.canon import with_names
from heliostat.adapters.sdk.module import AdapterPart
from heliostat.adapters.sdk.own_prices import with_prices
from heliostat.chassis.modules import Module, Surroundings
from heliostat.chassis.settings import refused

OWN = "mapped"


@cache
def module(kind: str) -> Module:
    """The module of a shipped mapping. Raises INVALID_FIELD where there is none."""
    return _module(kind, settings_of(shipped(kind)))


def own_module() -> Module:
    """The module of `kind: mapped`: the mapping is one of the operator's."""
    return _module(OWN, OwnMappedSettings)


def _module(kind: str, settings: type[MappedSettings]) -> Module:
    def build(own: Any, surroundings: Surroundings) -> AdapterPart:
        mapping = _chosen(own, kind, surroundings.name.removeprefix("adapter-") or kind)
        made = MappedAdapter(own, surroundings, mapping)
        made.models = with_names(with_prices(made.models, mapping.provider, own, surroundings.state_dir))

        def make(settings: Any) -> MappedAdapter:
            if "base_url" in own.model_fields_set and settings.base_url == made.settings.base_url:
                # As the operator wrote it: {account} is another one for each account.
                settings = settings.model_copy(update={"base_url": own.base_url})
            return MappedAdapter(settings, surroundings, mapping)

        return AdapterPart(made, surroundings, make)

    return Module(name=f"adapter-{kind}", section=("adapters", kind), settings=settings, build=build, check=check)


def _chosen(settings: MappedSettings, kind: str, name: str) -> Mapping:
    """The operator's mapping of the section's name, or of its kind; else the shipped one. Raises INVALID_FIELD."""
    for wanted in dict.fromkeys((name, kind)):
        found = own_mapping(settings.mappings, wanted) if settings.mappings else None
        if found is not None:
            return found
    if kind != OWN:
        return shipped(kind)
    raise refused(
        f"adapters.{name} has no mapping: write {name}.yaml into a folder, and that folder into "
        f"adapters.{name}.mappings."
    )
