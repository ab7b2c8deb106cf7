"""Webhooks of an emulated provider: a job's news sent to the caller's own address, tried again until it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Job
from heliostat.emulators.sources import is_loopback

TIMEOUT_S = 15.0
TRIES = 4
FIRST_PAUSE_S = 0.05
"""Doubled after each try. Providers spread theirs over minutes and hours; a test does not have them."""

Headers = Callable[[bytes], Mapping[str, str]]
"""Gives the headers of one delivery of a body, its signature among them."""


class Callbacks:
    """Sends to this machine only."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def send(self, address: str, job: Job, body: bytes, headers: Headers) -> None:
        """Deliver, again and again until a 2xx answers; each try is a "webhook" of the journal."""
        try:
            here = is_loopback(httpx.URL(address).host)
        except httpx.InvalidURL:
            return
        pause_s = FIRST_PAUSE_S
        for _ in range(TRIES if here else 0):
            if await self._deliver(address, job, body, headers(body)):
                return
            await asyncio.sleep(pause_s)
            pause_s *= 2

    async def _deliver(self, address: str, job: Job, body: bytes, headers: Mapping[str, str]) -> bool:
        entry = self._room.journal.open(
            self._room.name, "webhook", model=job.entry.model, prompt=job.entry.prompt, request_id=job.id, headers={}
        )
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
                typed = {"content-type": "application/json", **headers}
                answer = await client.post(address, content=body, headers=typed)
        except httpx.HTTPError:
            return False
        entry.status = answer.status_code
        return answer.is_success
