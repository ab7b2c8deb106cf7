"""The models of a mapping as the kit knows them: what they honour follows from what their endpoints are sent."""

from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.fields import SIZES
from heliostat.adapters.mapped.mapping import Mapping
from heliostat.adapters.mapped.offers import Offer
from heliostat.adapters.sdk import FollowsInput, Model, ModelTable
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import PriceList, provided
from heliostat.adapters.sdk.price_list import shipped as shipped_prices
from heliostat.adapters.sdk.sizing import SizeRule

# What a request asks by these names is honoured by a field that holds it. Others have the same name in both.
_SOURCES = {"output_compression": "compression"}


def models_of(mapping: Mapping) -> ModelTable:
    """The table of a mapping."""
    prices = prices_of(mapping)
    return ModelTable(*(_model(mapping, name, offer, prices) for name, offer in mapping.models.items()))


def prices_of(mapping: Mapping) -> PriceList | None:
    """The prices that the file has, else those that are shipped for the provider."""
    if mapping.prices is not None or not provided(mapping.provider):
        return mapping.prices
    return shipped_prices(mapping.provider)


def _model(mapping: Mapping, name: str, offer: Offer, prices: PriceList | None) -> Model:
    endpoints = mapping.endpoints_of(offer)
    jobs = [endpoint.job for endpoint in endpoints if endpoint.job is not None]
    types = dict.fromkeys(media_type for endpoint in endpoints for media_type in endpoint.formats)
    limits = {key: value for key, value in mapping.limits.model_dump().items() if value}
    return Model(
        name,
        names=offer.names,
        **(prices.facts(name) if prices is not None else {}),
        operations=tuple(offer.operations),
        sizes=_sizes(offer, endpoints[0]),
        operation_sizes={one: _sizes(offer, mapping.endpoint_of(offer, one), one) for one in offer.operations},
        max_images=offer.images,
        max_references=offer.references,
        inputs=offer.inputs.limits(),
        mask=offer.mask,
        media_types=tuple(types),
        ignores=tuple(sorted(NAMES - honoured(endpoints))),
        cancel_effective=any(job.cancel is not None and job.cancel.free for job in jobs),
        resumable=bool(jobs) and len(jobs) == len(endpoints),
        retention_s=min((job.keeps_s for job in jobs), default=0),
        max_prompt_chars=offer.prompt_chars,
        creator=offer.creator,
        description=offer.description,
        typical_seconds=offer.seconds,
        metadata=limits,
        facts=offer,
    )


def _sizes(offer: Offer, endpoint: Endpoint, operation: str = "text_to_image") -> SizeRule:
    """The sizes of an operation. An endpoint that is sent none goes by the picture, or has one size of its own."""
    if offer.sizes is None or (operation != "text_to_image" and not endpoint.sources() & SIZES):
        return FollowsInput()
    return offer.sizes.rule()


def honoured(endpoints: list[Endpoint]) -> frozenset[str]:
    """Names of asked.py that one of the endpoints is sent."""
    sources = {source for endpoint in endpoints for source in endpoint.sources()}
    names = {name for name in NAMES if _SOURCES.get(name, name) in sources}
    names |= {"feather"} if "mask" in sources else set()
    for field in (field for endpoint in endpoints for field in endpoint.fields.values()):
        names |= {"reference_role"} if field.roles else set()
        names |= {"reference_weight"} if field.each is not None and field.each.weight else set()
    return frozenset(names)
