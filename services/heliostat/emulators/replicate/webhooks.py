"""Replicate's webhooks: the whole prediction, signed as Standard Webhooks says (webhook pages, read to 2026-11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

import orjson

from heliostat.emulators.callbacks import Callbacks
from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Job
from heliostat.emulators.replicate.dialect import new_id
from heliostat.emulators.replicate.predictions import Asked, prediction_json

EVENTS = frozenset({"start", "output", "logs", "completed"})


class Webhooks:
    """Sends predictions that have ended. One signing secret for as long as the server runs."""

    def __init__(self, room: Room) -> None:
        self._callbacks = Callbacks(room)
        self._key = secrets.token_bytes(24)

    @property
    def secret(self) -> str:
        """Give the secret as the API tells it."""
        return "whsec_" + base64.b64encode(self._key).decode()

    async def tell(self, job: Job) -> None:
        """Send the end of a job to where its create call said."""
        asked: Asked = job.facts
        if asked.webhook and "completed" in asked.events:
            await self._callbacks.send(asked.webhook, job, orjson.dumps(prediction_json(job)), self._signed)

    def _signed(self, body: bytes) -> dict[str, str]:
        name, moment = f"msg_{new_id()}", str(int(time.time()))
        digest = hmac.digest(self._key, f"{name}.{moment}.".encode() + body, hashlib.sha256)
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": signature}
