"""The host where service accounts get their access tokens (oauth2.googleapis.com/token, RFC 7523)."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

import orjson
import pybase64

from heliostat.emulators.exchange import Refusal, Reply, json_reply

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIMS = ("iss", "scope", "aud", "iat", "exp")
ISSUED = "ya29.emulated-token"


def granted(form: Mapping[str, str], audience: str) -> Reply:
    """Answer with a token. Raises `Refusal` for an assertion that is not in order; who signed it nobody knows here."""
    if form.get("grant_type") != GRANT:
        raise refused("unsupported_grant_type", "Invalid grant_type")
    pieces = form.get("assertion", "").split(".")
    if len(pieces) != 3 or not pieces[2]:
        raise refused("invalid_grant", "Invalid JWT: it must have a header, a payload and a signature.")
    head, claims = _decoded(pieces[0]), _decoded(pieces[1])
    if head.get("alg") != "RS256" or not all(claims.get(name) for name in CLAIMS) or claims["aud"] != audience:
        raise refused("invalid_grant", "Invalid JWT: Failed audience check.")
    if claims["exp"] - claims["iat"] > 3600:
        raise refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).")
    if str(claims["iss"]).startswith("bad"):
        raise refused("invalid_grant", "Invalid JWT Signature.")
    return json_reply({"access_token": ISSUED, "expires_in": 3599, "token_type": "Bearer"})


def refused(error: str, description: str) -> Refusal:
    """Make the 400 of the token host."""
    return Refusal(json_reply({"error": error, "error_description": description}, 400))


def _decoded(piece: str) -> dict[str, Any]:
    try:
        value = orjson.loads(pybase64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise refused("invalid_grant", "Invalid JWT") from error
    if not isinstance(value, dict):
        raise refused("invalid_grant", "Invalid JWT")
    return value
