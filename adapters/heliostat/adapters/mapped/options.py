"""provider_options of a mapped provider, made from its mapping."""

from collections.abc import Collection
from typing import Any, Literal

from pydantic import Field, create_model

from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.mapping import Mapping
from heliostat.adapters.mapped.offers import Offer, Option
from heliostat.adapters.sdk import MeshError, Options
from heliostat.api.image.v1 import reason_pb2 as reasons

_KINDS: dict[str, Any] = {"whole": int, "number": float, "text": str, "yes_no": bool}


def options_of(mapping: Mapping) -> type[Options]:
    """The class of a mapping's options: unknown names and values out of bounds are refused."""
    fields: dict[str, Any] = {name: (_kind(one), _field(one)) for name, one in mapping.options.items()}
    made: type[Options] = create_model(f"{mapping.provider.title()}Options", __base__=Options, **fields)
    return made


def _kind(option: Option) -> Any:
    kind = Literal[option.words] if option.kind == "word" else _KINDS[option.kind]
    return kind | None


def _field(option: Option) -> Any:
    if option.kind == "text":
        most = int(option.most) if option.most is not None else 2000
        return Field(None, max_length=most, description=option.about)
    return Field(None, ge=option.least, le=option.most, description=option.about)


def names_for(mapping: Mapping, offer: Offer) -> Collection[str]:
    """The options that some operation of a model takes."""
    return {name for endpoint in mapping.endpoints_of(offer) for name in endpoint.options()}


def given(options: Options, endpoint: Endpoint, model: str, provider: str) -> dict[str, Any]:
    """What a request gives of them. Raises INVALID_FIELD for one that the endpoint does not take."""
    values = options.model_dump(exclude_none=True)
    foreign = sorted(values.keys() - endpoint.options())
    if foreign:
        known = ", ".join(sorted(endpoint.options())) or "none"
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"{model} does not take provider_options.{provider}.{foreign[0]} here; it takes: {known}.",
            field=f"provider_options.{provider}.{foreign[0]}",
        )
    return values
