"""Fields of a body, checked as an API would that refuses what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from heliostat.emulators.bodies import Body
from heliostat.emulators.exchange import Refusal

Kind = Literal["text", "whole", "number", "boolean", "list", "object"]
Fault = Callable[[str, str], Refusal]
"""Makes a refusal of a sentence and a field."""


@dataclass(frozen=True)
class Field:
    """One field. `low` and `high` bound numbers and lengths of texts and lists; `step` divides whole numbers."""

    kind: Kind = "text"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    step: int = 1
    needed: bool = False


def text(low: int = 0, high: int = 100_000, *, needed: bool = False) -> Field:
    """A text of so many characters."""
    return Field("text", low, high, needed=needed)


def picture(*, needed: bool = False) -> Field:
    """A picture as base64, of whatever length: how large it may be is asked of the picture."""
    return Field("text", needed=needed)


def words(*known: str) -> Field:
    """One of these words."""
    return Field("text", words=known)


def whole(low: int | None = None, high: int | None = None, step: int = 1) -> Field:
    """A whole number."""
    return Field("whole", low, high, step=step)


def number(low: float, high: float) -> Field:
    """Any number between two."""
    return Field("number", low, high)


BOOLEAN = Field("boolean")


def read_fields(fields: Mapping[str, Field], body: Body, fault: Fault) -> dict[str, Any]:
    """The values of a body. A form's texts are read as what they should be. Raises `Refusal`."""
    if body.fault:
        raise fault(body.fault, "body")
    return read_values(fields, body.fields, fault, is_text=body.is_form)


def read_values(
    fields: Mapping[str, Field], given: Mapping[str, Any], fault: Fault, *, is_text: bool = False
) -> dict[str, Any]:
    """The values of one object, as in `read_fields`."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name not in fields:
            raise fault(f"{name} is not a known parameter", name)
        if value is not None:
            made[name] = _read(name, fields[name], value, fault, is_text=is_text)
    for name, field in fields.items():
        if field.needed and made.get(name) in (None, ""):
            raise fault(f"{name} is required", name)
    return made


def _read(name: str, field: Field, value: Any, fault: Fault, *, is_text: bool) -> Any:
    read = _typed(field.kind, value, is_text=is_text)
    if read is None:
        raise fault(f"{name} must be of type {field.kind}", name)
    if field.words and read not in field.words:
        raise fault(f"{name} must be one of {', '.join(field.words)}", name)
    size = len(read) if field.kind in ("text", "list") else read
    if field.kind in ("boolean", "object"):
        return read
    if (field.low is not None and size < field.low) or (field.high is not None and size > field.high):
        raise fault(f"{name} must be between {field.low} and {field.high}", name)
    if field.kind == "whole" and size % field.step:
        raise fault(f"{name} must be a multiple of {field.step}", name)
    return read


def _typed(kind: Kind, value: Any, *, is_text: bool) -> Any:
    """The value as its kind; None where it is of another one."""
    if is_text and isinstance(value, str):
        value = _of_text(kind, value)
    good: dict[Kind, type | tuple[type, ...]] = {
        "text": str,
        "whole": int,
        "number": (int, float),
        "boolean": bool,
        "list": list,
        "object": dict,
    }
    if isinstance(value, bool) and kind != "boolean":
        return None
    return value if isinstance(value, good[kind]) else None


def _of_text(kind: Kind, value: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower())
    try:
        return {"whole": int, "number": float}.get(kind, str)(value)
    except ValueError:
        return None
