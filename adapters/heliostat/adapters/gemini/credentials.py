"""Access tokens of Vertex AI: one given as it is, or made with a service account's key file and kept until it ends.

Source: Google's "Using OAuth 2.0 for server to server applications" (JWT bearer, RFC 7523), read 2026-11-22.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from heliostat.adapters.sdk import Answer, Call, MeshError, ProviderClient, ProviderSettings
from heliostat.adapters.sdk.outcomes import KIT
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.modules import Lookup

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S = 3600
EARLY_S = 300.0
_FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What a key file says."""

    email: str
    key: str
    key_id: str
    token_uri: str

    def assertion(self, now_s: int) -> str:
        """The signed claim to be this account. Takes milliseconds of CPU. Raises ValueError for a key that is none."""
        key = load_pem_private_key(self.key.encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("no RSA key")
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        claims = {"iss": self.email, "scope": SCOPE, "aud": self.token_uri, "iat": now_s, "exp": now_s + LIFE_S}
        signed = f"{_encoded(orjson.dumps(head))}.{_encoded(orjson.dumps(claims))}"
        return f"{signed}.{_encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def read_account(text: str) -> ServiceAccount | None:
    """The account of a key file; None for a text that is no JSON object, an access token. Raises ValueError."""
    if not text.startswith("{"):
        return None
    value = orjson.loads(text)
    names = ("client_email", "private_key", "private_key_id", "token_uri")
    if not all(isinstance(value.get(name), str) and value[name] for name in names):
        raise ValueError(f"it lacks one of {', '.join(names)}")
    if urlsplit(value["token_uri"]).scheme not in {"http", "https"}:
        raise ValueError("its token_uri is no address")
    return ServiceAccount(*(value[name] for name in names))


def _encoded(data: bytes) -> str:
    return pybase64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    """The access token of one secret at a time; a secret that changed gets a new one."""

    def __init__(self, settings: ProviderSettings, clock: Clock, key_name: str, lookup: Lookup | None) -> None:
        self._settings, self._clock, self._key_name, self._lookup = settings, clock, key_name, lookup
        self._clients: dict[str, ProviderClient] = {}
        self._lock = asyncio.Lock()
        self._made_of = b""
        self._token = ""
        self._ends_s = 0.0

    def current(self, secret: str) -> str:
        """The token that goes with a secret now; empty where there is none yet."""
        if not secret.startswith("{"):
            return secret
        return self._token if self._made_of == _digest(secret) else ""

    def forget(self) -> None:
        """Drops the token: the next request makes another one."""
        self._ends_s = 0.0

    async def prepare(self, secret: str, call: Call) -> None:
        """Sees to it that there is a token. Raises PROVIDER_AUTH_FAILED, before anything is sent to the provider."""
        async with self._lock:
            if self._is_good(secret):
                return
            try:
                account = read_account(secret)
                if account is None:
                    return
                assertion = await asyncio.to_thread(account.assertion, int(self._clock.time()))
            except (ValueError, TypeError) as error:
                raise self._refused(f"it is no service account's key file ({type(error).__name__})") from None
            value = await self._exchange(account, assertion, call)
            self._token, self._made_of = value["access_token"], _digest(secret)
            self._ends_s = self._clock.monotonic() + value["expires_in"] - EARLY_S

    async def close(self) -> None:
        """Closes every connection."""
        for client in self._clients.values():
            await client.close()

    def _is_good(self, secret: str) -> bool:
        return self._made_of == _digest(secret) and self._clock.monotonic() < self._ends_s

    async def _exchange(self, account: ServiceAccount, assertion: str, call: Call) -> Mapping[str, Any]:
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        client = self._client(account.token_uri)
        answer = await client.send("POST", account.token_uri, form, call, phase="prepare", headers=_FORM)
        value = answer.json_or_none()
        if isinstance(value, Mapping) and _is_token(value.get("access_token")) and _is_life(value.get("expires_in")):
            return value
        raise self._refused("its token host answered without a token")

    def _client(self, token_uri: str) -> ProviderClient:
        """The client of the host that makes tokens: another origin than the API's, and it gets no key."""
        if token_uri not in self._clients:
            self._clients[token_uri] = ProviderClient(
                "google-tokens",
                self._settings.model_copy(update={"base_url": token_uri}),
                headers=lambda account: {},
                refusal=self._refusal,
                key_name=lambda account: self._key_name,
                lookup=self._lookup,
            )
        return self._clients[token_uri]

    def _refusal(self, answer: Answer) -> MeshError | None:
        return self._refused(answer.error_text() or "no reason given") if answer.status in {400, 401, 403} else None

    def _refused(self, why: str) -> MeshError:
        message = f"Google makes no access token of our key; set {self._key_name} to a good one: {why}."
        return MeshError(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, message, failure=KIT.failure("prepare"))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) < 8192 and value.isascii() and value.isprintable()


def _is_life(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 86_400
