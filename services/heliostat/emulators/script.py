"""What an emulated provider shall do wrong: a list of steps, one per request, or matched by model or prompt.

Which requests a step is for:
- `path` names a kind of request ("submit" stands for every request that may be billed; "job" is not a request but
  the work of a queued job). Without `path` a step is for requests that may be billed.
- A step with `match` is used by every fitting request, or by the first `times` of them. `model` is a shell pattern,
  `prompt` is a part of the prompt. Matched steps come before the others.
- The other steps are used up in their order, each once (or `times` times); the last one of those that fit stays,
  unless it has `times`: after that the provider behaves.
"""

from __future__ import annotations

import binascii
import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
import pybase64
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from heliostat.emulators.journal import SUBMITS
from heliostat.emulators.spoiling import Spoil

Path = Literal[
    "submit", "status", "result", "cancel", "file", "upload", "generations", "edits", "variations", "models", "job"
]


class Match(BaseModel):
    """Which models and prompts a step is for; an absent field fits everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None
    prompt: str | None = None

    def fits(self, model: str, prompt: str) -> bool:
        """Tell whether a request for `model` with `prompt` is meant."""
        if self.model is not None and not fnmatch.fnmatchcase(model, self.model):
            return False
        return self.prompt is None or self.prompt in prompt


class Step(BaseModel):
    """One scripted answer. Without `status`, `body` or `garbage` the real answer goes out, late or broken as told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: Match | None = None
    path: Path | None = None
    ok: bool = True
    """Says nothing more than that a step without other fields is the normal answer."""
    delay_s: float = Field(default=0.0, ge=0, le=86_400)
    status: int | None = Field(default=None, ge=200, le=599)
    """A status of 400 or more without a body brings the provider's own error body for it."""
    headers: dict[str, str | None] = Field(default_factory=dict)
    """Added to the answer's, or put in their place; null takes one away."""
    body: Any = None
    """Text is sent as it is, anything else as JSON (so `null` sends null). The type is JSON unless `headers` differ."""
    body_base64: str | None = None
    """Raw bytes in place of `body`."""
    repeat: int | None = Field(default=None, ge=1, le=10_000_000)
    """Send the scripted body so many times over, chunked, without a length: an answer that seems to have no end."""
    cut_after_bytes: int | None = Field(default=None, ge=0)
    """Announce the whole length, send so many body bytes, close. Nothing happens if the body is no longer than that."""
    stall_after_bytes: int | None = Field(default=None, ge=0)
    """Send so many body bytes, then hold until the client goes or the server stops."""
    rate_bytes_per_s: int | None = Field(default=None, ge=1)
    garbage: bool = False
    """Send 256 bytes that mean nothing, under the usual content type."""
    spoil: Spoil | None = None
    """Send the real answer with one thing wrong in it: see spoiling.py. With `times`, answers count that hold it."""
    address: str = ""
    """What stands in the place of every address where `spoil` is "addresses"."""
    connection: Literal["refuse", "reset"] | None = None
    """Close without an answer: an orderly end (refuse) or a reset (reset)."""
    bill: bool | None = None
    """None: bill what ends well. False: never. True: do the work and bill it first, whatever is answered."""
    times: int | None = Field(default=None, ge=1)

    @field_validator("body_base64")
    @classmethod
    def _decodable(cls, value: str | None) -> str | None:
        try:
            pybase64.b64decode(value or "", validate=True)
        except binascii.Error as error:
            raise ValueError("body_base64 is not base64") from error
        return value

    @model_validator(mode="after")
    def _one_end(self) -> Step:
        if self.cut_after_bytes is not None and self.stall_after_bytes is not None:
            raise ValueError("cut_after_bytes and stall_after_bytes exclude each other")
        if self.repeat is not None and not self.has_body:
            raise ValueError("repeat needs a body")
        return self

    @property
    def replaces(self) -> bool:
        """Tell whether the real answer is put aside for a scripted one."""
        return self.has_body or self.garbage or (self.status is not None and self.status >= 300)

    @property
    def has_body(self) -> bool:
        """Tell whether the step brings its own body (an explicit null counts)."""
        return "body" in self.model_fields_set or self.body_base64 is not None

    @property
    def good(self) -> bool:
        """Tell whether a client would take the scripted status for success."""
        return self.status is None or self.status < 300

    def body_bytes(self) -> bytes:
        """Encode the scripted body."""
        if self.body_base64 is not None:
            return pybase64.b64decode(self.body_base64)
        return self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)

    def dress(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Give an answer's headers, names in lower case, with the step's own worked in."""
        dressed: dict[str, str | None] = {name.lower(): value for name, value in headers.items()}
        dressed |= {name.lower(): value for name, value in self.headers.items()}
        return {name: value for name, value in dressed.items() if value is not None}

    def meant_for(self, kind: str) -> bool:
        """Tell whether requests of this kind are meant."""
        if self.path is None or self.path == "submit":
            return kind in SUBMITS
        return self.path == kind


NORMAL = Step()


class Row:
    """A step and how often it may still be used."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.uses_left = step.times

    def use(self, at_most: int | None) -> bool:
        """Use the step once more, unless it was used up; `at_most` counts for steps without `times` (None: no end)."""
        if self.uses_left is None:
            self.uses_left = at_most
        if self.uses_left is None:
            return True
        self.uses_left -= 1
        return self.uses_left >= 0


class Script:
    """The steps of one provider."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self.on_change: Callable[[], None] = lambda: None
        """Is called after each change of what is left."""

    def load(self, steps: list[Step]) -> None:
        """Put these steps in place of the old ones."""
        self._rows = [Row(step) for step in steps]
        self.on_change()

    def left(self) -> list[Step]:
        """The steps that are not used up."""
        return [row.step for row in self._rows if row.uses_left is None or row.uses_left > 0]

    def take(self, kind: str, model: str, prompt: str) -> Step:
        """Choose the step for one request and use it up; `NORMAL` when nothing is scripted for it."""
        step = self._taken(kind, model, prompt)
        if step.times is not None:
            self.on_change()
        return step

    def give_back(self, step: Step) -> None:
        """Have a step of `times` that could do nothing used by the next request that fits."""
        for row in self._rows:
            if row.step is step and step.times is not None and row.uses_left is not None:
                row.uses_left += 1
                self.on_change()

    def _taken(self, kind: str, model: str, prompt: str) -> Step:
        rows = [row for row in self._rows if row.step.meant_for(kind)]
        for row in rows:
            if row.step.match is not None and row.step.match.fits(model, prompt) and row.use(None):
                return row.step
        queue = [row for row in rows if row.step.match is None]
        for row in queue[:-1]:
            if row.use(1):
                return row.step
        if queue and queue[-1].use(None):
            return queue[-1].step
        return NORMAL
