"""An adapter that does what a script says, call after call, and keeps a journal of what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import capability_pb2, event_pb2, media_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money

Events = Sequence[event_pb2.ImageEvent]
Step = Callable[["ScriptedAdapter", adapter_pb2.GenerateRequest], AsyncIterator[Events]]

PICTURE = bytes(range(256)) * 12


def picture(index: int, *, partial: bool = False, data: bytes = PICTURE) -> list[event_pb2.ImageEvent]:
    """The three events of one picture."""
    info = media_pb2.MediaInfo(image_index=index, media_type="image/png", width_px=8, height_px=8)
    info.partial = partial
    return [
        event_pb2.ImageEvent(media_started=info),
        event_pb2.ImageEvent(media_chunk=media_pb2.MediaChunk(image_index=index, data=data)),
        event_pb2.ImageEvent(media_ended=media_pb2.MediaEnded(image_index=index, size_bytes=len(data))),
    ]


def accepted(job: str = "") -> event_pb2.ImageEvent:
    """The provider took the work."""
    return event_pb2.ImageEvent(provider_accepted=event_pb2.ProviderAccepted(provider_job_id=job))


def completed(
    adapter: "ScriptedAdapter", request: adapter_pb2.GenerateRequest, count: int, micros: int | None
) -> event_pb2.ImageEvent:
    """The end of a call that made `count` pictures for `micros` in all."""
    result = event_pb2.ImageResult(
        provider=adapter.provider, provider_model=request.provider_model, image_count=count, provider_job_id="job-1"
    )
    result.usage.billed_units = count
    result.timing.provider.FromMilliseconds(40)
    if micros is not None:
        result.cost.amount.CopyFrom(to_money(micros))
        result.cost.source = event_pb2.COST_SOURCE_REPORTED
    return event_pb2.ImageEvent(completed=result)


def delivers(count: int | None = None, micros: int | None = 4000) -> Step:
    """Makes `count` pictures (as many as asked for, if None), `micros` each."""

    async def step(adapter: "ScriptedAdapter", request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        made = request.image.image_count if count is None else count
        yield [accepted("job-1")]
        pictures = [event for index in range(made) for event in picture(index)]
        yield [*pictures, completed(adapter, request, made, None if micros is None else micros * made)]

    return step


def fails(
    reason: int,
    outcome: int | None = event_pb2.OUTCOME_REFUSED,
    *,
    billed: int = event_pb2.BILLED_UNSPECIFIED,
    micros: int | None = None,
    before: Events = (),
    retry_after_s: float | None = None,
    message: str = "The provider said no.",
    phase: str = "",
    **metadata: str,
) -> Step:
    """Sends `before`, then fails; `outcome` None means that the failure tells nothing of it."""

    async def step(adapter: "ScriptedAdapter", request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        if before:
            yield before
        failure = None
        if outcome is not None:
            failure = event_pb2.AttemptFailure(outcome=outcome, billed=billed, phase=phase)  # type: ignore[arg-type]
            if micros is not None:
                failure.cost.CopyFrom(to_money(micros))
        raise MeshError(reason, message, failure=failure, retry_after_s=retry_after_s, **metadata)

    return step


def stalls(*before: event_pb2.ImageEvent) -> Step:
    """Sends `before`, then nothing more until it is cancelled."""

    async def step(adapter: "ScriptedAdapter", request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        if before:
            yield before
        adapter.stalled.set()
        await asyncio.Event().wait()

    return step


def says(*messages: Events) -> Step:
    """Sends `messages` as they are, and ends."""

    async def step(adapter: "ScriptedAdapter", request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        for events in messages:
            yield events

    return step


def capability(model: str = "model", **fields: Any) -> capability_pb2.Capability:
    """A model that draws from words, four pictures at once, unless `fields` say otherwise."""
    settings: dict[str, Any] = {
        "operations": [capability_pb2.OPERATION_TEXT_TO_IMAGE],
        "max_image_count": 4,
        "media_types": ["image/png"],
    }
    return capability_pb2.Capability(provider_model=model, **{**settings, **fields})


def per_image(micros: int) -> capability_pb2.Price:
    """A price for each picture."""
    return capability_pb2.Price(unit=capability_pb2.PRICE_UNIT_IMAGE, amount=to_money(micros))


@dataclass
class ScriptedAdapter(adapter_pb2_grpc.AdapterServiceServicer):
    """Steps are used up one call after the other; the last one stays."""

    provider: str
    script: list[Step] = field(default_factory=lambda: [delivers()])
    models: list[capability_pb2.Capability] = field(default_factory=lambda: [capability()])
    configured: bool = True
    sandbox: bool = False
    cancel_is_free: bool = False
    estimates: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, list[Step]] = field(default_factory=dict)
    """The script of each account, where there are several."""
    weights: dict[str, float] = field(default_factory=dict)
    keyless: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.requests: list[adapter_pb2.GenerateRequest] = []
        self.closed: list[str] = []
        self.traces: list[str] = []
        self.cancels: list[adapter_pb2.CancelRequest] = []
        self.webhooks: list[adapter_pb2.DeliverWebhookRequest] = []
        self.stalled = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.left = asyncio.Event()

    async def Describe(self, request: adapter_pb2.DescribeRequest, context: Any) -> adapter_pb2.DescribeResponse:
        """What the script's author says that it can do."""
        accounts = [adapter_pb2.Account(configured=self.configured)]
        if self.accounts:
            weights = {name: self.weights.get(name, 1.0) for name in self.accounts}
            accounts = [
                adapter_pb2.Account(name=name, weight=weight, configured=name not in self.keyless)
                for name, weight in weights.items()
            ]
        return adapter_pb2.DescribeResponse(
            provider=self.provider, models=self.models, accounts=accounts, sandbox=self.sandbox
        )

    async def Estimate(self, request: adapter_pb2.EstimateRequest, context: Any) -> adapter_pb2.EstimateResponse:
        """The price that the script's author set for the model."""
        answer = adapter_pb2.EstimateResponse()
        if request.provider_model in self.estimates:
            answer.cost.amount.CopyFrom(to_money(self.estimates[request.provider_model]))
        return answer

    async def Generate(
        self, request: adapter_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[adapter_pb2.GenerateResponse]:
        """Does the next step."""
        kept = adapter_pb2.GenerateRequest()
        kept.CopyFrom(request)
        self.requests.append(kept)
        self.traces.append(telemetry.current_trace_id())
        script = self.accounts.get(request.account, self.script)
        step = script.pop(0) if len(script) > 1 else script[0]
        try:
            async for events in step(self, request):
                response = adapter_pb2.GenerateResponse(events=events)
                for event in response.events:
                    event.attempt_id = request.attempt_id
                yield response
        except (asyncio.CancelledError, GeneratorExit):
            self.closed.append(request.attempt_id)
            self.left.set()
            raise

    async def Cancel(self, request: adapter_pb2.CancelRequest, context: Any) -> adapter_pb2.CancelResponse:
        """Notes the cancel."""
        self.cancels.append(request)
        self.cancelled.set()
        return adapter_pb2.CancelResponse(found=True, free=self.cancel_is_free)

    async def DeliverWebhook(
        self, request: adapter_pb2.DeliverWebhookRequest, context: Any
    ) -> adapter_pb2.DeliverWebhookResponse:
        """Notes the callback."""
        self.webhooks.append(request)
        return adapter_pb2.DeliverWebhookResponse(found=True)
