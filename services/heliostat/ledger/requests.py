"""Requests as callers and operators look at them: one, a page, a purge, a picture. A foreign one does not exist."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money
from heliostat.ledger.budgets import Standing
from heliostat.ledger.cancel_orders import CALLED_OFF, CANCEL_WAIT_S, order_cancel
from heliostat.ledger.conditions import conditions_of
from heliostat.ledger.desk import Desk
from heliostat.ledger.idempotency import Admission, Runs
from heliostat.ledger.journal import CANCELLED, Row, Stored
from heliostat.ledger.leaving import call_off
from heliostat.ledger.pages import page_of, parse_token
from heliostat.ledger.picture import kept_bytes, media_key
from heliostat.ledger.records import request_record, timestamp
from heliostat.ledger.totals import totals_of
from heliostat.ledger.usage import Usage

ANYBODY = None
_PAGE, _MOST = 20, 100
_LOOK_AGAIN_S = 0.25


class Requests:
    """Looks into the journal. `key_id` is whose requests are looked at; None means anybody's."""

    def __init__(self, desk: Desk, runs: Runs) -> None:
        self._desk = desk
        self._runs = runs
        self.usage = Usage(desk)

    async def get(self, request_id: str, key_id: str | None) -> ledger_pb2.Request:
        """One request. Raises RESOURCE_NOT_FOUND."""
        run = self._runs.get(request_id)
        stored = await self._desk.journal.find(request_id)
        if stored is None and run is not None:
            stored = Stored(run.order.opening(self._desk.owner), (), ())
        return request_record(_mine(stored, key_id))

    async def decisions(self, request_id: str) -> tuple[ledger_pb2.Request, list[admin_pb2.AttemptDecision]]:
        """A request, and what was decided before each of its attempts. Raises RESOURCE_NOT_FOUND.

        Raises RESOURCE_GONE where no decision is kept: no target was chosen, or an earlier version chose it.
        """
        record = await self.get(request_id, ANYBODY)
        decisions = []
        for row in await self._desk.journal.decisions(request_id):
            told = admin_pb2.AttemptDecision(attempt_id=row["attempt_id"])
            if row["decision"] is not None:
                told.decision.MergeFromString(row["decision"])
            decisions.append(told)
        if not any(told.HasField("decision") for told in decisions):
            raise MeshError(
                reasons.ERROR_REASON_RESOURCE_GONE,
                "No decision is kept of this request: no target was chosen for it, or a version before 0.2 chose it.",
                field="request_id",
            )
        return record, decisions

    async def locate(self, request_id: str, key_id: str | None) -> Admission:
        """Where a request can be followed. Raises RESOURCE_NOT_FOUND."""
        run = self._runs.get(request_id)
        if run is not None and key_id in (ANYBODY, run.order.caller.key_id):
            return Admission(run=run)
        stored = _mine(await self._desk.journal.find(request_id), key_id)
        if stored.request["end_time_us"] is None:
            return Admission(elsewhere=request_id)
        return Admission(stored=stored)

    async def cancel(self, request_id: str, key_id: str | None) -> bool:
        """Ends a request for its caller, in whichever process it runs; True where this ended it.

        Raises RESOURCE_NOT_FOUND. What is over stays as it is.
        """
        admission = await self.locate(request_id, key_id)
        if admission.run is not None:
            await call_off(admission.run, self._desk, CALLED_OFF)
            return admission.run.state == CANCELLED
        if not admission.elsewhere:
            return False
        await order_cancel(self._desk.journal, request_id, self._desk.now_us())
        stored = await self.wait_over(request_id, CANCEL_WAIT_S)
        return stored is not None and stored.request["state"] == CANCELLED

    async def wait_over(self, request_id: str, wait_s: float | None) -> Stored | None:
        """Waits for the end of a request that another process owns; None where `wait_s` seconds end before it.

        Raises DEADLINE_EXCEEDED where it does not end within the deadline of any request.
        """
        clock, limit_s = self._desk.clock, self._desk.settings.request_deadline_s
        began = clock.monotonic()
        while True:
            stored = await self._desk.journal.find(request_id)
            if stored is not None and stored.request["end_time_us"] is not None:
                return stored
            passed = clock.monotonic() - began
            if wait_s is not None and passed >= wait_s:
                return None
            if passed >= limit_s:
                raise MeshError(
                    reasons.ERROR_REASON_DEADLINE_EXCEEDED,
                    "The request is still under way elsewhere; ask for its job later.",
                    request_id=request_id,
                )
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def page(self, asked: Any, key_id: str | None) -> dict[str, Any]:
        """The fields of a list response to a request for a list. Raises INVALID_FIELD, CALLER_FORBIDDEN."""
        conditions = conditions_of(asked.filter, key_id)
        size, after = page_size(asked.page_size), parse_token(asked.page_token)
        found, token = await self._desk.journal.read(lambda connection: page_of(connection, conditions, size, after))
        told: dict[str, Any] = {"requests": [request_record(each) for each in found], "next_page_token": token}
        if not asked.rows_only:
            told |= await self._desk.journal.read(lambda connection: totals_of(connection, conditions))
        return told

    async def purge(self, request_id: str, key_id: str | None) -> tuple[bool, int]:
        """Removes prompt, inputs and pictures: (whether that had been done before, pictures removed).

        Raises INVALID_FIELD while the request is under way.
        """
        stored = _mine(await self._desk.journal.find(request_id), key_id)
        if stored.request["end_time_us"] is None:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "The request is still under way; cancel it, or wait for its end, before purging it.",
                field="request_id",
            )
        if stored.request["purged"]:
            return True, 0
        kept = [row["media_id"] for row in stored.media if not row["purged"]]
        for media_id in kept:
            await self._desk.blobs.delete(media_key(media_id))
        now_us = self._desk.now_us()
        await self._desk.journal.purge(request_id, now_us)
        await self._desk.journal.forget_blobs(kept, (), now_us)
        return False, len(kept)

    async def media(self, media_id: str, key_id: str | None) -> Row:
        """A kept picture's row. Raises RESOURCE_NOT_FOUND, or RESOURCE_GONE once it is not kept any more."""
        row = await self._desk.journal.media(media_id)
        if row is None or key_id not in (ANYBODY, row["key_id"]):
            raise _missing("There is no picture of this id.", "media_id")
        if row["purged"] or row["expire_time_us"] <= self._desk.now_us():
            raise MeshError(reasons.ERROR_REASON_RESOURCE_GONE, "The picture is not kept any more.", field="media_id")
        return row

    async def chunks(self, media_id: str, key_id: str | None) -> AsyncIterator[media_pb2.MediaChunk]:
        """The bytes of a kept picture in slices. Raises RESOURCE_NOT_FOUND, RESOURCE_GONE."""
        row = await self.media(media_id, key_id)
        offset = 0
        async for data in kept_bytes(self._desk.blobs, row["media_id"], row["sha256"]):
            yield media_pb2.MediaChunk(image_index=row["image_index"], offset_bytes=offset, data=data)
            offset += len(data)


def page_size(asked: int) -> int:
    """Rows of a page: 20 where nothing is asked. Raises INVALID_FIELD below 0 and above 100."""
    if not 0 <= asked <= _MOST:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD, f"A page has 1 to {_MOST} rows; 0 means {_PAGE}.", field="page_size"
        )
    return asked or _PAGE


def balance(standing: Standing) -> ledger_pb2.Balance:
    """A budget as callers see it. Pure."""
    told = ledger_pb2.Balance(
        window=standing.window,
        limit=to_money(standing.limit),
        spent=to_money(standing.spent),
        reserved=to_money(standing.reserved),
    )
    if standing.reset_time_us is not None:
        told.reset_time.CopyFrom(timestamp(standing.reset_time_us))
    return told


def _mine(stored: Stored | None, key_id: str | None) -> Stored:
    if stored is None or key_id not in (ANYBODY, stored.request["key_id"]):
        raise _missing("There is no request of this id.", "request_id")
    return stored


def _missing(message: str, field: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, field=field)
