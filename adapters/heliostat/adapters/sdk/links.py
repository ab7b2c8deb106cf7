"""Where the pictures of a job are: addresses end, and a job that can be looked at gives new ones.

Signed addresses hold for minutes, and a job that is gone on with may have been over for long.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from heliostat.adapters.sdk import polling
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.refusals import Answer
from heliostat.adapters.sdk.result import Picture
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger

PATIENCE_S = 5.0
_LOST = frozenset({reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, reasons.ERROR_REASON_PROVIDER_TIMEOUT})

log = get_logger("heliostat.adapters")


class Links:
    """The addresses of one job's pictures. At most once in an attempt they are asked for anew: for all pictures.

    `look` is a look at the job, as `polling.poll` takes it; `read` gives the addresses in its answer, in the order of
    the first ones, empty where there is none.
    """

    def __init__(
        self, call: Call, look: Callable[[], Awaitable[Answer]], read: Callable[[Answer], Sequence[str]]
    ) -> None:
        self._call = call
        self._look = look
        self._read = read
        self._fresh: Sequence[str] | None = None

    async def fetch(self, url: str, index: int = 0, **told: Any) -> Picture:
        """The picture as `Call.fetch` gives it, and with its errors: at `url`, or where the job says that it is now.

        An address that must not be asked, or that the job still has, is not tried again.
        """
        at = self._now(index) or url
        try:
            return await self._call.fetch(at, index, **told)
        except MeshError as error:
            if error.reason not in _LOST or self._fresh is not None:
                raise
            self._fresh = await self._asked_anew()
            fresh = self._now(index)
            if fresh in ("", at):
                raise
        return await self._call.fetch(fresh, index, **told)

    def _now(self, index: int) -> str:
        """The fresh address of a picture; empty where there is none."""
        return self._fresh[index] if self._fresh is not None and index < len(self._fresh) else ""

    async def _asked_anew(self) -> Sequence[str]:
        """What one more look tells; nothing where it fails, for the download's own error says more."""
        job = self._call.job_id
        try:
            async with aclosing(polling.poll(self._call, self._look, first_s=0.0, patience_s=PATIENCE_S)) as answers:
                fresh = self._read(await anext(answers))
        except MeshError as error:
            log.warning("a picture was not there, and its job told nothing new", job=job, why=reason_name(error.reason))
            return ()
        log.info("a picture was not there, and its job was asked where it is now", job=job)
        return fresh
