"""The ledger's two public services: RouterService over the router's own, and LedgerService for what is remembered."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis import telemetry
from heliostat.chassis.calls import call, current_call
from heliostat.chassis.errors import MeshError
from heliostat.ledger.arms import Arms, window_of
from heliostat.ledger.bounds import check_duration, check_generation, check_image
from heliostat.ledger.budgets import ALL_KEYS
from heliostat.ledger.callers import Caller, Callers
from heliostat.ledger.desk import Desk
from heliostat.ledger.files import Files, file_record
from heliostat.ledger.idempotency import Admission, Runs
from heliostat.ledger.limits import Limits, Ticket
from heliostat.ledger.normal_form import normal_form
from heliostat.ledger.order import Order
from heliostat.ledger.permissions import Permissions
from heliostat.ledger.picture import kept_bytes
from heliostat.ledger.random_bits import RANDOM_BITS
from heliostat.ledger.records import timestamp
from heliostat.ledger.replay import replay
from heliostat.ledger.requests import Requests, balance
from heliostat.ledger.subscription import Batch, write_events
from heliostat.ledger.waiting import Stay, detached, seconds, stay_of, take_key_of

_PASS_ON_S = 30.0
_ID_BYTES = 12


def new_request_id() -> str:
    """ "req_" and 96 random bits."""
    return f"req_{RANDOM_BITS.hexadecimal(_ID_BYTES)}"


class LedgerFace(router_pb2_grpc.RouterServiceServicer, ledger_pb2_grpc.LedgerServiceServicer):
    """What callers see. Every method but DeliverWebhook wants a key, and tells a caller of its own things only."""

    def __init__(self, desk: Desk, runs: Runs, callers: Callers, requests: Requests, arms: Arms) -> None:
        self._desk = desk
        self._runs = runs
        self._callers = callers
        self._requests = requests
        self._arms = arms
        self._files = Files(desk)
        self._limits = Limits(desk.clock, runs.under_way)
        self._permissions = Permissions(desk)

    async def _caller(self) -> Caller:
        incoming = current_call()
        return await self._callers.identify(incoming.authorization if incoming is not None else "")

    # RouterService

    async def Generate(
        self, request: router_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[router_pb2.GenerateResponse]:
        """Runs, joins or replays a request. Raises INVALID_FIELD for one outside of the contract's ranges."""
        caller = await self._caller()
        take_key_of(request)
        check_generation(request)
        image = await self._files.resolved(request.image, caller.key_id)
        await self._permissions.check(caller, image)
        order = await self._order(request, image, caller)
        admission, allowances = await self._admit(order, request.retry_count)
        stay = stay_of(request, caller.key)
        async with aclosing(
            self._follow(admission, image.output.delivery, stay, allowances, progressive=request.progressive)
        ) as batches:
            async for batch in batches:
                response = router_pb2.GenerateResponse()
                write_events(batch, response.events)
                yield response
                del response

    async def _order(
        self, request: router_pb2.GenerateRequest, image: request_pb2.ImageRequest, caller: Caller
    ) -> Order:
        return Order(
            request_id=request.request_id or new_request_id(),
            caller=caller,
            image=image,
            form=await normal_form(image),
            traceparent=telemetry.traceparent(),
            create_time_us=self._desk.now_us(),
            idempotency_key=request.idempotency_key,
            may_come_back=bool(request.idempotency_key) or request.HasField("retry_count"),
            answer_form=request.answer_form,
        )

    async def _admit(self, order: Order, retry_count: int) -> tuple[Admission, Sequence[event_pb2.Allowance]]:
        """Lets a request in, and tells what its key has left. A repetition counts for nothing."""
        ticket: Ticket | None = None

        async def before_new() -> None:
            nonlocal ticket
            ticket = self._limits.take(order.caller, order.image.image_count or 1)

        try:
            admission = await self._runs.admit(order, retry_count, before_new)
        except BaseException:
            if ticket is not None:
                ticket.give_back()
            raise
        if ticket is None:
            return admission, ()
        if admission.run is None or admission.joined:
            ticket.give_back()
            return admission, ()
        ticket.begun()
        return admission, ticket.allowances

    async def _follow(
        self,
        admission: Admission,
        delivery: int,
        stay: Stay,
        allowances: Sequence[event_pb2.Allowance] = (),
        *,
        progressive: bool,
    ) -> AsyncGenerator[Batch, None]:
        """The events of a request, wherever they come from."""
        run, stored = admission.run, admission.stored
        if run is not None:
            admitted = _admitted(run.request_id, run.order.create_time_us, joined=admission.joined)
            admitted.admitted.allowances.extend(allowances)
            subscription = run.subscribe(progressive=progressive)
            try:
                async for batch in subscription.batches(admitted, stay):
                    yield batch
            finally:
                run.unsubscribe(subscription)
            return
        if stored is None:
            stored = await self._requests.wait_over(admission.elsewhere, stay.wait_s)
            if stored is None:
                yield [_admitted(admission.elsewhere, 0, joined=True), detached(admission.elsewhere, stay)]
                return
        admitted = _admitted(stored.request["request_id"], stored.request["create_time_us"], replayed=True)
        async for batch in replay(stored, self._desk.blobs, delivery, admitted, self._desk.now_us()):
            yield batch

    async def Estimate(self, request: router_pb2.EstimateRequest, context: Any) -> router_pb2.EstimateResponse:
        """Asks the router, for what the caller's key may use."""
        caller = await self._caller()
        check_image(request.image)
        image = await self._files.resolved(request.image, caller.key_id)
        await self._permissions.check(caller, image)
        question = router_pb2.EstimateRequest(image=image, mask_preview=request.mask_preview)
        return await call(self._desk.router.Estimate, question, timeout_s=_PASS_ON_S)

    async def ListModels(self, request: router_pb2.ListModelsRequest, context: Any) -> router_pb2.ListModelsResponse:
        """Asks the router; a key that is for some models only is told of no others."""
        caller = await self._caller()
        answer: router_pb2.ListModelsResponse
        answer = await call(self._desk.router.ListModels, request, timeout_s=_PASS_ON_S)
        if not caller.key.limits.models:
            return answer
        models = [model for model in answer.models if caller.may_use(model.name, *model.aliases)]
        if request.model and not models:
            raise self._permissions.no_model(request.model)
        return router_pb2.ListModelsResponse(models=models)

    async def ListProviders(
        self, request: router_pb2.ListProvidersRequest, context: Any
    ) -> router_pb2.ListProvidersResponse:
        """Asks the router."""
        await self._caller()
        return await call(self._desk.router.ListProviders, request, timeout_s=_PASS_ON_S)

    async def GiveUp(self, request: router_pb2.GiveUpRequest, context: Any) -> router_pb2.GiveUpResponse:
        """Not for callers."""
        raise _not_yet("A request is ended with CancelJob.")

    async def DeliverWebhook(
        self, request: router_pb2.DeliverWebhookRequest, context: Any
    ) -> router_pb2.DeliverWebhookResponse:
        """Asks the router. Providers have no key of ours: their adapter checks the callback's signature."""
        return await call(self._desk.router.DeliverWebhook, request, timeout_s=_PASS_ON_S)

    # LedgerService

    async def GetJob(self, request: ledger_pb2.GetJobRequest, context: Any) -> ledger_pb2.GetJobResponse:
        """The caller's job, running or over."""
        caller = await self._caller()
        return ledger_pb2.GetJobResponse(request=await self._requests.get(request.request_id, caller.key_id))

    async def WaitJob(
        self, request: ledger_pb2.WaitJobRequest, context: Any
    ) -> AsyncIterator[ledger_pb2.WaitJobResponse]:
        """Follows the caller's job from its first event."""
        caller = await self._caller()
        check_duration(request, "wait")
        admission = await self._requests.locate(request.request_id, caller.key_id)
        delivery = request.delivery or request_pb2.DELIVERY_BYTES
        stay = Stay(seconds(request, "wait"))
        async with aclosing(self._follow(admission, delivery, stay, progressive=request.progressive)) as batches:
            async for batch in batches:
                response = ledger_pb2.WaitJobResponse()
                write_events(batch, response.events)
                yield response
                del response

    async def CancelJob(self, request: ledger_pb2.CancelJobRequest, context: Any) -> ledger_pb2.CancelJobResponse:
        """Cancels the caller's job where it is still under way."""
        caller = await self._caller()
        cancelled = await self._requests.cancel(request.request_id, caller.key_id)
        record = await self._requests.get(request.request_id, caller.key_id)
        return ledger_pb2.CancelJobResponse(request=record, cancelled=cancelled)

    async def GetRequest(self, request: ledger_pb2.GetRequestRequest, context: Any) -> ledger_pb2.GetRequestResponse:
        """One of the caller's requests."""
        caller = await self._caller()
        return ledger_pb2.GetRequestResponse(request=await self._requests.get(request.request_id, caller.key_id))

    async def ListRequests(
        self, request: ledger_pb2.ListRequestsRequest, context: Any
    ) -> ledger_pb2.ListRequestsResponse:
        """The caller's requests, newest first."""
        caller = await self._caller()
        page = await self._requests.page(request, caller.key_id)
        return ledger_pb2.ListRequestsResponse(**page)

    async def GetBalance(self, request: ledger_pb2.GetBalanceRequest, context: Any) -> ledger_pb2.GetBalanceResponse:
        """What is left of the budgets that bind the caller."""
        caller = await self._caller()
        standings = await self._desk.budgets.standings((ALL_KEYS, caller.key_id))
        return ledger_pb2.GetBalanceResponse(balances=[balance(each) for each in standings])

    async def PurgeRequest(
        self, request: ledger_pb2.PurgeRequestRequest, context: Any
    ) -> ledger_pb2.PurgeRequestResponse:
        """Removes prompt, inputs and pictures of one of the caller's requests."""
        caller = await self._caller()
        already, count = await self._requests.purge(request.request_id, caller.key_id)
        return ledger_pb2.PurgeRequestResponse(already_purged=already, media_count=count)

    async def GetArms(self, request: ledger_pb2.GetArmsRequest, context: Any) -> ledger_pb2.GetArmsResponse:
        """How the targets of a model fared for the caller."""
        caller = await self._caller()
        report = await self._arms.report(request.model, *window_of(request), caller.key_id)
        return ledger_pb2.GetArmsResponse(**report)

    async def ReadMedia(
        self, request: ledger_pb2.ReadMediaRequest, context: Any
    ) -> AsyncIterator[ledger_pb2.ReadMediaResponse]:
        """The bytes of one of the caller's pictures: a kept one, a file, or an input of one of its requests."""
        caller = await self._caller()
        index, pieces = 0, self._files.read(request.file_id, caller.key_id)
        match request.WhichOneof("media"):
            case "media_id":
                row = await self._requests.media(request.media_id, caller.key_id)
                index, pieces = row["image_index"], kept_bytes(self._desk.blobs, row["media_id"], row["sha256"])
            case "blob_id":
                pieces = self._files.read_input(request.blob_id, caller.key_id)
        offset = 0
        async for data in pieces:
            chunk = media_pb2.MediaChunk(image_index=index, offset_bytes=offset, data=data)
            offset += len(data)
            yield ledger_pb2.ReadMediaResponse(chunk=chunk)

    async def GetUsage(self, request: ledger_pb2.GetUsageRequest, context: Any) -> ledger_pb2.GetUsageResponse:
        """What the caller used, by group. Raises INVALID_FIELD, CALLER_FORBIDDEN."""
        caller = await self._caller()
        report = await self._requests.usage.report(request.filter, request.group_by, caller.key_id)
        return ledger_pb2.GetUsageResponse(**report)

    async def UploadFile(self, request_iterator: Any, context: Any) -> ledger_pb2.UploadFileResponse:
        """Keeps a file of the caller."""
        caller = await self._caller()
        return ledger_pb2.UploadFileResponse(file=await self._files.upload(caller.key_id, request_iterator))

    async def ListFiles(self, request: ledger_pb2.ListFilesRequest, context: Any) -> ledger_pb2.ListFilesResponse:
        """The caller's files, newest first."""
        caller = await self._caller()
        rows, token = await self._files.page(request, caller.key_id)
        return ledger_pb2.ListFilesResponse(files=map(file_record, rows), next_page_token=token)

    async def GetFile(self, request: ledger_pb2.GetFileRequest, context: Any) -> ledger_pb2.GetFileResponse:
        """One of the caller's files."""
        caller = await self._caller()
        return ledger_pb2.GetFileResponse(file=file_record(await self._files.get(request.file_id, caller.key_id)))

    async def DeleteFile(self, request: ledger_pb2.DeleteFileRequest, context: Any) -> ledger_pb2.DeleteFileResponse:
        """Removes one of the caller's files."""
        caller = await self._caller()
        await self._files.delete(request.file_id, caller.key_id)
        return ledger_pb2.DeleteFileResponse()


def _admitted(
    request_id: str, create_time_us: int, *, joined: bool = False, replayed: bool = False
) -> event_pb2.ImageEvent:
    admitted = event_pb2.Admitted(request_id=request_id, joined=joined, replayed=replayed)
    if create_time_us:
        admitted.create_time.CopyFrom(timestamp(create_time_us))
    return event_pb2.ImageEvent(admitted=admitted)


def _not_yet(message: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_NOT_IMPLEMENTED, message)
