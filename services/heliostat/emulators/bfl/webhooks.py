"""Black Forest Labs' webhooks. Two descriptions of their security exist, and neither is confirmed: both are sent.

HMAC-SHA256 of the body with the caller's own secret in X-BFL-Signature; the secret itself in X-Webhook-Secret.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import orjson

from heliostat.emulators.callbacks import Callbacks
from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Job


class Webhooks:
    """Sends the ends of tasks."""

    def __init__(self, room: Room) -> None:
        self._callbacks = Callbacks(room)

    async def send(self, address: str, secret: str, job: Job, state: dict[str, Any]) -> None:
        """Deliver the state of a task that has ended."""

        def headers(body: bytes) -> dict[str, str]:
            if not secret:
                return {}
            signature = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
            return {"x-bfl-signature": f"sha256={signature}", "x-webhook-secret": secret}

        told = {"id": job.id, "status": state["status"], "result": state["result"], "timestamp": time.time()}
        if state["status"] != "Ready":
            told |= {"error": state["status"], "message": "The task did not succeed."}
        await self._callbacks.send(address, job, orjson.dumps(told), headers)
