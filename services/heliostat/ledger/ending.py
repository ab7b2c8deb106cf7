"""The end of a request, written down: in one commit; in the spool where a store fails; and never forgotten easily."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError, internal, to_status
from heliostat.chassis.logs import get_logger
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.desk import Desk
from heliostat.ledger.grip import Grip, LostRequest
from heliostat.ledger.journal import CANCELLED, EXPIRED, FAILED, SUCCEEDED, Ending, Row, id_taken
from heliostat.ledger.late import Late
from heliostat.ledger.picture import Picture

# Pauses in seconds between tries: short before the spool is used, longer where the spool fails as well.
_SHORT_PAUSES_S = (0.2,)
_LONG_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
_AWAY = (reasons.ERROR_REASON_MESH_UNAVAILABLE, reasons.ERROR_REASON_OVERLOADED)

# Adapters and the router end a little before the request's own deadline.
_ALL_BUT_OVER = 0.9

log = get_logger(__name__)


def ending(
    grip: Grip,
    state: int,
    end_time_us: int,
    attempts: Iterable[RunningAttempt],
    *,
    error: MeshError | None = None,
    result: event_pb2.ImageResult | None = None,
    client_gone: bool = False,
    payload: bytes | None = None,
    media: Sequence[Row] = (),
) -> Ending:
    """What the end of a request writes; its cost is the sum of its attempts'. Pure."""
    attempts = list(attempts)
    delivered = result if result is not None else event_pb2.ImageResult()
    request = {
        "state": state,
        "end_time_us": end_time_us,
        "cost_micros": sum(each.cost for each in attempts),
        "reserved_micros": sum(each.held for each in attempts),
        "provider": delivered.provider or None,
        "provider_model": delivered.provider_model or None,
        "client_gone": int(client_gone),
        "payload": payload,
        "error": to_status(error).SerializeToString() if error is not None else None,
        "result": result.SerializeToString() if result is not None else None,
    }
    ends = {each.attempt_id: each.ending(end_time_us) for each in attempts}
    return Ending(grip.request_id, request, ends, media, grip.owner, grip.fence)


def end_state(error: MeshError | None, time_used: float) -> "ledger_pb2.RequestState":
    """The state that a request ends in; `time_used` is the share of its deadline that has passed. Pure.

    A provider that was waited for until the request's time was up is told of a moment before the deadline itself.
    """
    if error is None:
        return SUCCEEDED
    if error.reason == reasons.ERROR_REASON_CANCELLED:
        return CANCELLED
    late = error.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT and time_used >= _ALL_BUT_OVER
    return EXPIRED if late or error.reason == reasons.ERROR_REASON_DEADLINE_EXCEEDED else FAILED


def end_attempts(
    open_ones: Sequence[RunningAttempt], result: event_pb2.ImageResult | None, error: MeshError | None
) -> None:
    """Ends attempts that are open when their request ends: as the router's result tells, or with the error."""
    told = {each.attempt_id: each for each in result.attempts} if result is not None else {}
    for attempt in open_ones:
        if attempt.attempt_id in told:
            attempt.end_as(told[attempt.attempt_id])
        elif error is None and result is not None and len(open_ones) == 1:
            attempt.end_with_result(result)
        else:
            unforeseen = MeshError(reasons.ERROR_REASON_INTERNAL, "The router did not tell how the attempt ended.")
            attempt.end_with_error(error or unforeseen)


class Closing:
    """One request's end on its way into the journal.

    `opening` is its row as it was first written; `opened` tells whether that may have been committed. `unstored` are
    pictures that the media store did not take.
    """

    def __init__(
        self,
        desk: Desk,
        end: Ending,
        opening: Row,
        attempts: Iterable[RunningAttempt],
        unstored: Sequence[Picture],
        *,
        opened: bool,
    ) -> None:
        self._desk = desk
        self._end = end
        self._opening = opening
        self._attempts = list(attempts)
        self._unstored = unstored
        self._opened = opened

    async def commit(self) -> MeshError | None:
        """Writes the end down, in the journal or in the spool; gives why neither took it, or None.

        Where pictures can be kept nowhere the request ends as failed, its cost recorded.
        """
        if self._unstored:
            error = await self._spool()
            if error is None:
                await self._try(_SHORT_PAUSES_S)  # where it fails the spool has it
                return None
            unkept = _unkept()
            self._end = _failed(self._end, unkept, {each.media_id for each in self._unstored})
            self._unstored = ()
            return await self.commit() or unkept
        # Where nothing was begun there is nothing to forget, and the caller should hear at once.
        precious = bool(self._end.attempts) or self._opened
        lost = await self._try(_SHORT_PAUSES_S if precious else ())
        if lost is None or not precious or lost.reason not in _AWAY:
            return lost
        if await self._spool() is None:
            return None
        return await self._try(_LONG_PAUSES_S)

    async def _spool(self) -> MeshError | None:
        intents = [each.intent(self._end.request_id, None) for each in self._attempts]
        pictures = {each.media_id: list(each) for each in self._unstored}
        try:
            await self._desk.spool.keep(Late(self._opening, intents, self._end), pictures, self._desk.now_us())
        except MeshError as error:
            return error
        return None

    async def _try(self, pauses_s: Sequence[float]) -> MeshError | None:
        lost: MeshError | None = None
        for pause_s in (*pauses_s, None):
            try:
                await self._desk.journal.end(self._end, None if self._opened else self._opening)
            except MeshError as failed:
                lost = failed
                log.warning("the end of a request could not be written", last_try=pause_s is None)
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
            except IntegrityError:
                return None if await self._is_written() else id_taken()
            except LostRequest:
                if await self._is_written():
                    return None
                raise
            except Exception as failed:  # a caller must hear of it, without its text
                log.unforeseen("the end of a request could not be written", failed)
                return internal(failed)
            else:
                return None
        return lost

    async def _is_written(self) -> bool:
        """True where an earlier try was committed though its answer was lost."""
        stored = await self._desk.journal.find(self._end.request_id)
        return stored is not None and stored.request["end_time_us"] == self._end.request["end_time_us"]


def _failed(end: Ending, error: MeshError, without: set[str]) -> Ending:
    request = {**end.request, "state": FAILED, "error": to_status(error).SerializeToString(), "result": None}
    return replace(end, request=request, media=[row for row in end.media if row["media_id"] not in without])


def _unkept() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_INTERNAL,
        "The picture was made but could not be stored; check blobs.url, ledger.spool_dir and their free space.",
    )
