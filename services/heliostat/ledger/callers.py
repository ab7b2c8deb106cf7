"""API keys and the callers behind them. A key is kept as an HMAC, and known for a few seconds after it was looked up.

A key reads `hel_<key id>_<secret>`; a sandbox may let in one fixed key of any form.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError
from heliostat.ledger.keys import retention_s
from heliostat.ledger.schema import KEYS

KNOWN_FOR_S = 5.0
SANDBOX, ANONYMOUS = "sandbox", "anonymous"
_MOST_KNOWN = 10_000
_USE_RESOLUTION_US = 60_000_000
_PREFIX = "hel_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what the key allows. `key` is the key as operators see it."""

    key_id: str
    key: admin_pb2.Key = field(default_factory=admin_pb2.Key)

    def may_use(self, *names: str) -> bool:
        """True where the key is for the model that has these names."""
        return not self.key.limits.models or not set(names).isdisjoint(self.key.limits.models)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a look-up found: a caller, or why there is none; until when it may be believed."""

    caller: Caller | None
    refusal: str
    until: float


class Callers:
    """Knows keys: makes, finds, lists, changes and revokes them."""

    def __init__(self, database: Database, clock: Clock, pepper: Callable[[], bytes], *, is_open: bool = False) -> None:
        self._database = database
        self._clock = clock
        self._pepper = pepper
        self._known: dict[bytes, _Known] = {}
        self._anonymous = Caller(ANONYMOUS, admin_pb2.Key(key_id=ANONYMOUS)) if is_open else None

    async def identify(self, authorization: str) -> Caller:
        """The caller behind an Authorization header. Raises CALLER_UNKNOWN with a sentence that says what to do."""
        if self._anonymous is not None:
            return self._anonymous
        scheme, _, key = authorization.partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise _unknown("No API key; send the header `Authorization: Bearer <key>`.")
        hashed = self._hash(key)
        known = self._known.get(hashed)
        if known is None or known.until < self._clock.monotonic():
            known = await self._look_up(key, hashed)
        if known.caller is None:
            raise _unknown(known.refusal)
        return known.caller

    async def create(self, key: admin_pb2.Key, secret: str = "") -> tuple[admin_pb2.Key, str]:
        """Makes a key with the title, limits and expiry of `key`; gives it, and the text that callers send.

        `secret` is the whole text to use instead of a random one, for the key id "sandbox" only.
        """
        made = admin_pb2.Key()
        made.CopyFrom(key)
        made.key_id = SANDBOX if secret else secrets.token_hex(6)
        text = secret or f"{_PREFIX}{made.key_id}_{secrets.token_hex(20)}"
        made.create_time.FromMicroseconds(int(self._clock.time() * 1e6))
        row = _row(made, self._hash(text))

        def write(connection: Connection) -> None:
            if secret:
                connection.execute(KEYS.delete().where(KEYS.c.key_id == SANDBOX))
            connection.execute(insert(KEYS).values(row))

        await self._database.write(write)
        self._known.clear()
        return made, text

    async def update(self, key_id: str, change: Callable[[admin_pb2.Key], admin_pb2.Key]) -> admin_pb2.Key:
        """Changes a key, in one transaction; at once here, within five seconds in other processes.

        `change` may run twice. Raises RESOURCE_NOT_FOUND, and what `change` raises.
        """

        def write(connection: Connection) -> None:
            made = change(_key(_locked(connection, key_id)))
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(_told(made)))

        await self._database.write(write, savepoint=True)
        self._known.clear()
        return await self.get(key_id)

    async def rotate(self, key_id: str, overlap_s: float) -> tuple[admin_pb2.Key, str]:
        """Gives a key another secret; the present one still lets in for `overlap_s` seconds.

        Raises RESOURCE_NOT_FOUND, and RESOURCE_GONE for a key that was revoked.
        """
        text = f"{_PREFIX}{key_id}_{secrets.token_hex(20)}"
        until_us = int((self._clock.time() + overlap_s) * 1e6)

        def write(connection: Connection) -> None:
            row = _locked(connection, key_id)
            if row["revoke_time_us"] is not None:
                raise MeshError(
                    reasons.ERROR_REASON_RESOURCE_GONE, "The key was revoked; make a new one.", field="key_id"
                )
            old = {"old_secret_hash": row["secret_hash"], "old_expire_time_us": until_us}
            connection.execute(update(KEYS).where(KEYS.c.key_id == key_id).values(secret_hash=self._hash(text), **old))

        await self._database.write(write, savepoint=True)
        self._known.clear()
        return await self.get(key_id), text

    async def revoke(self, key_id: str) -> admin_pb2.Key:
        """Revokes a key; at once here, within five seconds in other processes. Raises RESOURCE_NOT_FOUND."""
        now_us = int(self._clock.time() * 1e6)

        def write(connection: Connection) -> None:
            good = (KEYS.c.key_id == key_id) & KEYS.c.revoke_time_us.is_(None)
            connection.execute(update(KEYS).where(good).values(revoke_time_us=now_us))

        await self._database.write(write)
        self._known.clear()
        return await self.get(key_id)

    async def get(self, key_id: str) -> admin_pb2.Key:
        """One key. Raises RESOURCE_NOT_FOUND."""
        rows = await self._rows(KEYS.c.key_id == key_id)
        if not rows:
            raise _no_such_key()
        return _key(rows[0])

    async def list(self, *, size: int, before_us: int | None, revoked: bool) -> Sequence[admin_pb2.Key]:
        """Keys without their secrets, newest first."""
        conditions: list[Any] = [] if revoked else [KEYS.c.revoke_time_us.is_(None)]
        if before_us is not None:
            conditions.append(KEYS.c.create_time_us < before_us)
        return [_key(row) for row in await self._rows(*conditions, limit=size)]

    async def _rows(self, *conditions: Any, limit: int = 1) -> Sequence[Any]:
        query = select(KEYS).where(*conditions).order_by(KEYS.c.create_time_us.desc()).limit(limit)
        return await self._database.read(lambda connection: connection.execute(query).mappings().all())

    def _hash(self, key: str) -> bytes:
        return hmac.digest(self._pepper(), key.encode(), "sha256")

    async def _look_up(self, key: str, hashed: bytes) -> _Known:
        key_id = SANDBOX
        if key.startswith(_PREFIX):
            key_id = key.removeprefix(_PREFIX).partition("_")[0]
        rows = await self._rows(KEYS.c.key_id.in_((key_id, SANDBOX)), limit=2)
        row = next((row for row in rows if hmac.compare_digest(row["secret_hash"], hashed)), None)
        known = self._judge(row) if row is not None else self._judge_old(rows, hashed)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[hashed] = known
        return known

    def _judge_old(self, rows: Sequence[Any], hashed: bytes) -> _Known:
        """What to think of a secret that is no key's present one."""
        row = next((row for row in rows if hmac.compare_digest(row["old_secret_hash"] or b"", hashed)), None)
        left_s = row["old_expire_time_us"] / 1e6 - self._clock.time() if row is not None else 0.0
        if row is None:
            return self._judge(None)
        if left_s > 0:
            known = self._judge(row)
            return replace(known, until=min(known.until, self._clock.monotonic() + left_s))
        return _Known(
            None, "This API key was replaced by a newer one; use that.", self._clock.monotonic() + KNOWN_FOR_S
        )

    def _judge(self, row: Any) -> _Known:
        until = self._clock.monotonic() + KNOWN_FOR_S
        now_us = int(self._clock.time() * 1e6)
        if row is None:
            return _Known(
                None, "This API key is not known here; check it, or have one made: heliostat keys create.", until
            )
        if row["revoke_time_us"] is not None:
            return _Known(None, "This API key was revoked; have a new one made: heliostat keys create.", until)
        if row["expire_time_us"] is not None:
            left_s = (row["expire_time_us"] - now_us) / 1e6
            if left_s <= 0:
                return _Known(None, "This API key has expired; have a new one made: heliostat keys create.", until)
            until = min(until, self._clock.monotonic() + left_s)
        if now_us - (row["last_use_time_us"] or 0) >= _USE_RESOLUTION_US:
            self._note_use(row["key_id"], now_us)
        return _Known(Caller(row["key_id"], _key(row)), "", until)

    def _note_use(self, key_id: str, now_us: int) -> None:
        used = update(KEYS).where(KEYS.c.key_id == key_id).values(last_use_time_us=now_us)

        def write(connection: Connection) -> None:
            connection.execute(used)

        self._database.submit(write).add_done_callback(lambda future: future.cancelled() or future.exception())


def _locked(connection: Connection, key_id: str) -> Any:
    """A key's row, which nobody else changes until this transaction ends. Raises RESOURCE_NOT_FOUND."""
    row = connection.execute(select(KEYS).where(KEYS.c.key_id == key_id).with_for_update()).mappings().first()
    if row is None:
        raise _no_such_key()
    return row


def _no_such_key() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no key of this id; heliostat keys list.", field="key_id"
    )


def _unknown(message: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_CALLER_UNKNOWN, message)


def _row(key: admin_pb2.Key, secret_hash: bytes) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "secret_hash": secret_hash,
        "create_time_us": key.create_time.ToMicroseconds(),
        "revoke_time_us": None,
        "last_use_time_us": None,
        **_told(key),
    }


def _told(key: admin_pb2.Key) -> dict[str, Any]:
    """The columns that say what the key itself says; when it was revoked or used has columns of its own."""
    kept = admin_pb2.Key()
    kept.CopyFrom(key)
    for name in ("revoke_time", "last_use_time"):
        kept.ClearField(name)
    return {
        "expire_time_us": key.expire_time.ToMicroseconds() if key.HasField("expire_time") else None,
        "payload_retention_s": retention_s(key, "payload"),
        "metadata_retention_s": retention_s(key, "metadata"),
        "key": kept.SerializeToString(),
    }


def _key(row: Any) -> admin_pb2.Key:
    key: admin_pb2.Key = admin_pb2.Key.FromString(row["key"])
    for name in ("revoke_time", "last_use_time"):
        if row[f"{name}_us"] is not None:
            getattr(key, name).FromMicroseconds(row[f"{name}_us"])
    return key
