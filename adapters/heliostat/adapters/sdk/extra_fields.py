"""Fields of a body that Heliostat does not know: options of the provider, fields passed on as they are, or dropped."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel

from heliostat.adapters.sdk.call import Call
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

# Words of OpenAI's API that mean something to OpenAI's models alone (read 2026-11-22): an application that sends them
# must not break other providers. An adapter that knows them names them among its options.
OPENAIS = frozenset({"input_fidelity", "complexity", "frame_count", "frame_duration_ms", "svg", "markup"})
# Names travel in JSON and in forms: one that could break out of a form's head is passed on nowhere.
FIELD_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
_GIVEN = "given"
_NO_SUCH = "The provider has no such parameter."


def take_extra_fields(call: Call, options: type[BaseModel], managed: Collection[str] | None) -> dict[str, Any]:
    """Those that are options of the provider. Others go to `call.passed_on`; what became of each is reported.

    `managed` are fields of the provider's own body that its adapter fills: those are dropped, for the request has words
    for them. None: the adapter passes nothing on. Raises UNSUPPORTED where the request is strict and a field is no
    option.
    """
    own: dict[str, Any] = {}
    passed_on: dict[str, Any] = {}
    for name, value in plain(call.request.extra_fields).items():
        if name in options.model_fields:
            own[name] = value
            if name not in OPENAIS:
                _tell_passed_on(call, name)
        elif managed is None or name in OPENAIS or not FIELD_NAME.fullmatch(name):
            call.adjust(name[:100], _GIVEN, "", _NO_SUCH, event_pb2.ADJUSTMENT_MODE_DROPPED)
        elif name in managed:
            reason = "The adapter fills this field of the provider's itself, from the request's own words."
            call.adjust(name[:100], _GIVEN, "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)
        else:
            _refuse_if_strict(call, name)
            passed_on[name] = value
            _tell_passed_on(call, name)
    call.passed_on = passed_on
    return own


def _tell_passed_on(call: Call, name: str) -> None:
    reason = "Heliostat does not know the field; it is passed on to the provider as it is."
    call.adjust(name[:100], _GIVEN, "as given", reason, event_pb2.ADJUSTMENT_MODE_PASSTHROUGH)


def _refuse_if_strict(call: Call, name: str) -> None:
    if call.request.strict == request_pb2.STRICT_REFUSE:
        raise MeshError(
            reasons.ERROR_REASON_UNSUPPORTED,
            f"{name[:100]!r} is not a field that is known here, and the request is strict; leave it out, or send "
            "strict: report to have it passed on.",
            field=name[:100],
        )


def plain(struct: Struct) -> dict[str, Any]:
    """A Struct as plain values, whole numbers as int: JSON over protobuf knows floats only."""
    return {key: _whole(value) for key, value in MessageToDict(struct).items()}


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value
