"""The sandbox on the pages: the two counters in the head of each, and the providers' faults on the street."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.api.sandbox.v1.sandbox_pb2 import Fault
from heliostat.chassis.errors import MeshError
from heliostat.console.desk import Desk
from heliostat.console.sandbox_feed import SandboxFeed, element_of
from heliostat.console.views import Views

# What a button says -> what it asks for.
FAULTS = {
    "down": sandbox_pb2.FAULT_KIND_DOWN,
    "429": sandbox_pb2.FAULT_KIND_RATE_LIMITED,
    "slow": sandbox_pb2.FAULT_KIND_SLOW,
    "garbage": sandbox_pb2.FAULT_KIND_GARBAGE,
    "expired link": sandbox_pb2.FAULT_KIND_EXPIRED_LINK,
}
_MEANINGS = {
    "down": "Answers 503",
    "429": "Answers 429 with Retry-After",
    "slow": "Answers late",
    "garbage": "Answers with noise, and bills it",
    "expired link": "Bills pictures whose links no longer work",
}
# Providers that stand first: those that most routes go to first.
_FIRST = ("fal", "compat", "openai", "replicate", "together", "bfl")
_FIRST_COUNT = 6


class SandboxPage:
    """Shows the feed, and hands faults to the sandbox's controls."""

    def __init__(self, desk: Desk, views: Views, feed: SandboxFeed) -> None:
        self._desk = desk
        self._views = views
        self._feed = feed
        feed.render_provider = self._provider
        feed.render_counters = lambda: views.text("sandbox/counters.html")
        if desk.controls is not None:
            views.share(sandbox_counters=lambda: feed.state.counters, sandbox_providers=self._first)

    def routes(self) -> list[Route]:
        """Its addresses; none where there are no controls."""
        if self._desk.controls is None:
            return []
        return [
            Route("/sandbox/providers", self.more),
            Route("/sandbox/fault", self.fault, methods=["POST"]),
            Route("/sandbox/clear", self.clear, methods=["POST"]),
            Route("/sandbox/kill", self.kill, methods=["POST"]),
        ]

    async def more(self, request: Request) -> Response:
        """The providers that do not stand first."""
        return self._views.piece(request, "sandbox/list.html", providers=[*map(self._values, self._parted()[1])])

    async def fault(self, request: Request) -> Response:
        """Lets a provider fail, or behave where the form's `fault` is what it does already. Raises MeshError."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        name, word = form.get("provider", ""), form.get("fault", "")
        controls, who = self._controls(), request.scope["session"].user
        if word and word == self._word(name):
            await self._desk.ask(controls.ClearFaults, sandbox_pb2.ClearFaultsRequest(provider=name), who=who)
        else:
            asked = Fault(kind=FAULTS.get(word, sandbox_pb2.FAULT_KIND_UNSPECIFIED))
            asked.wait.FromMicroseconds(round(_seconds(form) * 1e6))
            told = await self._desk.ask(
                controls.SetFault, sandbox_pb2.SetFaultRequest(provider=name, fault=asked), who=who
            )
            self._feed.take(told.provider)
            return self._views.piece(request, "sandbox/provider.html", **self._values(told.provider))
        return await self._looked_up(request, name)

    async def clear(self, request: Request) -> Response:
        """Lets every provider behave. Raises MeshError."""
        who = request.scope["session"].user
        await self._desk.ask(self._controls().ClearFaults, sandbox_pb2.ClearFaultsRequest(), who=who)
        return Response(status_code=204)

    async def kill(self, request: Request) -> Response:
        """Kills the adapters of a provider. Raises MeshError."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked = sandbox_pb2.KillAdapterRequest(adapter=form.get("adapter", ""))
        await self._desk.ask(self._controls().KillAdapter, asked, who=request.scope["session"].user)
        return Response(status_code=204)

    async def _looked_up(self, request: Request, name: str) -> Response:
        listed = await self._desk.ask(self._controls().ListProviders, sandbox_pb2.ListProvidersRequest())
        for provider in listed.providers:
            self._feed.take(provider)
        found = self._feed.state.providers.get(name)
        if found is None:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no such provider.", field="provider")
        return self._views.piece(request, "sandbox/provider.html", **self._values(found))

    def _controls(self) -> Any:
        return self._desk.controls

    def _word(self, name: str) -> str:
        """What a provider does wrong, as its button says; empty where it behaves."""
        provider = self._feed.state.providers.get(name)
        return _word(provider) if provider is not None else ""

    def _first(self) -> tuple[list[dict[str, Any]], int]:
        """Providers that stand first, and how many others there are."""
        first, rest = self._parted()
        return [*map(self._values, first)], len(rest)

    def _parted(self) -> tuple[list[sandbox_pb2.Provider], list[sandbox_pb2.Provider]]:
        """Providers that stand first, which are those that something happens to as well, and the others."""
        known = self._feed.state.providers
        busy = (name for name, each in known.items() if each.HasField("fault") or each.bill.picture_count)
        first = dict.fromkeys((*(name for name in _FIRST if name in known), *busy))
        rest = (name for name in known if name not in first)
        names = [*first, *rest]
        count = max(_FIRST_COUNT, len(first))
        return [known[name] for name in names[:count]], [known[name] for name in names[count:]]

    def _provider(self, name: str) -> str:
        return self._views.text("sandbox/provider.html", **self._values(self._feed.state.providers[name]))

    def _values(self, provider: sandbox_pb2.Provider) -> dict[str, Any]:
        return {
            "provider": provider,
            "element": element_of(provider.name),
            "word": _word(provider),
            "meanings": _MEANINGS,
            "wait": provider.fault.wait.seconds if provider.fault.HasField("wait") else 0,
        }


def _word(provider: sandbox_pb2.Provider) -> str:
    if not provider.HasField("fault"):
        return ""
    return next((word for word, kind in FAULTS.items() if kind == provider.fault.kind), "scripted")


def _seconds(form: dict[str, str]) -> float:
    """How long a provider asks to wait, or is late. Raises INVALID_FIELD."""
    try:
        seconds = float(form.get("wait") or 5)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD, "Seconds are a number above 0, at most 3600; write one.", field="wait"
        )
    return seconds
