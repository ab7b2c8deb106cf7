"""A ledger that says what a test tells it to, and remembers what it was asked."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from heliostat.api.image.v1 import capability_pb2, event_pb2, media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis.calls import current_call
from heliostat.chassis.errors import MeshError, to_status
from tests.edge.scripted_files import ScriptedFiles
from tests.edge.scripted_log import ScriptedLog

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(range(256)) * 4
CHUNK = 786_432
MEDIA_ID = "00112233445566778899aabbccddeeff.png"

Events = list[event_pb2.ImageEvent]
Script = Callable[[router_pb2.GenerateRequest], AsyncIterator[router_pb2.GenerateResponse]]


def picture_events(index: int, data: bytes, *, media_id: str = "", attempt: str = "req_x/0/1", seed: int = 7) -> Events:
    """One picture as the ledger sends it: with its bytes, or with the id under which it is kept."""
    info = media_pb2.MediaInfo(
        image_index=index, media_type="image/png", width_px=640, height_px=360, size_bytes=len(data)
    )
    ended = media_pb2.MediaEnded(
        image_index=index, sha256=hashlib.sha256(data).digest(), size_bytes=len(data), media_id=media_id, seed=seed
    )
    chunks = [] if media_id else [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    return [
        event_pb2.ImageEvent(attempt_id=attempt, media_started=info),
        *(
            event_pb2.ImageEvent(
                attempt_id=attempt,
                media_chunk=media_pb2.MediaChunk(image_index=index, offset_bytes=number * CHUNK, data=chunk),
            )
            for number, chunk in enumerate(chunks)
        ),
        event_pb2.ImageEvent(attempt_id=attempt, media_ended=ended),
    ]


def failed_attempt() -> event_pb2.Attempt:
    """A first attempt that a provider refused for free."""
    status = to_status(MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "fal answered 503; it may be down."))
    return event_pb2.Attempt(
        attempt_id="req_x/0/1",
        target="fal/fal-ai/flux/schnell",
        provider="fal",
        outcome=event_pb2.OUTCOME_REFUSED,
        billed=event_pb2.BILLED_NO,
        status=status,
        duration=Duration(nanos=12_000_000),
    )


def result(image_count: int) -> event_pb2.ImageResult:
    """The end of an answer in which one target failed over to another."""
    delivered = event_pb2.Attempt(
        attempt_id="req_x/0/2",
        target="openai/gpt-image-2",
        provider="openai",
        outcome=event_pb2.OUTCOME_DELIVERED,
        billed=event_pb2.BILLED_YES,
        cost=Money(currency_code="USD", nanos=3_000_000),
        provider_job_id="job-1",
        duration=Duration(seconds=1, nanos=500_000_000),
        image_count=image_count,
    )
    return event_pb2.ImageResult(
        provider="openai",
        provider_model="gpt-image-2",
        image_count=image_count,
        usage=event_pb2.Usage(
            input_token_count=24, output_token_count=1756, input_text_token_count=24, output_image_token_count=1756
        ),
        cost=event_pb2.Cost(amount=Money(currency_code="USD", nanos=3_000_000), source=event_pb2.COST_SOURCE_COMPUTED),
        timing=event_pb2.Timing(provider=Duration(seconds=1), total=Duration(seconds=1, nanos=600_000_000)),
        attempts=[failed_attempt(), delivered],
        adjustments=[
            event_pb2.Adjustment(
                parameter="size",
                requested="16:9",
                sent="640x360",
                delivered="640x360",
                reason="nearest supported size",
                mode=event_pb2.ADJUSTMENT_MODE_CONVERTED,
            )
        ],
    )


def admitted(request: router_pb2.GenerateRequest, **told: Any) -> event_pb2.ImageEvent:
    """The first event of every stream."""
    return event_pb2.ImageEvent(admitted=event_pb2.Admitted(request_id=request.request_id, **told))


def draw(data: bytes = PNG) -> Script:
    """Delivers as many pictures as were asked for, as bytes or as kept ones, as was asked for."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        count = request.image.image_count
        kept = request.image.output.delivery == request_pb2.DELIVERY_STORED
        events = [admitted(request)]
        for index in range(count):
            events += picture_events(index, data, media_id=f"{index:032x}.png" if kept else "")
        events.append(event_pb2.ImageEvent(completed=result(count)))
        yield router_pb2.GenerateResponse(events=events)

    return script


def fail(error: MeshError) -> Script:
    """Fails, as a ledger does whose router found no way."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        yield router_pb2.GenerateResponse(events=[admitted(request)])
        raise error

    return script


def detach(*, wished_by_key: bool = False) -> Script:
    """Lets the caller go while the work goes on."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        yield router_pb2.GenerateResponse(events=[admitted(request)])
        detached = event_pb2.Detached(request_id=request.request_id, wished_by_key=wished_by_key)
        gone = event_pb2.ImageEvent(detached=detached)
        yield router_pb2.GenerateResponse(events=[gone])

    return script


def stall() -> Script:
    """Never says anything."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        yield router_pb2.GenerateResponse(events=[admitted(request)])
        await asyncio.Event().wait()

    return script


def cut_then_draw() -> Script:
    """A preview, an attempt that ends within its picture, then one that delivers."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        preview = picture_events(0, b"preview")
        preview[0].media_started.partial = True
        begun = picture_events(0, b"half of a picture")[:-1]
        failed = event_pb2.ImageEvent(
            attempt_id="req_x/0/1", attempt_failed=event_pb2.AttemptFailed(attempt=failed_attempt(), failing_over=True)
        )
        whole = picture_events(0, PNG, attempt="req_x/0/2")
        for group in (
            [admitted(request)],
            preview,
            begun,
            [failed],
            [*whole, event_pb2.ImageEvent(completed=result(1))],
        ):
            yield router_pb2.GenerateResponse(events=group)

    return script


def at_provider(uri: str) -> Script:
    """Delivers an address of the provider's own."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        started, ended = picture_events(0, b"")
        started.media_started.uri = uri
        completed = event_pb2.ImageEvent(completed=result(1))
        yield router_pb2.GenerateResponse(events=[admitted(request), started, ended, completed])

    return script


def replay() -> Script:
    """Delivers what an earlier request got."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        first = event_pb2.ImageEvent(admitted=event_pb2.Admitted(request_id="req_first", replayed=True))
        completed = event_pb2.ImageEvent(completed=result(1))
        yield router_pb2.GenerateResponse(events=[first, *picture_events(0, PNG, media_id=MEDIA_ID), completed])

    return script


class ScriptedLedger(
    ScriptedFiles, ScriptedLog, router_pb2_grpc.RouterServiceServicer, ledger_pb2_grpc.LedgerServiceServicer
):
    """Serves the contract of the ledger as far as the edge asks for it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets what was asked and draws again."""
        self.script: Script = draw()
        self.asked: list[router_pb2.GenerateRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.webhooks: list[router_pb2.DeliverWebhookRequest] = []
        self.jobs: dict[str, ledger_pb2.Request] = {}
        self.waited: list[ledger_pb2.WaitJobRequest] = []
        self.over: Callable[[ledger_pb2.Request], object] = lambda job: None
        self.providers: list[router_pb2.Provider] = []
        self.arms: list[ledger_pb2.Arm] = []
        self.forget()
        self.forget_files()
        self.estimates: list[router_pb2.TargetEstimate] = []
        self.priced: list[router_pb2.EstimateRequest] = []
        self.started = asyncio.Event()
        self.closed = asyncio.Event()

    async def Generate(
        self, request: router_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[router_pb2.GenerateResponse]:
        """Follows the script."""
        self._note()
        self.asked.append(request)
        self.started.set()
        try:
            async for response in self.script(request):
                yield response
        finally:
            self.closed.set()

    async def Estimate(self, request: router_pb2.EstimateRequest, context: Any) -> router_pb2.EstimateResponse:
        """Tells what the test put here."""
        self._note()
        self.priced.append(request)
        return router_pb2.EstimateResponse(targets=self.estimates, route=request.image.model)

    async def ListModels(self, request: router_pb2.ListModelsRequest, context: Any) -> router_pb2.ListModelsResponse:
        """Knows one model."""
        self._note()
        price = capability_pb2.Price(unit=capability_pb2.PRICE_UNIT_MEGAPIXEL, amount=Money(nanos=3_000_000))
        capability = capability_pb2.Capability(operations=[capability_pb2.OPERATION_TEXT_TO_IMAGE], prices=[price])
        target = router_pb2.ModelTarget(
            target="fal/fal-ai/flux/schnell", provider="fal", capability=capability, available=True, weight=1
        )
        model = router_pb2.Model(name="flux-schnell", aliases=["flux"], targets=[target], create_time_seconds=1)
        known = request.model in ("", "flux-schnell", "flux")
        return router_pb2.ListModelsResponse(models=[model] if known else [])

    async def ListProviders(
        self, request: router_pb2.ListProvidersRequest, context: Any
    ) -> router_pb2.ListProvidersResponse:
        """Tells what the test put here."""
        self._note()
        return router_pb2.ListProvidersResponse(providers=self.providers)

    async def GetArms(self, request: ledger_pb2.GetArmsRequest, context: Any) -> ledger_pb2.GetArmsResponse:
        """Tells what the test put here, of the window that was asked for."""
        self._note()
        if request.model not in ("flux-schnell", "fal/fal-ai/flux"):
            raise MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, "There is no such model; list them.", field="model")
        return ledger_pb2.GetArmsResponse(
            route=request.model, arms=self.arms, start_time=request.start_time, end_time=request.end_time
        )

    async def DeliverWebhook(
        self, request: router_pb2.DeliverWebhookRequest, context: Any
    ) -> router_pb2.DeliverWebhookResponse:
        """Takes callbacks of fal."""
        self.webhooks.append(request)
        return router_pb2.DeliverWebhookResponse(found=request.provider == "fal")

    async def GetJob(self, request: ledger_pb2.GetJobRequest, context: Any) -> ledger_pb2.GetJobResponse:
        """Tells a job that the test put here."""
        self._note()
        return ledger_pb2.GetJobResponse(request=self._job(request.request_id))

    async def WaitJob(
        self, request: ledger_pb2.WaitJobRequest, context: Any
    ) -> AsyncIterator[ledger_pb2.WaitJobResponse]:
        """Replays a finished job as one picture, lets go of one under way, fails where the test says so."""
        self._note()
        self.waited.append(request)
        job = self._job(request.request_id)
        first = event_pb2.Admitted(request_id=job.request_id, replayed=True, create_time=job.create_time)
        yield ledger_pb2.WaitJobResponse(events=[event_pb2.ImageEvent(admitted=first)])
        if job.purged:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_GONE, "The pictures are not kept any more.")
        if job.state == ledger_pb2.REQUEST_STATE_RUNNING:
            self.over(job)
            gone = event_pb2.Detached(request_id=job.request_id)
            yield ledger_pb2.WaitJobResponse(events=[event_pb2.ImageEvent(detached=gone)])
            return
        kept = request.delivery == request_pb2.DELIVERY_STORED
        events = picture_events(0, PNG, media_id=MEDIA_ID if kept else "")
        events.append(event_pb2.ImageEvent(completed=job.result))
        yield ledger_pb2.WaitJobResponse(events=events)

    async def CancelJob(self, request: ledger_pb2.CancelJobRequest, context: Any) -> ledger_pb2.CancelJobResponse:
        """Cancels a job that the test put here."""
        self._note()
        job = ledger_pb2.Request()
        job.CopyFrom(self._job(request.request_id))
        job.state = ledger_pb2.REQUEST_STATE_CANCELLED
        return ledger_pb2.CancelJobResponse(request=job, cancelled=True)

    def _job(self, request_id: str) -> ledger_pb2.Request:
        if request_id not in self.jobs:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no such job; check its id.")
        return self.jobs[request_id]

    def _note(self) -> None:
        incoming = current_call()
        metadata = dict(incoming.metadata) if incoming is not None else {}
        self.metadata.append(metadata)
        if metadata.get("authorization", "Bearer good") != "Bearer good":
            raise MeshError(reasons.ERROR_REASON_CALLER_UNKNOWN, "The API key is not known; check it.")
