"""How a provider says that something went wrong: where its words stand, and which of them mean what. Data.

The kit's table knows statuses; rules of a mapping are for what it cannot know.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from heliostat.adapters.mapped.paths import Path, Spot
from heliostat.adapters.mapped.pieces import Piece
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons

Reason = Literal[
    "invalid_field",
    "input_unreadable",
    "content_blocked",
    "unsupported",
    "rate_limited",
    "quota_exhausted",
    "provider_auth_failed",
    "provider_model_gone",
    "provider_unavailable",
    "provider_timeout",
]
Billed = Literal["no", "yes", "unknown"]
BILLED: dict[str, event_pb2.Billed] = {
    "no": event_pb2.BILLED_NO,
    "yes": event_pb2.BILLED_YES,
    "unknown": event_pb2.BILLED_UNKNOWN,
}
Code = int | str


class ErrorRule(Piece):
    """One meaning. All of the conditions that it names must hold; of several rules the first that holds counts."""

    reason: Reason = Field(description="What it means here.")
    status: tuple[int, ...] = Field((), description="HTTP statuses of it.")
    codes: tuple[Code, ...] = Field((), description="The provider's own codes of it.")
    says: tuple[str, ...] = Field((), description="Parts of the provider's sentence, in any case of letters.")
    billed: Billed = Field("no", description="Whether such an answer is charged.")

    @model_validator(mode="after")
    def _has_a_condition(self) -> "ErrorRule":
        if not (self.status or self.codes or self.says):
            raise ValueError("holds for every error; write status: [406], codes: [1008] or says: [nsfw]")
        if any(not 200 <= status <= 599 for status in self.status):
            raise ValueError("status holds HTTP statuses of errors; write numbers of 200 to 599")
        return self

    @property
    def number(self) -> int:
        """The reason of the contract."""
        return int(reasons.ErrorReason.Value(f"ERROR_REASON_{self.reason.upper()}"))

    def holds(self, status: int, code: str, said: str) -> bool:
        """Whether it is this that went wrong; `said` is in lower case."""
        return (
            (not self.status or status in self.status)
            and (not self.codes or code in {str(one) for one in self.codes})
            and (not self.says or any(part.lower() in said for part in self.says))
        )


class Errors(Piece):
    """The errors of one provider."""

    code: Path | None = Field(None, description="Where the provider's own code stands.")
    text: Path | None = Field(None, description="Where its sentence stands; the usual places are known.")
    good: tuple[Code, ...] = Field((), description="Codes of success, where errors come with status 200 as well.")
    id: Spot | None = Field(None, description="Where the provider's own id of the exchange stands.")
    rules: tuple[ErrorRule, ...] = Field((), description="What means what.")

    @model_validator(mode="after")
    def _good_codes_stand_somewhere(self) -> "Errors":
        if self.good and self.code is None:
            raise ValueError("good holds codes; write code: and where they stand, such as base_resp.status_code")
        return self

    def code_of(self, value: Any) -> str:
        """The provider's code in a body; empty where there is none."""
        found = self.code.first(value) if self.code is not None else None
        return str(found)[:100] if isinstance(found, int | str) and not isinstance(found, bool) else ""

    def said_in(self, value: Any) -> str:
        """The provider's sentence in a body; empty where it is not where the mapping says."""
        found = self.text.first(value) if self.text is not None else None
        return found if isinstance(found, str) else ""

    def meaning(self, status: int, code: str, said: str) -> ErrorRule | None:
        """The first rule that holds; None leaves it to the kit."""
        lowered = said.lower()
        return next((rule for rule in self.rules if rule.holds(status, code, lowered)), None)

    def is_good(self, code: str) -> bool:
        """Whether a body of status 200 with this code is a success."""
        return not self.good or code in _texts(self.good)


def _texts(codes: Sequence[Code]) -> set[str]:
    return {str(code) for code in codes}
