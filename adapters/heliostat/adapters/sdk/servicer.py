"""AdapterService over any Adapter."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from heliostat.adapters.sdk.accounts import Accounts
from heliostat.adapters.sdk.attempt import Attempt
from heliostat.adapters.sdk.bench import SharedBench
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Adapter, Cancelled
from heliostat.adapters.sdk.costing import fill_estimate
from heliostat.adapters.sdk.demands import check_demands, check_ignores
from heliostat.adapters.sdk.descriptors import described
from heliostat.adapters.sdk.models import Model, Parameter
from heliostat.adapters.sdk.outbox import Outbox
from heliostat.adapters.sdk.outcomes import CONFIRMED_FREE, KIT
from heliostat.adapters.sdk.partings import Partings
from heliostat.adapters.sdk.settings import ProviderSettings
from heliostat.adapters.sdk.usual_price import usual_micros
from heliostat.adapters.sdk.webhooks import MAX_WEBHOOK_BYTES
from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import capability_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.calls import current_call
from heliostat.chassis.errors import MeshError, to_duration
from heliostat.chassis.local import LocalContext
from heliostat.chassis.logs import get_logger
from heliostat.chassis.money import to_money

log = get_logger("heliostat.adapters")

_Found = TypeVar("_Found")

ANSWER_MARGIN_S = 0.2
CANCEL_S = 10.0


@dataclass(slots=True)
class _Running:
    call: Call
    task: "asyncio.Task[None]"
    by_order: bool = False
    is_free: bool = False


class AdapterServicer(adapter_pb2_grpc.AdapterServiceServicer):
    """Serves one adapter: describes, estimates, makes attempts, cancels them, takes webhooks."""

    def __init__(self, adapter: Adapter[Any, Any], bench: SharedBench, accounts: Accounts | None = None) -> None:
        """`accounts` are the provider's keys; absent, there is the adapter's own one only."""
        check_ignores(adapter.ignores, adapter.models)
        self._adapter = adapter
        self._accounts = accounts or Accounts(adapter)
        self._bench = bench
        self._running: dict[str, _Running] = {}
        self._unnamed = itertools.count()
        self._partings = Partings(self._cancel_quietly)
        self._draining = adapter.surroundings.draining
        self._webhook_uri = _webhook_uri(adapter)
        self._linger_s = adapter.settings.linger_s

    async def Describe(self, request: adapter_pb2.DescribeRequest, context: object) -> adapter_pb2.DescribeResponse:
        """Models and accounts."""
        response = adapter_pb2.DescribeResponse(
            provider=self._adapter.name,
            models=self._capabilities(),
            display_name=self._adapter.display_name or self._adapter.name,
            sandbox=self._adapter.sandbox,
        )
        for name, weight, configured in self._accounts.told():
            response.accounts.add(name=name, weight=weight, configured=configured)
        return response

    def _capabilities(self) -> list[capability_pb2.Capability]:
        told = self._adapter.models.capabilities(self._parameters)
        for capability in told:
            model = self._adapter.models.get(capability.provider_model)
            usual = usual_micros(self._adapter, model, self._bench)
            if usual is not None:
                capability.usual_price.CopyFrom(to_money(usual))
        return told

    def _parameters(self, model: Model) -> tuple[Parameter, ...]:
        adapter = self._adapter
        return described(model, adapter.ignores, adapter.options, adapter.option_names(model))

    async def Estimate(self, request: adapter_pb2.EstimateRequest, context: object) -> adapter_pb2.EstimateResponse:
        """Expected cost, duration and adjustments. Raises what the attempt would raise before it is sent."""
        model = self._adapter.models.get(request.provider_model)
        call = Call(self._bench, model, request.image, account=self._accounts.name_of(request.account))
        adapter = self._accounts.of(call.account)
        check_demands(call, adapter.ignores)
        adapter.read_options(call)
        order = adapter.order(model, request.image, call.size())
        preview = await call.mask_preview() if request.mask_preview else b""
        response = adapter_pb2.EstimateResponse(adjustments=call.adjustments, mask_preview=preview)
        fill_estimate(response.cost, model, order)
        if not response.cost.HasField("amount"):
            response.ClearField("cost")
        if model.typical_seconds:
            response.duration.CopyFrom(to_duration(model.typical_seconds))
        return response

    async def Generate(
        self, request: adapter_pb2.GenerateRequest, context: object
    ) -> AsyncIterator[adapter_pb2.GenerateResponse]:
        """One attempt. Closing the stream cancels it: at once near by, else once nobody has gone on with it."""
        attempt_id = request.attempt_id or f"unnamed-{next(self._unnamed)}"
        if attempt_id in self._running:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "An attempt of this id is under way; choose another id.",
                field="attempt_id",
            )
        outbox = Outbox(request.attempt_id)
        call = self._call(request)
        if request.resume_provider_job_id and not request.look_only:
            self._partings.keep(request.resume_provider_job_id)
        task = asyncio.create_task(self._attempt(call, outbox))
        running = self._running[attempt_id] = _Running(call, task)
        try:
            while (response := await outbox.take()) is not None:
                yield response
            await self._settle(running)
        finally:
            del self._running[attempt_id]
            # Whoever left does not hear of an error; asyncio shall not call it forgotten.
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            if not task.done():
                task.cancel()
                self._say_farewell(call, 0.0 if isinstance(context, LocalContext) else self._linger_s)
                await asyncio.wait({task})

    async def Cancel(self, request: adapter_pb2.CancelRequest, context: object) -> adapter_pb2.CancelResponse:
        """Cancels an attempt that runs here, or a job that the provider knows."""
        running = self._running.get(request.attempt_id)
        if running is not None:
            return await self._cancel_running(running, only_free=request.only_free)
        left = await self._partings.look_up(request.attempt_id)
        if left is not None:
            return adapter_pb2.CancelResponse(found=left.found, free=left.free)
        if not request.provider_job_id:
            return adapter_pb2.CancelResponse()
        known = await self._cancel_job(
            request.provider_model, request.provider_job_id, request.account, only_free=request.only_free
        )
        return adapter_pb2.CancelResponse(found=known.found, free=known.free)

    async def _cancel_running(self, running: _Running, *, only_free: bool) -> adapter_pb2.CancelResponse:
        """Ends an attempt that runs here. The provider is asked first: what it says is part of how the attempt ends."""
        call = running.call
        known = Cancelled(found=True, free=not call.may_be_billed)
        if call.may_be_billed and call.job_id:
            known = await self._cancel_quietly(call, only_free=only_free)
        if only_free and not known.free:
            return adapter_pb2.CancelResponse(found=True)
        running.by_order, running.is_free = True, known.free
        running.task.cancel()
        return adapter_pb2.CancelResponse(found=True, free=known.free)

    async def DeliverWebhook(
        self, request: adapter_pb2.DeliverWebhookRequest, context: object
    ) -> adapter_pb2.DeliverWebhookResponse:
        """Wakes the attempts that a callback is about. Raises CALLER_UNKNOWN for one that is not to be believed."""
        if len(request.body) > MAX_WEBHOOK_BYTES:
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, "A callback has at most 1 MiB.", field="body")
        if not self._webhook_uri and not any(each.call.webhook_uri for each in self._running.values()):
            # Nobody was asked to call back.
            return adapter_pb2.DeliverWebhookResponse(found=False)
        headers = {one.name.lower(): one.value for one in request.headers}
        job_id = await self._accounts.any(lambda adapter: adapter.verify_webhook(headers, request.body))
        found = False
        for running in self._running.values():
            if job_id and job_id in _names(running.call.accepted_job_id or ""):
                running.call.wake.set()
                found = True
        return adapter_pb2.DeliverWebhookResponse(found=found)

    async def stop(self) -> None:
        """Ends every attempt and waits for them."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_S)
        await self._partings.settle(CANCEL_S)

    def _call(self, request: adapter_pb2.GenerateRequest) -> Call:
        incoming = current_call()
        remaining = incoming.time_remaining_s() if incoming is not None else None
        if remaining is not None:
            # Ends a little before the caller's deadline, so that it hears how far the attempt came.
            remaining -= min(ANSWER_MARGIN_S, remaining / 20)
        return Call(
            self._bench,
            self._before_anything(request, lambda: self._adapter.models.get(request.provider_model)),
            request.image,
            attempt_id=request.attempt_id,
            account=self._before_anything(request, lambda: self._accounts.name_of(request.account)),
            resume_provider_job_id=request.resume_provider_job_id,
            webhook_uri=request.webhook_uri or self._webhook_uri,
            look_only=request.look_only,
            time_s=remaining,
        )

    def _before_anything(self, request: adapter_pb2.GenerateRequest, find: Callable[[], _Found]) -> _Found:
        """What `find` finds; where it finds nothing, nothing was sent. Raises its error."""
        try:
            return find()
        except MeshError as error:
            if not request.resume_provider_job_id:
                error.failure = KIT.failure("prepare")
            raise

    async def _attempt(self, call: Call, outbox: Outbox) -> None:
        attributes = {
            telemetry.ATTEMPT_ID: call.attempt_id,
            telemetry.PROVIDER: self._adapter.name,
            telemetry.RESPONSE_MODEL: call.model.name,
            telemetry.OUTPUT_TYPE: "image",
            telemetry.IMAGE_COUNT: call.image_count,
        }
        try:
            with telemetry.span(f"adapter generate {call.model.name}", attributes=attributes) as span:
                await Attempt(self._accounts.of(call.account), self._bench, call, outbox).run()
                span.set(telemetry.ADJUSTMENT_COUNT, len(call.adjustments))
                if call.accepted_job_id:
                    span.set(telemetry.PROVIDER_JOB_ID, call.accepted_job_id)
        finally:
            outbox.close()

    async def _settle(self, running: _Running) -> None:
        """Raises what the attempt raised."""
        call = running.call
        try:
            await asyncio.shield(running.task)
        except asyncio.CancelledError:
            if not running.task.cancelled():
                raise
            message = "The attempt was cancelled." if running.by_order else "The adapter is stopping; ask again."
            reason = reasons.ERROR_REASON_CANCELLED if running.by_order else reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
            error = call.error(reason, message)
            if running.is_free and call.may_be_billed:
                error.failure = KIT.failure("cancel", CONFIRMED_FREE, call.job_id)
            raise error from None
        except MeshError as error:
            # A job that was gone on with is looked up again later: its picture is wanted whenever it comes.
            if error.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT and not call.resume_provider_job_id:
                self._say_farewell(call)
            raise

    def _say_farewell(self, call: Call, after_s: float = 0.0) -> None:
        """Cancels an abandoned job at the provider, in the background, where that spares money.

        Not while the process is being stopped, for whoever comes next may go on with the job, and not after a look. A
        job that is left alone is not remembered: whoever asks for its cancel by its id means it.
        """
        if call.look_only:
            return
        cancels = bool(call.job_id) and call.model.cancel_effective and not self._draining()
        if cancels or not call.job_id:
            self._partings.remember(call, cancels=cancels, after_s=after_s)

    async def _cancel_quietly(self, call: Call, *, only_free: bool = False) -> Cancelled:
        try:
            return await self._cancel_job(call.model.name, call.job_id, call.account, only_free=only_free)
        except MeshError as error:
            log.warning("an abandoned job could not be cancelled", provider=self._adapter.name, error=error.message)
            return Cancelled(found=True)

    async def _cancel_job(
        self, provider_model: str, provider_job_id: str, account: str, *, only_free: bool = False
    ) -> Cancelled:
        model = self._adapter.models.get(provider_model)
        account = self._accounts.name_of(account)
        adapter = self._accounts.of(account)
        cancel = adapter.spare_job if only_free else adapter.cancel_job
        try:
            async with asyncio.timeout(CANCEL_S):
                return await cancel(model, provider_job_id, account)
        except TimeoutError:
            message = "The provider did not answer the cancel in time."
            raise MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, message) from None


def _webhook_uri(adapter: Adapter[Any, Any]) -> str:
    """Where this provider may call back; empty where nobody said how it reaches the edge."""
    base = adapter.settings.webhook_url if isinstance(adapter.settings, ProviderSettings) else ""
    return f"{base.rstrip('/')}/v1/providers/{adapter.name}/webhook" if base else ""


def _names(job_id: str) -> tuple[str, str]:
    """What a callback may call a job."""
    return job_id, job_id.rpartition("/")[2]
