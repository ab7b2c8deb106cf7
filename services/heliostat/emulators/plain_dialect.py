"""A provider whose errors have one shape: what differs is the shape, the words and the names of ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from heliostat.emulators.exchange import Refusal, Reply
from heliostat.emulators.journal import Entry

USUAL: Mapping[int, str] = {
    400: "The request is not valid.",
    401: "The key is missing or not valid.",
    402: "There are not enough credits.",
    403: "That is not allowed.",
    404: "There is nothing of that name.",
    413: "The file is too large.",
    422: "The request cannot be processed.",
    429: "Too many requests.",
    500: "Something went wrong here.",
    503: "The service is not available.",
}


@dataclass
class PlainDialect:
    """Ids, headers and errors."""

    shape: Callable[[int, str], Reply]
    """An error answer for a status and a sentence."""
    words: Mapping[int, str] = field(default_factory=dict)
    """The provider's own sentences, where they are known."""
    id_header: str = ""
    """The header that names the exchange, if there is one."""

    def new_request_id(self) -> str:
        """Make an id."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {self.id_header: entry.request_id} if self.id_header else {}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return self.refused(status).reply

    def refused(self, status: int, message: str = "") -> Refusal:
        """Make an error; the usual words of the status where none are given."""
        usual = USUAL.get(status, USUAL[500 if status >= 500 else 400])
        return Refusal(self.shape(status, message or self.words.get(status, usual)))

    def check_key(self, key: str, *, unpaid: int = 402) -> None:
        """Raise `Refusal`: 401 for no key or one that begins with `bad`, `unpaid` for `poor`."""
        if not key or key.startswith("bad"):
            raise self.refused(401)
        if key.startswith("poor"):
            raise self.refused(unpaid)


def bearer(header: str | None) -> str:
    """Give the key of an authorization header; empty where it has another scheme."""
    scheme, _, key = (header or "").partition(" ")
    return key if scheme.lower() == "bearer" else ""
