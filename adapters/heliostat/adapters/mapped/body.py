"""ImageRequest -> the fields of one endpoint, by its mapping. Pure, but for what it tells the caller."""

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.mapped.catalog import honoured
from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.fields import PICTURES, SHARES, SIDES, SIZES, TARGETS, BodyField
from heliostat.adapters.mapped.mapping import Mapping
from heliostat.adapters.mapped.offers import Offer
from heliostat.adapters.mapped.pictures import Pictures, Sent, of_field
from heliostat.adapters.sdk import Call, MeshError, Part, operation_of
from heliostat.adapters.sdk.asked import NAMES, reader, shown
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.sdk.multipart import field_part
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.adapters.sdk.sizing import requested_text
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

_DROPPED = events.ADJUSTMENT_MODE_DROPPED
_NAMED = {"compression": "output_compression"}
_NUMBER = "{n}"
_MOST_NUMBERED = 64
_MOST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """What a body is made from."""

    mapping: Mapping
    offer: Offer
    endpoint: Endpoint
    call: Call
    pictures: Pictures
    options: Map[str, Any]


def managed_of(mapping: Mapping) -> frozenset[str]:
    """Fields of the provider's bodies that its mapping fills."""
    written = {name for endpoint in mapping.endpoints.values() for name in endpoint.fields}
    names = {name.replace(_NUMBER, str(number)) for name in written for number in range(_MOST_NUMBERED)}
    # In JSON a dot leads into an object, in a form it is part of the name.
    return frozenset(names | {name.partition(".")[0] for name in names})


def make_fields(order: Order) -> dict[str, Any]:
    """Every field that has a value, files as `Sent`. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    _check_count(order)
    order.call.size()
    _tell_ignored(order)
    made: dict[str, Any] = {}
    for name, field in order.endpoint.fields.items():
        if field.source in PICTURES:
            made |= _pictures(name, field, order)
            continue
        value = _value(field, order)
        if value is None:
            _check_required(field, order)
        else:
            made[name] = value
    return made


def as_json(fields: Map[str, Any], passed_on: Map[str, Any]) -> dict[str, Any]:
    """The body of a JSON call: dots lead into objects."""
    body: dict[str, Any] = dict(passed_on)
    for name, value in fields.items():
        *above, last = name.split(".")
        inner = body
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return body


def as_parts(fields: Map[str, Any], passed_on: Map[str, Any]) -> Sequence[Part]:
    """The parts of a form."""
    return [part for name, value in {**passed_on, **fields}.items() for part in _parts(name, value)]


def make_headers(order: Order) -> dict[str, str]:
    """The headers of a call, beside the key's. One that is answered by the picture itself does not ask for JSON."""
    usual = {"accept": "*/*"} if order.endpoint.answer.pictures is None else {}
    told = {name: _value(field, order) for name, field in order.endpoint.headers.items()}
    return usual | {name: str(value) for name, value in told.items() if value is not None}


def _parts(name: str, value: Any) -> list[Part]:
    if isinstance(value, Sent):
        return [value.part(name)]
    if isinstance(value, list) and value and isinstance(value[0], Sent):
        return [one.part(name) for one in value]
    return [field_part(name, value)]


def _pictures(name: str, field: BodyField, order: Order) -> dict[str, Any]:
    """A field of pictures: one, a list, or one field for each where its name holds {n}."""
    found = of_field(field, order.pictures, order.endpoint)
    if not found:
        _check_required(field, order)
        return {}
    if field.most and len(found) > field.most:
        message = f"{order.call.model.name} takes at most {field.most} pictures of that kind; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    values = [one if field.form == "file" else _each(field, one) for one in found]
    if _NUMBER in name:
        return {name.replace(_NUMBER, str(number)): value for number, value in enumerate(values)}
    return {name: values if field.source == "references" else values[0]}


def _each(field: BodyField, picture: Sent) -> Any:
    value = picture.in_form(field.form)
    if field.each is None:
        return value
    weight = {field.each.weight: picture.weight} if field.each.weight and picture.weight is not None else {}
    return {**field.each.fixed, field.each.picture: value, **weight}


def _check_count(order: Order) -> None:
    """Raises UNSUPPORTED for several pictures at an endpoint that makes one."""
    call = order.call
    if call.image_count > 1 and "count" not in order.endpoint.sources():
        message = f"{call.model.name} makes one picture at a time for {operation_of(call.request)}; ask once for each."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="n")


def _check_required(field: BodyField, order: Order) -> None:
    if not field.required:
        return
    what = field.source or f"provider_options.{order.mapping.provider}.{field.option}"
    message = f"{order.call.model.name} needs {what} for {operation_of(order.call.request)}; send it."
    raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=what)


def _value(field: BodyField, order: Order) -> Any:
    """The value of a field; None where it has none."""
    if field.value is not None:
        return field.value
    value = order.options.get(field.option) if field.option else _asked(field, order)
    return field.default if value is None else value


def _asked(field: BodyField, order: Order) -> Any:
    call, source = order.call, str(field.source)
    if source == "model":
        return order.offer.id or call.model.name
    if source == "prompt":
        return call.request.prompt or None
    if source == "count":
        return call.image_count
    if source in SIZES:
        return _size(field, source, call)
    if source == "format":
        return _format(order)
    if source in SIDES:
        return _bounded(field, getattr(call.request.outpaint, f"{source}_px"), f"outpaint.{source}_px", call)
    if source == "factor" or source in TARGETS:
        return _target(field, source, order)
    return _parameter(field, source, call)


def _parameter(field: BodyField, source: str, call: Call) -> Any:
    """A parameter that asked.py knows: a number, or a word in the provider's language."""
    name = _NAMED.get(source, source)
    told = reader(name)(call.request)
    if not told:
        return None
    if source == "seed":
        most = int(field.at_most) if field.at_most is not None else _MOST_SEED
        return seed_between(call, int(field.at_least or 0), most)
    if source == "compression":
        return _bounded(field, int(told), name, call)
    if source in SHARES:
        low, high = field.span or (0.0, 1.0)
        number = low + float(told) * (high - low)
        return _bounded(field, round(number) if field.whole else round(number, 6), name, call)
    if not field.words or told in field.words:
        return field.words.get(told, told)
    known = ", ".join(field.words)
    call.adjust(name, shown(name, told), "", f"{call.model.name} knows {known} here.", _DROPPED)
    return None


def _bounded(field: BodyField, number: float, name: str, call: Call) -> float:
    """The number where the provider takes it. Raises INVALID_FIELD."""
    low, high = field.at_least, field.at_most
    if (low is None or number >= low) and (high is None or number <= high):
        return number
    bounds = " and ".join(
        [*([f"at least {low:g}"] if low is not None else []), *([f"at most {high:g}"] if high is not None else [])]
    )
    message = f"{call.model.name} takes {bounds} for {name}; it was to be {number:g}."
    raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=name)


def _size(field: BodyField, source: str, call: Call) -> Any:
    """A part of the size; work on a picture without a wish leaves it to the provider."""
    request = call.request
    if operation_of(request) != "text_to_image" and not request.HasField("size"):
        return None
    choice = call.size()
    if source in ("width", "height"):
        return (choice.width_px if source == "width" else choice.height_px) or None
    told = {"ratio": choice.ratio, "tier": choice.tier}.get(source, "")
    if source == "size" and choice.width_px:
        plain = f"{choice.width_px}x{choice.height_px}"
        return field.words.get(plain, f"{choice.width_px}{field.between}{choice.height_px}")
    return field.words.get(told, told) or None


def _format(order: Order) -> str | None:
    """The provider's word for the wanted type, or for the best that it has, where the kit converts; None without a
    wish."""
    formats, call = order.endpoint.formats, order.call
    wanted = call.request.output.media_type
    if not wanted:
        return None
    if wanted in formats:
        return formats[wanted]
    sent = "image/png" if "image/png" in formats else next(iter(formats))
    call.sends_format(sent)
    return formats[sent]


def _target(field: BodyField, source: str, order: Order) -> Any:
    """How much larger a picture gets, as a factor or in px. Raises INVALID_FIELD where that cannot be told."""
    upscale, call = order.call.request.upscale, order.call
    width, height = order.pictures.image.size if order.pictures.image is not None else (0, 0)
    kind = upscale.WhichOneof("target")
    if kind is None:
        return None
    if not width and (kind == "size") == (source == "factor"):
        message = (
            f"{call.model.name} needs the picture itself to know by how much it grows; send it, or the other word."
        )
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"upscale.{kind}")
    if source == "factor":
        factor = upscale.factor if kind == "factor" else round(upscale.size.width_px / width, 3)
        return _bounded(field, round(factor) if field.whole else factor, f"upscale.{kind}", call)
    edge = upscale.size.width_px if source == "target_width" else upscale.size.height_px
    if kind == "factor":
        edge = round((width if source == "target_width" else height) * upscale.factor)
    return _bounded(field, edge, f"upscale.{kind}", call)


def _tell_ignored(order: Order) -> None:
    """Tells what the model honours elsewhere and this endpoint is not sent."""
    here = honoured([order.endpoint])
    everywhere = honoured(order.mapping.endpoints_of(order.offer))
    request = order.call.request
    reason = f"The model does not take it for {operation_of(request)}."
    tell_dropped(order.call, (everywhere - here) & NAMES, reason)
    target = request.upscale.WhichOneof("target")
    if target is not None and not order.endpoint.sources() & {"factor", *TARGETS}:
        wish = f"{request.upscale.factor:g}" if target == "factor" else requested_text(_size_of(request.upscale.size))
        order.call.adjust(target, wish, "", "The provider chooses by how much it grows.", _DROPPED)


def _size_of(pixels: requests.PixelSize) -> requests.Size:
    return requests.Size(pixels=pixels)
