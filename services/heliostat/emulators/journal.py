"""What the emulated providers were asked, what they answered and what they billed.

The journal is the truth for bills in a fault run: a gateway's own ledger is compared with it, never the other way.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SUBMITS = frozenset({"submit", "generations", "edits", "variations"})
"""The kinds of request that may be billed."""


def picture_digest(image: bytes) -> dict[str, Any]:
    """Name a picture by its SHA-256 (hex) and its length in bytes."""
    return {"sha256": hashlib.sha256(image).hexdigest(), "bytes": len(image)}


@dataclass
class Entry:
    """One request: filled while it is being answered, read through `as_json`."""

    seq: int
    time_unix: float
    provider: str
    kind: str
    model: str
    prompt: str
    request_id: str
    idempotency_key: str | None = None
    attempt_id: str | None = None
    status: int = 0
    """HTTP status sent; 0 until the answer begins, and for connections that were dropped without one."""
    billed: bool = False
    cost_micros: int = 0
    """Whole micro-USD, rounded up once per request."""
    images: list[dict[str, Any]] = field(default_factory=list)
    client_gone: bool = False
    spoiled: bool = False
    """The answer was changed by a script step with `spoil`."""
    free: bool = False
    """Set by a script step with `bill: false`: work that finishes is not charged."""
    on_bill: Callable[[Entry], None] = field(default=lambda entry: None, repr=False)
    """Is told of every bill; a second one of an entry takes the place of the first."""

    def bill(self, cost_micros: int, images: Sequence[bytes]) -> None:
        """Record finished work, and charge for it unless the script said that it is free."""
        self.images = [picture_digest(image) for image in images]
        if not self.free:
            self.billed = True
            self.cost_micros = cost_micros
            self.on_bill(self)

    def as_json(self) -> dict[str, Any]:
        """Give the entry as the controls show it."""
        return {
            "seq": self.seq,
            "time_unix": self.time_unix,
            "provider": self.provider,
            "kind": self.kind,
            "model": self.model,
            "prompt": self.prompt,
            "prompt_sha256": hashlib.sha256(self.prompt.encode()).hexdigest(),
            "idempotency_key": self.idempotency_key,
            "attempt_id": self.attempt_id,
            "request_id": self.request_id,
            "status": self.status,
            "billed": self.billed,
            "cost_micros": self.cost_micros,
            "images": self.images,
            "client_gone": self.client_gone,
            "spoiled": self.spoiled,
        }


class Journal:
    """All entries of one emulator server, in the order in which the requests had been read."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        """`on_change` is called after each bill and each reset."""
        self._entries: list[Entry] = []
        self._next_seq = 1
        self._on_change = on_change
        self._begin_bills()

    def _begin_bills(self) -> None:
        self.era = secrets.token_hex(4)
        """Another one after each reset: bills that were read before are void."""
        self._bills: list[dict[str, Any]] = []

    def open(
        self, provider: str, kind: str, *, model: str, prompt: str, request_id: str, headers: Mapping[str, str]
    ) -> Entry:
        """Begin the entry of one request; `headers` are the request's, looked up in lower case."""
        entry = Entry(
            seq=self._next_seq,
            time_unix=time.time(),
            provider=provider,
            kind=kind,
            model=model,
            prompt=prompt,
            request_id=request_id,
            idempotency_key=headers.get("idempotency-key"),
            attempt_id=headers.get("x-heliostat-attempt"),
            on_bill=self._note_bill,
        )
        self._next_seq += 1
        self._entries.append(entry)
        return entry

    def as_json(self, provider: str | None = None) -> dict[str, Any]:
        """Show the entries of one provider, or of all: `billable` counts the submits that were billed."""
        entries = [entry for entry in self._entries if provider is None or entry.provider == provider]
        billable = sum(1 for entry in entries if entry.billed and entry.kind in SUBMITS)
        return {"billable": billable, "entries": [entry.as_json() for entry in entries]}

    def _note_bill(self, entry: Entry) -> None:
        self._bills.append(
            {
                "seq": entry.seq,
                "provider": entry.provider,
                "attempt_id": entry.attempt_id,
                "pictures": len(entry.images),
                "cost_micros": entry.cost_micros,
            }
        )
        self._on_change()

    def bills(self, since: int = 0) -> list[dict[str, Any]]:
        """The bills after the first `since` ones, in the order in which they were made."""
        return self._bills[since:]

    def reset(self, provider: str | None = None) -> None:
        """Forget the entries of one provider, or all. Work in flight goes on but is no longer shown."""
        self._entries = [entry for entry in self._entries if provider is not None and entry.provider != provider]
        self._begin_bills()
        for entry in self._entries:
            if entry.billed:
                self._note_bill(entry)
        self._on_change()
