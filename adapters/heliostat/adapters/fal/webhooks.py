"""fal's callbacks: who signed them, and which job they are about.

Source: fal.ai/docs/model-apis/inference/webhooks, read 2026-11-22. Signed with Ed25519 is
request_id "\\n" user_id "\\n" timestamp "\\n" hex(sha256(body)); the keys are public, at rest.fal.ai. The same callback
may come more than once, for up to two hours.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from heliostat.adapters.sdk import webhooks

FAL = "https://queue.fal.run"
FALS_KEYS = "https://rest.fal.ai/.well-known/jwks.json"
_PREFIX = "x-fal-webhook-"
_MOST_CHARACTERS = 256


def keys_url(base_url: str, given: str) -> str:
    """Where the public keys are: as given, else fal's own, else below whatever stands in for fal. Pure."""
    base = base_url.rstrip("/")
    return given or (FALS_KEYS if base == FAL else f"{base}/.well-known/jwks.json")


def with_callback(path: str, webhook_uri: str) -> str:
    """A submit's path that asks for a callback where there is an address for one. Pure."""
    return f"{path}?fal_webhook={quote(webhook_uri, safe='')}" if webhook_uri else path


async def verified_job(headers: Mapping[str, str], body: bytes, keys: webhooks.KeySet, now_s: float) -> str:
    """The request id that a callback is about. Raises CALLER_UNKNOWN where it is not to be believed."""
    signed = [headers.get(_PREFIX + name, "") for name in ("request-id", "user-id", "timestamp")]
    request_id, _, timestamp = signed
    if not all(0 < len(part) <= _MOST_CHARACTERS and part.isprintable() for part in signed):
        raise webhooks.refused()
    webhooks.check_time(timestamp, now_s)
    try:
        signature = bytes.fromhex(headers.get(_PREFIX + "signature", ""))
    except ValueError:
        raise webhooks.refused() from None
    message = "\n".join((*signed, hashlib.sha256(body).hexdigest()))
    await keys.check(message.encode(), signature)
    return request_id
