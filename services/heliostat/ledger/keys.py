"""What a key may say of itself, checked before it is written; and the change of one by a field mask. Pure."""

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.errors import MeshError

OPERATIONS = (
    "text_to_image",
    "edit",
    "variation",
    "upscale",
    "remove_background",
    "segment",
    "style_transfer",
    "outpaint",
)
MAX_TITLE_CHARS = 255
MAX_NAMES = 1000
MAX_NAME_CHARS = 255
MAX_COUNT = 1_000_000
# Idempotency keys hold for a day and unknown purchases are looked up for as long: their rows have to be there.
LEAST_METADATA_S = 86_400
MAX_RETENTION_S = 100 * 366 * 86_400
MAX_WAIT_S = 3600

_CHANGEABLE = {
    "title",
    "expire_time",
    "default_wait",
    "limits",
    "limits.requests_per_minute",
    "limits.images_per_minute",
    "limits.concurrent_requests",
    "limits.models",
    "limits.operations",
    "retention",
    "retention.media",
    "retention.payload",
    "retention.metadata",
}


def check_key(key: admin_pb2.Key) -> None:
    """Raises INVALID_FIELD with the field's path where a key says what cannot be kept."""
    if len(key.title) > MAX_TITLE_CHARS or not key.title.isprintable():
        raise _refused("key.title", f"has at most {MAX_TITLE_CHARS} printable characters")
    limits = key.limits
    for name in ("requests_per_minute", "images_per_minute", "concurrent_requests"):
        if not 0 <= getattr(limits, name) <= MAX_COUNT:
            raise _refused(f"key.limits.{name}", f"is 0 to {MAX_COUNT:,}; 0 means no bound")
    _check_names("key.limits.models", limits.models, _is_name)
    _check_names("key.limits.operations", limits.operations, OPERATIONS.__contains__)
    for name, least in (("media", 0), ("payload", 0), ("metadata", LEAST_METADATA_S)):
        _check_duration(key.retention, name, f"key.retention.{name}", least, MAX_RETENTION_S)
    _check_duration(key, "default_wait", "key.default_wait", 0, MAX_WAIT_S)


def changed(key: admin_pb2.Key, asked: admin_pb2.Key, mask: FieldMask) -> admin_pb2.Key:
    """`key` with the fields of `mask` as `asked` has them; what `asked` leaves out is cleared. Raises INVALID_FIELD."""
    if not mask.paths:
        raise _refused("update_mask", "names what is to be changed, such as title or limits.images_per_minute")
    for path in mask.paths:
        if path not in _CHANGEABLE:
            raise _refused("update_mask", f"names fields among {', '.join(sorted(_CHANGEABLE))}")
    made = admin_pb2.Key()
    made.CopyFrom(key)
    mask.MergeMessage(asked, made, replace_message_field=True, replace_repeated_field=True)
    check_key(made)
    return made


def retention_s(key: admin_pb2.Key, name: str) -> int | None:
    """Seconds of a key's own retention; None where it has none of its own."""
    return int(getattr(key.retention, name).seconds) if key.retention.HasField(name) else None


def _check_names(field: str, names: Iterable[str], is_good: Callable[[str], bool]) -> None:
    names = list(names)
    if len(names) > MAX_NAMES or not all(map(is_good, names)):
        known = f", each one of {', '.join(OPERATIONS)}" if field.endswith("operations") else ""
        raise _refused(field, f"are at most {MAX_NAMES} names of 1 to {MAX_NAME_CHARS} printable characters{known}")


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME_CHARS and name.isprintable()


def _check_duration(message: Any, name: str, field: str, least_s: int, most_s: int) -> None:
    if not message.HasField(name):
        return
    duration = getattr(message, name)
    if not least_s <= duration.seconds <= most_s or duration.nanos < 0:
        raise _refused(field, f"is {least_s:,} to {most_s:,} seconds")


def _refused(field: str, must: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"{field} {must}; correct it.", field=field)
