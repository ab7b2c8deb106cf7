"""Links to kept pictures: signed, so that the address alone opens one picture until a moment, and no other. Pure.

The signature is HMAC-SHA256 over the media id, the moment and the picture's hash, keyed by the process's secret for
"media". The hash travels in the link so that a damaged picture is known without asking the ledger; a link may be
without one.
"""

import base64
import hmac
import re
from dataclasses import dataclass

MEDIA_ID = re.compile(r"[0-9a-f]{32}\.(png|jpg|webp|gif|avif)", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HASH = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_MOMENT = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and checks links. `key` is 32 secret bytes, the same in every edge of a mesh."""

    key: bytes

    def signature(self, media_id: str, expires: int, hashed: str = "") -> str:
        """64 hexadecimal digits. `expires` is in seconds since the epoch, `hashed` as the link has it."""
        signed = f"media\n{media_id}\n{expires}" + (f"\n{hashed}" if hashed else "")
        return hmac.digest(self.key, signed.encode(), "sha256").hex()

    def link(self, base: str, media_id: str, expires: int, sha256: bytes = b"") -> str:
        """The address under `base`, which has no slash at its end; `sha256` is the picture's, where it is known."""
        hashed = base64.urlsafe_b64encode(sha256).decode().rstrip("=")
        told = f"&sha={hashed}" if hashed else ""
        return f"{base}/v1/media/{media_id}?exp={expires}{told}&sig={self.signature(media_id, expires, hashed)}"

    def opens(self, media_id: str, query: str, now: float) -> bool:
        """Whether `query` (the raw query string) opens the picture at `now`, seconds since the epoch."""
        fields = [part.partition("=") for part in query.split("&")]
        if [name for name, _, _ in fields] not in (["exp", "sig"], ["exp", "sha", "sig"]):
            return False
        moment, signature, hashed = fields[0][2], fields[-1][2], fields[1][2] if len(fields) == 3 else ""
        if len(fields) == 3 and not _HASH.fullmatch(hashed):
            return False
        if not (MEDIA_ID.fullmatch(media_id) and _MOMENT.fullmatch(moment) and _SIGNATURE.fullmatch(signature)):
            return False
        good = hmac.compare_digest(signature, self.signature(media_id, int(moment), hashed))
        return good and now < int(moment)


def told_hash(query: str) -> bytes:
    """The picture's SHA-256 as the query of a link that opens one tells it; empty where it tells none."""
    _, _, told = query.partition("&sha=")
    return base64.urlsafe_b64decode(told.partition("&")[0] + "=") if told else b""


def expiry(now: float, link_s: int, kept_until: int) -> int:
    """When a new link ends: after `link_s` seconds, and never after the picture itself (0: unknown)."""
    end = int(now) + link_s
    return min(end, kept_until) if kept_until else end


def link_base(public_url: str, listening_on: str, host_header: str, *, sandbox: bool) -> str:
    """Where links begin: the configured address, else the one that is listened on.

    A Host header is believed only in a sandbox and only where it names this machine: whoever may choose the start of
    a link may steal what it opens.
    """
    if public_url:
        return public_url.rstrip("/")
    if sandbox and _LOOPBACK.fullmatch(host_header):
        return f"http://{host_header}"
    return listening_on
