"""Access tokens that a token host makes of a credential (OAuth 2.0): kept until shortly before their end.

Source: RFC 6749 (token endpoint, section 5), read 2026-11-22.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.http import ProviderClient
from heliostat.adapters.sdk.outcomes import KIT
from heliostat.adapters.sdk.refusals import Answer, clean, read_refusal
from heliostat.adapters.sdk.settings import ProviderSettings
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Lookup

EARLY_S = 300.0
_FORM = {"content-type": "application/x-www-form-urlencoded"}

Form = Mapping[str, str]


class AccessTokens:
    """The access token of one credential at a time; a credential that changed gets a new one.

    `host` is who makes tokens, for people, and `key_name` the variable or file that an operator mends.
    """

    def __init__(
        self, host: str, settings: ProviderSettings, clock: Clock, key_name: str, lookup: Lookup | None
    ) -> None:
        self._host, self._settings, self._clock = host, settings, clock
        self._key_name, self._lookup = key_name, lookup
        self._clients: dict[str, ProviderClient] = {}
        self._lock = asyncio.Lock()
        self._made_of = b""
        self._token = ""
        self._ends_s = 0.0
        self._sent: tuple[str, ...] = ()

    def current(self, credential: str) -> str:
        """The token that goes with a credential now; empty where there is none yet."""
        return self._token if self._made_of == _digest(credential) else ""

    def forget(self) -> None:
        """Drops the token: the next request makes another one."""
        self._ends_s = 0.0

    async def prepare(
        self, credential: str, token_uri: str, make_form: Callable[[], Awaitable[Form]], call: Call
    ) -> None:
        """Sees to it that there is a token. Raises PROVIDER_AUTH_FAILED, before anything is sent to the provider."""
        async with self._lock:
            if self._made_of == _digest(credential) and self._clock.monotonic() < self._ends_s:
                return
            value = await self._exchange(token_uri, await make_form(), call)
            self._token, self._made_of = value["access_token"], _digest(credential)
            self._ends_s = self._clock.monotonic() + value["expires_in"] - EARLY_S

    async def close(self) -> None:
        """Closes every connection."""
        for client in self._clients.values():
            await client.close()

    async def _exchange(self, token_uri: str, form: Form, call: Call) -> Mapping[str, Any]:
        self._sent = tuple(form.values())
        body = urlencode(form).encode()
        answer = await self._client(token_uri).send("POST", token_uri, body, call, phase="prepare", headers=_FORM)
        value = answer.json_or_none()
        if isinstance(value, Mapping) and _is_token(value.get("access_token")) and _is_life(value.get("expires_in")):
            return value
        raise self.refused("its token host answered without a token")

    def _client(self, token_uri: str) -> ProviderClient:
        """The client of the host that makes tokens: another origin than the API's, and it gets no key."""
        if token_uri not in self._clients:
            self._clients[token_uri] = ProviderClient(
                "tokens",
                self._settings.model_copy(update={"base_url": token_uri}),
                headers=lambda account: {},
                refusal=self._refusal,
                key_name=lambda account: self._key_name,
                lookup=self._lookup,
            )
        return self._clients[token_uri]

    def _refusal(self, answer: Answer) -> MeshError | None:
        if answer.status not in {400, 401, 403}:
            error = read_refusal(answer, self._key_name)
            error.message = clean(error.message, secrets=self._sent)
            return error
        value = answer.json_or_none()
        told = value.get("error_description") if isinstance(value, Mapping) else None
        said = told if isinstance(told, str) and told else answer.error_text()
        return self.refused(clean(said, secrets=self._sent) or "no reason given")

    def refused(self, why: str) -> MeshError:
        """The error of a credential that makes no token."""
        message = f"{self._host} makes no access token of our key; set {self._key_name} to a good one: {why}."
        return MeshError(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, message, failure=KIT.failure("prepare"))


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) < 8192 and value.isascii() and value.isprintable()


def _is_life(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 86_400
