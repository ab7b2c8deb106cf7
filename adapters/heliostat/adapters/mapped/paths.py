"""Where a value stands in a provider's answer: `data[0].url`, `images[*].url`, or a header. Pure.

A path is names with dots between them, `[2]` for one item of a list and `[*]` for all. It looks things up and does
nothing else: there is no way to compute in it.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from heliostat.adapters.mapped.pieces import Piece
from heliostat.adapters.sdk import Answer

MOST_FOUND = 64
"""More values than that are not looked at: an answer may hold any number."""
_EVERY = None
_NAME = r"[A-Za-z0-9_$@-]+"
_WHOLE = re.compile(rf"(?:{_NAME}|\[(?:\d{{1,3}}|\*)\])(?:\.{_NAME}|\[(?:\d{{1,3}}|\*)\])*", re.ASCII)
_STEP = re.compile(rf"({_NAME})|\[(\d+|\*)\]", re.ASCII)


class Path:
    """A place in JSON. It prints as it was written."""

    __slots__ = ("_steps", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError for anything that is no path."""
        if not _WHOLE.fullmatch(text):
            raise ValueError(
                f"{text!r} is no path; write names, dots and indexes, such as data[0].url or images[*].url"
            )
        self.text = text
        self._steps: tuple[str | int | None, ...] = tuple(_step(*found) for found in _STEP.findall(text))

    def all(self, value: Any) -> list[Any]:
        """Every value at the place, in order, at most `MOST_FOUND`; a list at its end counts as its items."""
        found = [value]
        for step in self._steps:
            found = [inner for one in found for inner in _below(one, step)][:MOST_FOUND]
        flat = [inner for one in found for inner in (one if isinstance(one, list) else [one])]
        return [one for one in flat[:MOST_FOUND] if one is not None]

    def first(self, value: Any) -> Any:
        """The first value at the place; None where there is none."""
        return next(iter(self.all(value)), None)

    def __repr__(self) -> str:
        return f"Path({self.text})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: cls(str(value)))


def _step(name: str, index: str) -> str | int | None:
    if name:
        return name
    return _EVERY if index == "*" else int(index)


def _below(value: Any, step: str | int | None) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, Mapping) and step in value else []
    if not isinstance(value, list):
        return []
    return value if step is _EVERY else value[step : step + 1]


class Spot(Piece):
    """One value of an answer: at a path of its JSON, or in a header. A text alone is a path."""

    path: Path | None = Field(None, description="Where it stands in the JSON of the answer.")
    header: str = Field("", pattern=r"^[A-Za-z0-9-]*$", description="The header that holds it.")

    @model_validator(mode="before")
    @classmethod
    def _text_is_a_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_somewhere(self) -> "Spot":
        if (self.path is None) == (not self.header):
            raise ValueError("a value stands in one place; write a path such as data[0].id, or header: x-cost")
        return self

    def read(self, answer: Answer, value: Any) -> Any:
        """The value in an answer whose JSON is `value`; None where it is not there."""
        if self.path is not None:
            return self.path.first(value)
        return answer.headers.get(self.header.lower())
