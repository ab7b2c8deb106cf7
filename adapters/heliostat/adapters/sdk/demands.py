"""Compares what a request asks with what a model and its adapter can do, before anything is bought."""

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from heliostat.adapters.sdk.asked import NAMES, Reader, reader, shown
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.convert import ENCODABLE, LOSSY
from heliostat.adapters.sdk.extra_fields import plain, take_extra_fields
from heliostat.adapters.sdk.models import Model, operation_of
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

_REASON = "The provider has no such parameter for this model."


def check_demands(call: Call, ignores: Iterable[str]) -> None:
    """Raises UNSUPPORTED for what cannot be left out, and records an adjustment for what can.

    Operation, mask, references and number of pictures cannot be left out. An ignored parameter can, unless the request
    requires it or is strict. Format conversions are recorded as emulated.
    """
    model, request = call.model, call.request
    operation = operation_of(request)
    if operation not in model.operations:
        can = ", ".join(model.operations)
        raise _unsupported(f"{model.name} cannot do {operation}; it does {can}. Choose another model.", "model")
    if request.edit.mask.WhichOneof("source") is not None and not model.mask:
        raise _unsupported(f"{model.name} takes no mask; leave it out or choose another model.", "mask")
    if len(request.references) > model.max_references:
        raise _unsupported(f"{model.name} takes at most {model.max_references} reference pictures.", "references")
    if call.image_count > model.max_images:
        raise _unsupported(f"{model.name} makes at most {model.max_images} pictures in one call.", "n")
    _check_parameters(call, _readers(tuple(ignores), model.ignores))
    _check_format(call)


@cache
def _readers(*ignored: tuple[str, ...]) -> tuple[tuple[str, Reader], ...]:
    """What is not honoured, with what reads it; made once for a model, for every request is looked through."""
    return tuple((name, reader(name)) for name in sorted(set().union(*ignored)))


def _check_parameters(call: Call, ignored: Iterable[tuple[str, Reader]]) -> None:
    request = call.request
    for name, read in ignored:
        value = read(request)
        if not value or (name == "output_compression" and _packed_here(call, value)):
            continue
        if name in request.required_parameters:
            raise _unsupported(f"{call.model.name} does not honour {name}, which the request requires.", name)
        call.adjust(name, shown(name, value), "", _REASON, event_pb2.ADJUSTMENT_MODE_DROPPED)


def tell_dropped(call: Call, names: Iterable[str], reason: str) -> None:
    """Tells what of `names`, which the model honours elsewhere, the request asks and is not sent. Raises UNSUPPORTED
    where the request is strict."""
    for name in sorted(names):
        value = reader(name)(call.request)
        if value:
            call.adjust(name, shown(name, value), "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)


def _check_format(call: Call) -> None:
    wanted = call.request.output.media_type
    if not wanted or wanted in call.model.media_types:
        return
    if wanted not in ENCODABLE:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"{wanted[:100]!r} cannot be delivered; ask for one of {', '.join(sorted(ENCODABLE))}.",
            field="output_format",
        )
    if not call.passes_uris:
        told_conversion(call, wanted, call.model.media_types[0])
        return
    reason = "The provider's own file is passed through as it is."
    call.adjust("output_format", wanted, call.model.media_types[0], reason)


def told_conversion(call: Call, wanted: str, sent: str) -> None:
    """Records, once, that the picture is converted here."""
    if not any(one.parameter == "output_format" for one in call.adjustments):
        reason = "The provider delivers another format; it is converted here."
        call.adjust("output_format", wanted, sent, reason, event_pb2.ADJUSTMENT_MODE_EMULATED)


def _packed_here(call: Call, percent: str) -> bool:
    """Whether the picture is compressed here: where the caller names a lossy format, and the provider's own encoder
    takes no such wish."""
    wanted = call.request.output.media_type
    if wanted not in LOSSY or call.passes_uris:
        return False
    call.packs = True
    reason = "The provider has no such parameter for this model; the picture is compressed here."
    call.adjust("output_compression", percent, "", reason, event_pb2.ADJUSTMENT_MODE_EMULATED)
    return True


def _unsupported(message: str, field: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field=field)


def check_ignores(ignores: Iterable[str], models: Iterable[Model]) -> None:
    """Raises ValueError for an `ignores` name that no request can ask: an adapter's author has mistyped it."""
    names = {name for model in models for name in model.ignores} | set(ignores)
    if names - NAMES:
        raise ValueError(f"unknown names in ignores: {sorted(names - NAMES)}; known are {sorted(NAMES)}")


@cache
def _defaults(options: type[BaseModel]) -> BaseModel:
    return options()


def read_options(
    options: type[BaseModel], names: Iterable[str], call: Call, managed: Collection[str] | None = None
) -> Any:
    """The provider's own options of a request: provider_options under one of `names`, then known extra fields.

    Raises INVALID_FIELD naming the option. For `managed`, and for extra fields that are no options, see
    `take_extra_fields`.
    """
    request = call.request
    if not request.provider_options and not request.extra_fields.fields:
        return _defaults(options)
    tree: dict[str, Any] = {}
    place = ""
    for name in names:
        if name in request.provider_options:
            tree, place = plain(request.provider_options[name]), name
            break
    if request.extra_fields.fields:
        tree = take_extra_fields(call, options, managed) | tree
    try:
        return options.model_validate(tree)
    except ValidationError as error:
        raise _refused_options(error, place, options) from None


def _refused_options(error: ValidationError, place: str, options: type[BaseModel]) -> MeshError:
    fault = error.errors(include_input=False, include_url=False)[0]
    option = ".".join(str(step) for step in fault["loc"])
    field = f"provider_options.{place}.{option}" if place else option
    if fault["type"] == "extra_forbidden":
        known = ", ".join(sorted(options.model_fields)) or "none"
        what = f"{field[:200]} is no option of this provider; known are: {known}."
    else:
        what = f"{field[:200]}: {fault['msg']}."
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, what, field=field[:200])
