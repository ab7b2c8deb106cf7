"""A provider's answer, and the error behind an answer of status 400 and up. Pure.

Sources: RFC 9110 (statuses, Retry-After), OpenAI's rate limit headers (retry-after-ms, x-ratelimit-reset-*; duration
text such as "6m0s"); read 2026-11.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

LONGEST_PAUSE_S = 60.0
DEFAULT_PAUSE_S = 1.0
MAX_QUOTE = 300

_OUT_OF_CREDIT = ("insufficient_quota", "credit_balance", "exhausted balance", "billing_hard_limit", "usage limit",
                  "out of credit", "credit balance is too low", "insufficient credits", "insufficient balance")
_REQUEST_IDS = ("x-request-id", "x-fal-request-id", "request-id", "cf-ray-request-id")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KEYLIKE = re.compile(r"\b(?:sk|pk|rk|key|fal|r8|Bearer|Key)[-_ :][A-Za-z0-9._:+/=*-]{6,}|[A-Za-z0-9_-]{32,}(?:\.[A-Za-z0-9_-]{8,})*")


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises PROVIDER_ANSWER_INVALID for anything else."""
        value = self.json_or_none()
        if not isinstance(value, dict):
            raise MeshError(
                reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
                "The provider answered with something that is no JSON object; try again, or ask another provider.",
            )
        return value

    def json_or_none(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def request_id(self) -> str:
        """The provider's own id of the exchange; empty where it gave none."""
        return next((self.headers[name][:200] for name in _REQUEST_IDS if name in self.headers), "")
