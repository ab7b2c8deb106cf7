"""Access tokens of Vertex AI: one given as it is, or made with a service account's key file and kept until it ends.

Source: Google's "Using OAuth 2.0 for server to server applications" (JWT bearer, RFC 7523), read 2026-11-22.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from heliostat.adapters.sdk import Call, MeshError, ProviderSettings
from heliostat.adapters.sdk.access_tokens import AccessTokens
from heliostat.chassis.clock import Clock
from heliostat.chassis.modules import Lookup

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S = 3600


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
    """The access token of a service account's key file; a text that is no key file is a token itself."""

    def __init__(self, settings: ProviderSettings, clock: Clock, key_name: str, lookup: Lookup | None) -> None:
        self._clock = clock
        self._made = AccessTokens("Google", settings, clock, key_name, lookup)

    def current(self, secret: str) -> str:
        """The token that goes with a secret now; empty where there is none yet."""
        return self._made.current(secret) if secret.startswith("{") else secret

    def forget(self) -> None:
        """Drops the token: the next request makes another one."""
        self._made.forget()

    async def prepare(self, secret: str, call: Call) -> None:
        """Sees to it that there is a token. Raises PROVIDER_AUTH_FAILED, before anything is sent to the provider."""
        try:
            account = read_account(secret)
        except ValueError as error:
            raise self._no_account(error) from None
        if account is None:
            return

        async def form() -> Mapping[str, str]:
            try:
                assertion = await asyncio.to_thread(account.assertion, int(self._clock.time()))
            except (ValueError, TypeError) as error:
                raise self._no_account(error) from None
            return {"grant_type": GRANT, "assertion": assertion}

        await self._made.prepare(secret, account.token_uri, form, call)

    async def close(self) -> None:
        """Closes every connection."""
        await self._made.close()

    def _no_account(self, error: Exception) -> MeshError:
        return self._made.refused(f"it is no service account's key file ({type(error).__name__})")
