"""Signs requests to AWS: Signature Version 4, in a header. Pure.

Source: AWS General Reference, "Create a signed AWS API request" (Signature Version 4), read 2026-11-22. Paths are
encoded once more than they travel, as every service but S3 wants it; those with "." and ".." are not for this room.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; temporary ones come with a session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    region: str,
    service: str,
    time_unix: float,
) -> dict[str, str]:
    """`headers` with what makes them a signed request: all of them are signed, and the host as it will be sent.

    `url` is the whole address, encoded as it will travel; `time_unix` is seconds since 1970: AWS takes a request within
    five minutes of it.
    """
    when = datetime.fromtimestamp(time_unix, UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {**{name.lower(): " ".join(value.split()) for name, value in headers.items()}, "x-amz-date": when}
    if credentials.session_token:
        signed["x-amz-security-token"] = credentials.session_token
    scope = f"{when[:8]}/{region}/{service}/aws4_request"
    covered = {**signed, "host": _host(url)}
    names = ";".join(sorted(covered))
    canonical = "\n".join(
        (
            method,
            *_canonical_place(url),
            *(f"{name}:{covered[name]}" for name in sorted(covered)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    text = "\n".join((ALGORITHM, when, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_access_key}".encode()
    for step in scope.split("/"):
        key = _hmac(key, step)
    signature = _hmac(key, text).hex()
    credential = f"{credentials.access_key_id}/{scope}"
    signed["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return signed


def _host(url: str) -> str:
    """The host as a client sends it: with the port where that is not the usual one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in {None, _USUAL_PORTS.get(parts.scheme)} else f"{host}:{parts.port}"


def _canonical_place(url: str) -> tuple[str, str]:
    """Path and query as they are signed."""
    parts = urlsplit(url)
    pairs = sorted(
        (quote(unquote_plus(name), safe="-_.~"), quote(unquote_plus(value), safe="-_.~"))
        for name, _, value in (pair.partition("=") for pair in parts.query.split("&") if pair)
    )
    return quote(parts.path or "/", safe="/-_.~"), "&".join(f"{name}={value}" for name, value in pairs)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
