"""Calls a provider over HTTP: the one owner of httpx.

One `ProviderClient` per provider, never one per request. Every call ends in an `Answer` of status below 300 or in a
MeshError that tells how far the attempt came:

    no connection                                    PROVIDER_UNAVAILABLE, NOT_SENT, not billed
    a public name that leads to a private address    the same, and `setting` names what to mend: never connected
    an error answer of the provider                  `refusal` of the adapter, else refusals.py; REFUSED, not billed
    a 502, 503, 504 or 52x of a proxy, on a submit   by status; unknown
    no answer in time, on a submit                   PROVIDER_TIMEOUT; unknown
    an answer cut, reset or unreadable, on a submit  PROVIDER_ANSWER_INVALID; unknown
    any of these on a poll, download or cancel       the same reason; ACCEPTED, unknown: the work goes on without us
    any of these before the submit (phase "prepare") the same reason; NOT_SENT, not billed
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
import orjson

from heliostat.adapters.sdk.addresses import Resolver, is_allowed, is_public_name
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.multipart import Part, encode_multipart
from heliostat.adapters.sdk.outcomes import KIT
from heliostat.adapters.sdk.refusals import Answer, clean, read_refusal
from heliostat.adapters.sdk.server_events import read_events
from heliostat.adapters.sdk.settings import ProviderSettings
from heliostat.adapters.sdk.structure import MAX_BYTES
from heliostat.adapters.sdk.transport import BodyTooLarge, ConnectionForbidden, LargePieceTransport, Outgoing, parsed
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError
from heliostat.chassis.failpoints import reach
from heliostat.chassis.modules import Exchange, Lookup

ATTEMPT_HEADER = "x-heliostat-attempt"
MAX_ANSWER_BYTES = MAX_BYTES
MAX_STREAM_BYTES = 4 * MAX_BYTES
POLL_ANSWER_S = 30.0
CALL_FREE_S = 30.0

_BASE_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "heliostat"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ProviderClient:
    """HTTP of one provider: its origin, its key, its time-outs, its errors."""

    def __init__(
        self,
        provider: str,
        settings: ProviderSettings,
        *,
        headers: Callable[[str], Mapping[str, str]],
        refusal: Callable[[Answer], MeshError | None],
        key_name: Callable[[str], str],
        lookup: Lookup | None = None,
        tap: Callable[[Exchange], None] | None = None,
    ) -> None:
        """`lookup` finds the addresses of base_url's name; the system does where absent. `tap` is told every exchange
        that ended in a whole answer."""
        self._provider = provider
        self._settings = settings
        self._base = settings.base_url.rstrip("/")
        self._origin = _origin(urlsplit(self._base))
        self._host = urlsplit(self._base).hostname or ""
        self._headers = headers
        self._refusal = refusal
        self._key_name = key_name
        self._tap = tap
        # The transport is asked directly: cookies, redirects and authentication of httpx's client are not wanted here,
        # and cost as much as the exchange itself.
        self._transport = LargePieceTransport(
            max_connections=settings.max_connections,
            keepalive_s=settings.keepalive_s,
            resolver=Resolver(self._may_connect, lookup),
            remember_names=True,
        )

    async def post_json(
        self,
        url: str,
        body: Any,
        call: Call | None = None,
        *,
        phase: str = "submit",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POSTs JSON to a path below base_url, or to a whole URL of the provider's own origin."""
        typed = {"content-type": "application/json", **(headers or {})}
        return await self.send("POST", url, orjson.dumps(body), call, phase=phase, headers=typed)

    async def post_multipart(
        self,
        url: str,
        parts: Sequence[Part],
        call: Call | None = None,
        *,
        phase: str = "submit",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POSTs a form with files."""
        content_type, body = encode_multipart(parts)
        return await self.send(
            "POST", url, body, call, phase=phase, headers={"content-type": content_type, **(headers or {})}
        )

    async def get(
        self, url: str, call: Call | None = None, *, phase: str = "poll", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GETs from the provider's own origin."""
        return await self.send("GET", url, b"", call, phase=phase, headers=headers)

    async def look(self, url: str, call: Call) -> Answer:
        """GETs how a job stands. What is no JSON object is an error of this look, not of the job."""
        answer = await self.get(url, call)
        answer.json()
        return answer

    async def put(
        self, url: str, call: Call | None = None, *, phase: str = "cancel", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """PUTs an empty body to the provider's own origin."""
        return await self.send("PUT", url, b"", call, phase=phase, headers=headers)

    async def delete(
        self, url: str, call: Call | None = None, *, phase: str = "cancel", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """DELETEs at the provider's own origin."""
        return await self.send("DELETE", url, b"", call, phase=phase, headers=headers)

    async def post_events(
        self, url: str, body: Mapping[str, Any] | Sequence[Part], call: Call
    ) -> AsyncGenerator[tuple[str, bytes]]:
        """POSTs JSON, or a form where `body` is its parts, and yields (event name, data) of the answer as they come.

        An answer that is no text/event-stream comes as one event without a name.
        """
        content_type, content = (
            ("application/json", orjson.dumps(body)) if isinstance(body, Mapping) else encode_multipart(body)
        )
        headers = {"content-type": content_type, "accept": "text/event-stream"}
        outgoing = self._outgoing("POST", url, content, call, "submit", headers, call.account)
        extensions = {"timeout": self._waits(call, "submit"), "max_bytes": MAX_STREAM_BYTES, "stream": True}
        request = httpx.Request("POST", outgoing.url, headers=outgoing.headers, content=content, extensions=extensions)
        with telemetry.span(f"POST {self._provider}", kind="client", attributes=self._attributes(outgoing)) as span:
            reach("adapter.before_submit")
            try:
                response = await self._transport.handle_async_request(request)
                reach("adapter.submitted")
                span.set(telemetry.HTTP_STATUS, response.status_code)
                async with aclosing(response):
                    if response.status_code >= 300:
                        await response.aread()
                        answer = Answer(response.status_code, response.headers, response.content)
                        raise self._refused(answer, call, "submit", call.account)
                    if "text/event-stream" not in response.headers.get("content-type", ""):
                        yield "", await response.aread()
                        return
                    async with aclosing(read_events(response.aiter_raw())) as events:
                        async for event in events:
                            yield event
            except httpx.HTTPError as error:
                raise self._broken(error, call, "submit") from None

    async def send(
        self,
        method: str,
        url: str,
        body: bytes,
        call: Call | None,
        *,
        phase: str,
        headers: Mapping[str, str] | None = None,
        account: str = "",
    ) -> Answer:
        """One exchange. `phase` is prepare, submit, poll, download or cancel; it decides what an error means."""
        account = call.account if call is not None else account
        outgoing = self._outgoing(method, url, body, call, phase, headers or {}, account)
        answer = await self._exchange(outgoing, call, phase)
        if answer.status < 300:
            return answer
        raise self._refused(answer, call, phase, account)

    def _outgoing(  # noqa: PLR0917 - one for one what `send` was given
        self,
        method: str,
        url: str,
        body: bytes,
        call: Call | None,
        phase: str,
        headers: Mapping[str, str],
        account: str,
    ) -> Outgoing:
        whole = self.resolve(url)
        sent = {**_BASE_HEADERS, **self._headers(account), **headers}
        if call is not None and call.attempt_id:
            sent[ATTEMPT_HEADER] = call.attempt_id
        if call is not None and phase == "submit":
            call.submitted = True
        return Outgoing(method, whole, sent, body)

    def resolve(self, url: str) -> str:
        """The whole URL. Raises PROVIDER_ANSWER_INVALID for one that is not of the provider's own origin.

        The key goes to that origin and to `api_hosts` only, whatever address a provider's answer names.
        """
        if url.startswith("/"):
            return self._base + url
        try:
            parts = urlsplit(url)
            own, host = self._is_own(_origin(parts)) and not (parts.username or parts.password), parts.hostname
        except ValueError:
            own, host = False, None
        if not own:
            raise MeshError(
                reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
                f"The provider named an address at {host or 'nowhere'}, which is not its own; "
                "set base_url if the provider moved.",
                failure=event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_ACCEPTED, phase="poll"),
            )
        return url

    def _may_connect(self, address: str) -> bool:
        """Whether base_url may lead to this address: the key, and all prompts, go there."""
        if self._settings.private_addresses or self._origin[0] != "https" or not is_public_name(self._host):
            return True
        return is_allowed(address, loopback=False)

    def _is_own(self, origin: tuple[str, str, int]) -> bool:
        """Whether an address is the provider's: of base_url's origin, or of one of its hosts in the same manner."""
        if origin == self._origin:
            return True
        named = any(fnmatchcase(origin[1], pattern) for pattern in self._settings.api_hosts)
        return named and (origin[0], origin[2]) == (self._origin[0], self._origin[2])

    async def close(self) -> None:
        """Closes every connection."""
        await self._transport.aclose()

    async def _exchange(self, outgoing: Outgoing, call: Call | None, phase: str) -> Answer:
        name = f"{outgoing.method} {self._provider}"
        began = time.perf_counter()
        with telemetry.span(name, kind="client", attributes=self._attributes(outgoing)) as span:
            if phase == "submit":
                reach("adapter.before_submit")
            try:
                status, headers, body = await self._transport.exchange(
                    outgoing, self._waits(call, phase), MAX_ANSWER_BYTES
                )
            except httpx.HTTPError as error:
                raise self._broken(error, call, phase) from None
            if phase == "submit":
                reach("adapter.submitted")
            span.set(telemetry.HTTP_STATUS, status)
        if self._tap is not None:
            took_s = time.perf_counter() - began
            self._tap(Exchange(*outgoing[:3], outgoing.content, status, headers, body, took_s))
        return Answer(status, headers, body)

    def _attributes(self, outgoing: Outgoing) -> dict[str, str]:
        return {
            telemetry.HTTP_METHOD: outgoing.method,
            telemetry.SERVER_ADDRESS: self._host,
            telemetry.URL_PATH: parsed(outgoing.url).path[:200],
        }

    def _waits(self, call: Call | None, phase: str) -> dict[str, float]:
        """How long an exchange may wait, in seconds, as the transport wants to be told."""
        settings = self._settings
        remaining = call.time_remaining_s() if call is not None else CALL_FREE_S
        longest = settings.answer_timeout_s
        if phase != "submit":
            longest = min(POLL_ANSWER_S, longest)
        return {
            "connect": min(settings.connect_timeout_s, remaining),
            "answer": min(longest, remaining),
            "idle": settings.idle_timeout_s,
            "total": remaining,
        }

    def _broken(self, error: httpx.HTTPError, call: Call | None, phase: str) -> MeshError:
        """The error of an exchange that did not end in an answer."""
        if isinstance(error, ConnectionForbidden):
            return MeshError(
                reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
                f"Configuration error: {self._host}, a public name, leads to a private address, so nothing is sent "
                "there. Mend the name server, or write private_addresses: true beside base_url if it is meant so.",
                failure=_failure("connect" if phase == "submit" else phase, call),
                setting="private_addresses",
            )
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
            message = f"The provider at {self._host} cannot be reached ({error}); check base_url and the network."
            return MeshError(reason, message, failure=_failure("connect" if phase == "submit" else phase, call))
        if isinstance(error, httpx.TimeoutException):
            reason = reasons.ERROR_REASON_PROVIDER_TIMEOUT
            message = "The provider did not answer in time."
        elif isinstance(error, BodyTooLarge):
            reason = reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID
            message = f"The provider's answer is larger than {MAX_ANSWER_BYTES} bytes; nothing of it was kept."
        else:
            reason = reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID
            message = "The connection to the provider broke before its answer was whole."
        return MeshError(reason, message, failure=_failure(phase, call))

    def _refused(self, answer: Answer, call: Call | None, phase: str, account: str) -> MeshError:
        """The error behind an answer of status 300 and up, by the adapter's reading or by the kit's."""
        error = self._refusal(answer) or read_refusal(answer, self._key_name(account))
        prompts = (call.request.prompt, call.request.negative_prompt) if call is not None else ()
        secrets = [value.split()[-1] for value in self._headers(account).values() if value]
        error.message = clean(error.message, prompts, secrets)
        if phase != "submit" and not _deliberate(error):
            error.failure = _failure(phase, call)
        return error


def _deliberate(error: MeshError) -> bool:
    """Whether the adapter itself said how far the attempt came, as opposed to the table for submits."""
    return error.failure is not None and error.failure.phase not in {"", "submit"}


def _failure(phase: str, call: Call | None) -> event_pb2.AttemptFailure:
    """How far an attempt came that broke in this phase."""
    return KIT.failure(phase, job_id=call.job_id if call is not None else "")


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
