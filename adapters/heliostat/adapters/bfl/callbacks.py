"""Callbacks of Black Forest Labs: who sent them, and which task they are about. Pure.

Source: two descriptions that nobody confirmed, read 2026-11-22: HMAC-SHA256 of the body in X-BFL-Signature, as
"sha256=<hex>"; or the secret itself in X-Webhook-Secret. Either is accepted. Neither carries a time: a callback only
makes the task be looked at, so an old one does no harm.
"""

import hmac
from collections.abc import Mapping

from heliostat.adapters.sdk import webhooks
from heliostat.chassis.settings import Secret

_MARK = "sha256="


def read_callback(secret: Secret | None, headers: Mapping[str, str], body: bytes) -> str:
    """The task's id. Raises CALLER_UNKNOWN for what is not signed with the secret, and where there is none."""
    if secret is None or not secret.present():
        raise webhooks.refused()
    own = secret.reveal().encode()
    signature, echoed = headers.get("x-bfl-signature", ""), headers.get("x-webhook-secret", "").encode()
    if signature:
        webhooks.check_hmac(own, body, [_decoded(signature)])
    elif not own or not hmac.compare_digest(own, echoed):
        raise webhooks.refused()
    task = webhooks.read_object(body).get("id")
    return task if isinstance(task, str) else ""


def _decoded(signature: str) -> bytes:
    try:
        return bytes.fromhex(signature.removeprefix(_MARK)) if signature.startswith(_MARK) else b""
    except ValueError:
        return b""
