"""The end of a request, written down: in one commit, and again for a while where the database fails."""

import asyncio
from collections.abc import Iterable, Sequence

from sqlalchemy.exc import IntegrityError

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.errors import MeshError, internal, to_status
from heliostat.chassis.logs import get_logger
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import Ending, Row, id_taken

# Pauses in seconds between tries: what was bought must not be forgotten for a short fault.
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)

log = get_logger(__name__)


def ending(
    request_id: str,
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
    return Ending(request_id, request, {each.attempt_id: each.ending(end_time_us) for each in attempts}, media)


async def commit_end(desk: Desk, end: Ending, opening: Row | None) -> MeshError | None:
    """Commits an end; `opening` is the request's row where nothing of it was written yet.

    Gives why the end could not be written, or None.
    """
    lost: MeshError | None = None
    # Where nothing was bought there is nothing to forget, and the caller should hear at once.
    for pause_s in (*_PAUSES_S, None) if end.attempts else (None,):
        try:
            await desk.journal.end(end, opening)
        except MeshError as failed:
            lost = failed
            log.warning("the end of a request could not be written", last_try=pause_s is None)
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        except IntegrityError:
            return None if await _is_written(desk, end) else id_taken()
        except Exception as failed:  # a caller must hear of it, without its text
            log.unforeseen("the end of a request could not be written", failed)
            return internal(failed)
        else:
            return None
    return lost


async def _is_written(desk: Desk, end: Ending) -> bool:
    """True where an earlier try was committed though its answer was lost."""
    stored = await desk.journal.find(end.request_id)
    return stored is not None and stored.request["end_time_us"] == end.request["end_time_us"]
