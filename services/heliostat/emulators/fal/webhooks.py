"""fal's webhooks: the result is sent to the caller's own address, signed with ED25519 (docs read 2026-11).

Signing needs the `cryptography` package; without it webhooks go out unsigned and the key set is empty.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib.util
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson

from heliostat.emulators.exchange import Room
from heliostat.emulators.fal.jobs import Job
from heliostat.emulators.sources import is_loopback

USER_ID = "emulated-user"
TIMEOUT_S = 15.0
TRIES = 10
FIRST_PAUSE_S = 0.05
"""Doubled after each try. fal spreads its ten retries over two hours; a test does not have them."""


class Signer:
    """Holds one key pair for as long as the server runs."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.generate()

    def public_key(self) -> str:
        """Give the public key in base64url, without padding."""
        return base64.urlsafe_b64encode(self._key.public_key().public_bytes_raw()).rstrip(b"=").decode()

    def sign(self, request_id: str, timestamp: str, body: bytes) -> str:
        """Sign one delivery; the answer is hexadecimal."""
        digest = hashlib.sha256(body).hexdigest()
        return self._key.sign("\n".join((request_id, USER_ID, timestamp, digest)).encode()).hex()


class Webhooks:
    """Sends results, to this machine only."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._signer = Signer() if importlib.util.find_spec("cryptography") else None

    def key_set(self) -> dict[str, Any]:
        """Give the public keys as a JSON Web Key Set."""
        if self._signer is None:
            return {"keys": []}
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": self._signer.public_key()}]}

    def sender(self, address: str) -> Callable[[Job], Awaitable[None]]:
        """Make what a job awaits when it has ended: the delivery, tried again until it is accepted."""

        async def send(job: Job) -> None:
            if not is_loopback(httpx.URL(address).host):
                return
            body = orjson.dumps(_message(job))
            pause_s = FIRST_PAUSE_S
            for _ in range(TRIES):
                if await self._deliver(address, job, body):
                    return
                await asyncio.sleep(pause_s)
                pause_s *= 2

        return send

    async def _deliver(self, address: str, job: Job, body: bytes) -> bool:
        entry = self._room.journal.open(
            self._room.name,
            "webhook",
            model=job.entry.model,
            prompt=job.entry.prompt,
            request_id=job.request_id,
            headers={},
        )
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
                answer = await client.post(address, content=body, headers=self._headers(job, body))
        except httpx.HTTPError:
            return False
        entry.status = answer.status_code
        return answer.is_success

    def _headers(self, job: Job, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self._signer is None:
            return headers
        timestamp = str(int(time.time()))
        return headers | {
            "x-fal-webhook-request-id": job.request_id,
            "x-fal-webhook-user-id": USER_ID,
            "x-fal-webhook-timestamp": timestamp,
            "x-fal-webhook-signature": self._signer.sign(job.request_id, timestamp, body),
        }


def _message(job: Job) -> dict[str, Any]:
    message: dict[str, Any] = {"request_id": job.request_id, "gateway_request_id": job.request_id}
    if job.result is None or job.result.status >= 400:
        message |= {"status": "ERROR", "error": job.error_json()["error"]}
    else:
        message["status"] = "OK"
    try:
        message["payload"] = None if job.result is None else orjson.loads(job.result.body)
    except orjson.JSONDecodeError as error:
        message |= {"payload": None, "payload_error": str(error)}
    return message
