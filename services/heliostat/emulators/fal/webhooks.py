"""fal's webhooks: the result is sent to the caller's own address, signed with ED25519 (docs read 2026-11).

Signing needs the `cryptography` package; without it webhooks go out unsigned and the key set is empty.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import time
from typing import Any

import orjson

from heliostat.emulators.callbacks import Callbacks
from heliostat.emulators.exchange import Room
from heliostat.emulators.fal.jobs import Job

USER_ID = "emulated-user"


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
    """Sends results."""

    def __init__(self, room: Room) -> None:
        self._callbacks = Callbacks(room)
        self._signer = Signer() if importlib.util.find_spec("cryptography") else None

    def key_set(self) -> dict[str, Any]:
        """Give the public keys as a JSON Web Key Set."""
        if self._signer is None:
            return {"keys": []}
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": self._signer.public_key()}]}

    async def send(self, address: str, job: Job) -> None:
        """Deliver a job's result, again and again until it is taken."""

        def headers(body: bytes) -> dict[str, str]:
            if self._signer is None:
                return {}
            timestamp = str(int(time.time()))
            return {
                "x-fal-webhook-request-id": job.id,
                "x-fal-webhook-user-id": USER_ID,
                "x-fal-webhook-timestamp": timestamp,
                "x-fal-webhook-signature": self._signer.sign(job.id, timestamp, body),
            }

        await self._callbacks.send(address, job, orjson.dumps(_message(job)), headers)


def _message(job: Job) -> dict[str, Any]:
    message: dict[str, Any] = {"request_id": job.id, "gateway_request_id": job.id}
    if job.result is None or job.result.status >= 400:
        message |= {"status": "ERROR", "error": job.error_json()["error"]}
    else:
        message["status"] = "OK"
    try:
        message["payload"] = None if job.result is None else orjson.loads(job.result.body)
    except orjson.JSONDecodeError as error:
        message |= {"payload": None, "payload_error": str(error)}
    return message
