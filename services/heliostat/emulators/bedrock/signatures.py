"""Who asks: a Bedrock API key, or an access key whose signature is computed anew from the request as it came.

Source: AWS General Reference, Signature Version 4 ("Elements of an AWS API request signature", "Troubleshoot"), read
2026-11-22. Secrets follow from ids here: that of AKIA… is `secret-of-AKIA…`, the token of ASIA… is `token-of-ASIA…`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.requests import Request

from heliostat.emulators.bedrock.dialect import refused

SKEW_S = 300
HEAD = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[A-Z0-9]{16,32})/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, ?SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def check_caller(request: Request, body: bytes) -> str:
    """Give the key's name, for what may depend on it. Raises `Refusal`: keys as `bad…` and `AKIABAD…` are none."""
    head = request.headers.get("authorization", "")
    scheme, _, key = head.partition(" ")
    if scheme == "Bearer":
        if not key or key.startswith("bad"):
            raise refused(403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid")
        return key
    found = HEAD.fullmatch(head)
    if found is None:
        raise refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    _check_scope(request, found)
    if not hmac.compare_digest(_signature(request, found, body), found["signature"]):
        raise refused(403, "InvalidSignatureException", MISMATCH)
    return found["id"]


def _check_scope(request: Request, found: re.Match[str]) -> None:
    identity, when = found["id"], request.headers.get("x-amz-date", "")
    token, region = request.headers.get("x-amz-security-token", ""), found["region"]
    if identity.startswith("AKIABAD"):
        raise refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    if token.startswith("expired"):
        raise refused(403, "ExpiredTokenException", "The security token included in the request is expired")
    if token != (f"token-of-{identity}" if identity.startswith("ASIA") else ""):
        raise refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    if found["service"] != "bedrock":
        raise refused(403, "InvalidSignatureException", "Credential should be scoped to correct service: 'bedrock'.")
    if not re.fullmatch(r"\d{8}T\d{6}Z", when) or when[:8] != found["day"]:
        raise refused(403, "InvalidSignatureException", "Date in Credential scope does not match that of X-Amz-Date")
    asked = datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    if abs(asked - time.time()) > SKEW_S:
        raise refused(403, "InvalidSignatureException", f"Signature expired: {when} is now earlier than 5 min. ago.")
    if not {"host", "x-amz-date"} <= set(found["names"].split(";")) or (
        token and "x-amz-security-token" not in found["names"]
    ):
        raise refused(403, "InvalidSignatureException", f"Some headers of {region} must be signed and are not.")


def _signature(request: Request, found: re.Match[str], body: bytes) -> str:
    """Compute what the signature has to be."""
    path = request.scope["raw_path"].partition(b"?")[0]
    query = sorted(request.scope["query_string"].decode().split("&")) if request.scope["query_string"] else []
    lines = [request.method, quote(path, safe="/-_.~"), "&".join(query)]
    for name in found["names"].split(";"):
        values = [" ".join(value.split()) for value in request.headers.getlist(name)]
        lines.append(f"{name}:{','.join(values)}")
    lines += ["", found["names"], hashlib.sha256(body).hexdigest()]
    scope = [found["day"], found["region"], found["service"], "aws4_request"]
    hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], "/".join(scope), hashed])
    key = f"AWS4secret-of-{found['id']}".encode()
    for part in [*scope, text]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
