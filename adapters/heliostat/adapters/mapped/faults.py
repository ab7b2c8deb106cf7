"""What is wrong with a mapping beyond its single pieces: names that lead nowhere, words that contradict each other."""

from collections.abc import Iterator

from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.fields import SIDES, SIZES, TARGETS
from heliostat.adapters.mapped.mapping import PLACE_OF_ACCOUNT, Mapping
from heliostat.adapters.mapped.offers import Offer
from heliostat.adapters.mapped.pieces import instead
from heliostat.chassis.settings import Fault

# What an endpoint must be sent for an operation, beside what its mapping wants.
_NEEDED = {
    "text_to_image": ("prompt",),
    "edit": ("image",),
    "variation": ("image",),
    "upscale": ("image",),
    "remove_background": ("image",),
    "style_transfer": ("image", "style_image"),
    "outpaint": ("image",),
}


def faults_of(mapping: Mapping, name: str) -> Iterator[Fault]:
    """Everything that is wrong with the mapping of a file of that name, with its place."""
    if mapping.provider != name:
        yield Fault(
            ("provider",), f"is not the name of the file; write {name}, or call the file {mapping.provider}.yaml"
        )
    if (PLACE_OF_ACCOUNT in mapping.base_url) != bool(mapping.account):
        yield Fault(("account",), "goes with {account} in base_url; write both, such as account: ACME_ACCOUNT_ID")
    for key, url in mapping.hosts.items():
        if not url.startswith(("https://", "http://")):
            yield Fault(("hosts", key), f"{url!r} is no address; write such as https://api.example.com")
    for key, endpoint in mapping.endpoints.items():
        yield from _endpoint(mapping, key, endpoint)
    sent = {option for endpoint in mapping.endpoints.values() for option in endpoint.options()}
    for key in mapping.options:
        if key not in sent:
            yield Fault(("options", key), f"is sent by no endpoint; write `option {key}` into a field, or leave it out")
    for key, offer in mapping.models.items():
        yield from _offer(mapping, key, offer)
    used = {name for offer in mapping.models.values() for name in offer.operations.values()}
    for key in mapping.endpoints:
        if key not in used:
            yield Fault(("endpoints", key), "is used by no model; name it in the operations of one, or leave it out")


def _endpoint(mapping: Mapping, key: str, endpoint: Endpoint) -> Iterator[Fault]:
    place = ("endpoints", key)
    if endpoint.host and endpoint.host not in mapping.hosts:
        yield Fault(
            (*place, "host"), f"{endpoint.host!r} is none of the hosts; {_instead(endpoint.host, mapping.hosts)}"
        )
    for name, field in endpoint.fields.items():
        if field.option and field.option not in mapping.options:
            told = _instead(field.option, mapping.options)
            yield Fault((*place, "fields", name), f"{field.option!r} is none of the options; {told}")
        if field.form == "bytes" and endpoint.body == "form":
            yield Fault((*place, "fields", name), "a form takes files; write as: file")
        if field.form == "file" and field.source is not None and endpoint.body == "json":
            yield Fault((*place, "fields", name), "JSON takes no files; write as: base64, or body: form")
        if field.source == "format" and "" in endpoint.formats.values():
            yield Fault((*place, "formats"), "has no word for a type that a field sends; write such as image/png: png")


def _offer(mapping: Mapping, key: str, offer: Offer) -> Iterator[Fault]:
    place = ("models", key)
    for operation, name in offer.operations.items():
        at = (*place, "operations", operation)
        endpoint = mapping.endpoints.get(name)
        if endpoint is None:
            yield Fault(at, f"{name!r} is none of the endpoints; {_instead(name, mapping.endpoints)}")
            continue
        sources = endpoint.sources()
        for needed in _NEEDED[operation]:
            if needed not in sources:
                yield Fault(at, f"the endpoint {name} is not sent the {needed}; write a field with from: {needed}")
        if operation == "outpaint" and not sources & SIDES:
            yield Fault(
                at, f"the endpoint {name} is not sent by how much; write fields with from: left, right, top, bottom"
            )
        if operation == "upscale" and sources & TARGETS and not sources >= TARGETS:
            yield Fault(at, f"the endpoint {name} needs both; write from: target_width and from: target_height")
        yield from _sizes(offer, operation, sources & SIZES, at)
    sent = {source for name in offer.operations.values() for source in _sources(mapping, name)}
    for word, source in (("mask", "mask"), ("references", "references")):
        told = bool(getattr(offer, word))
        if told != (source in sent) and not (source in sent and not told):
            yield Fault((*place, word), f"is sent to no endpoint of it; write a field with from: {source}")
    if offer.images > 1 and "count" not in sent:
        yield Fault((*place, "images"), "are asked of no endpoint of it; write a field with from: count")


def _sizes(offer: Offer, operation: str, sent: set[str], at: tuple[str, ...]) -> Iterator[Fault]:
    if not sent:
        if operation == "text_to_image" and offer.sizes is not None and len(offer.sizes.listed) != 1:
            yield Fault(at, "the endpoint is not sent the size; write fields with from: width, height, size or ratio")
        return
    if offer.sizes is None:
        yield Fault(at, "the endpoint is sent a size, but the model has none; write sizes: for it")
        return
    pixels, shaped = sent & {"width", "height", "size"}, sent & {"ratio", "tier"}
    if offer.sizes.shapes and pixels:
        yield Fault(at, f"shapes have no px; write from: ratio in place of from: {sorted(pixels)[0]}")
    if not offer.sizes.shapes and shaped:
        yield Fault(at, "px are no shapes; write from: width and from: height, or from: size, in place of from: ratio")
    if ("width" in sent) != ("height" in sent):
        yield Fault(at, "width and height go together; write a field for each")


def _sources(mapping: Mapping, endpoint: str) -> set[str]:
    found = mapping.endpoints.get(endpoint)
    return found.sources() if found is not None else set()


def _instead(word: str, known: object) -> str:
    names = [str(one) for one in known] if isinstance(known, dict) else []
    return instead(word, names) if names else "there is none; write it first"
