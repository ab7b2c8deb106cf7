"""One endpoint of a provider: where it is, what its body holds, how it answers, how its jobs are looked at. Data."""

import re
from typing import Literal

from pydantic import Field, model_validator

from heliostat.adapters.mapped.fields import BodyField
from heliostat.adapters.mapped.paths import Path, Spot
from heliostat.adapters.mapped.pieces import Piece
from heliostat.chassis.settings import fault

State = Literal["waits", "runs", "done", "failed", "blocked"]
_HOLDER = re.compile(r"\{[^}]*\}?")
_HEADER = re.compile(r"[a-z][a-z0-9-]*")


class Cost(Spot):
    """What the provider says that a call cost."""

    unit: str = Field("1", pattern=r"^\d+(\.\d+)?$", description="US dollars of one: 0.01 for cents.")
    word: Path | None = Field(None, description="Where the name of the unit stands, where it is told.")
    words: tuple[str, ...] = Field((), description="Names of the unit that are believed.")

    @model_validator(mode="after")
    def _words_stand_somewhere(self) -> "Cost":
        if bool(self.words) != (self.word is not None):
            raise ValueError("word and words go together; write word: job.cost.unit and words: [DOLLARS]")
        return self


class AnswerPlan(Piece):
    """Where the pictures and what is told of them stand. An answer that is a picture itself needs no path."""

    pictures: Path | None = Field(None, description="Where pictures stand; absent: the body is the picture.")
    form: Literal["address", "base64"] = Field("base64", alias="as", description="What stands there.")
    flags: Path | None = Field(
        None, description="Where it says of each picture whether it is unsafe: one of one colour is then held back."
    )
    seed: Spot | None = Field(None, description="Where the seed stands.")
    prompt: Spot | None = Field(None, description="Where the prompt stands as the provider rewrote it.")
    cost: Cost | None = Field(None, description="Where the cost stands.")
    units: Spot | None = Field(None, description="Where the number of units that were charged stands.")


class Cancel(Piece):
    """How a job is taken back."""

    method: Literal["delete", "put"] = Field("delete", description="The method of the call.")
    path: str = Field(pattern="^/", description="Where, with {job} for its id.")
    free: bool = Field(False, description="True: the provider charges nothing for a job that was taken back.")


class JobPlan(Piece):
    """How work that is not answered at once is looked at."""

    id: Spot = Field(description="Where the id of the job stands in the answer to the submit.")
    path: str = Field(pattern="^/", description="Where to look, with {job} for its id.")
    status: Path = Field(description="Where the word stands that says how it stands.")
    states: dict[str, State] = Field(min_length=1, description="What each of those words means; others go on.")
    percent: Path | None = Field(None, description="Where the share of the work that is done stands, 0 to 100.")
    why: Path | None = Field(None, description="Where it is said why it failed.")
    cost: Cost | None = Field(None, description="Where the cost stands in the answer to the submit.")
    failed_is_free: bool = Field(False, description="True: the provider charges nothing for a job that failed.")
    keeps_s: int = Field(0, ge=0, description="Seconds for which its pictures can be had.")
    cancel: Cancel | None = Field(None, description="How it is taken back; absent: it cannot be.")

    @model_validator(mode="after")
    def _leads_to_a_job_and_an_end(self) -> "JobPlan":
        for name, path in (("path", self.path), ("cancel", self.cancel.path if self.cancel else "{job}")):
            if "{job}" not in path:
                raise fault("does not say which job; write {job} where its id stands", name)
        if "done" not in self.states.values():
            raise fault("has no word for a job that is done; write for example COMPLETE: done", "states")
        return self


class Endpoint(Piece):
    """One endpoint."""

    path: str = Field(pattern="^/", description="Path below base_url; {model} is the model's own id.")
    host: str = Field("", description="Which of `hosts` it is at; empty: at base_url.")
    body: Literal["json", "form"] = Field("json", description="How fields travel.")
    headers: dict[str, BodyField] = Field({}, description="Headers beside the key's.")
    fields: dict[str, BodyField] = Field(description="Fields of the body. In JSON a dot leads into an object.")
    formats: dict[str, str] = Field(
        {"image/png": "png"}, min_length=1, description="Types that it delivers, the usual one first, in its words."
    )
    answer: AnswerPlan = Field(AnswerPlan(), description="Where everything stands in the answer.")
    job: JobPlan | None = Field(None, description="How a job is looked at; absent: it answers at once.")

    @model_validator(mode="after")
    def _fits_together(self) -> "Endpoint":
        for held in _HOLDER.findall(self.path):
            if held != "{model}":
                raise fault(f"holds {held}; write {{model}}, or the path as it is", "path")
        for name, one in self.headers.items():
            if not _HEADER.fullmatch(name) or name in {"authorization", "content-type", "content-length", "host"}:
                raise fault("is no header that a mapping sets; write such as accept", "headers", name)
            if one.source not in (None, "format") or one.option:
                raise fault("holds a value or the format; write {value: …} or {from: format}", "headers", name)
        for name, media in ((name, name.startswith("image/")) for name in self.formats):
            if not media:
                raise fault("is no type of pictures; write such as image/png", "formats", name)
        if self.job is not None and self.answer.pictures is None:
            raise fault("must say where a job's pictures stand; write pictures: and a path", "answer")
        return self

    def sources(self) -> set[str]:
        """What of a request its fields and headers hold."""
        told = [*self.fields.values(), *self.headers.values()]
        return {one.source for one in told if one.source is not None}

    def options(self) -> set[str]:
        """The options that its fields hold."""
        return {one.option for one in self.fields.values() if one.option}

    def field_of(self, source: str) -> BodyField | None:
        """The field that holds something of the request; None where none does."""
        return next((one for one in self.fields.values() if one.source == source), None)
