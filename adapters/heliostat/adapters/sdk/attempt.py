"""One attempt from beginning to end: runs `generate_one`, keeps the grammar, measures, converts, tells."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from heliostat.adapters.sdk.bench import SharedBench
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Adapter
from heliostat.adapters.sdk.costing import fill_cost, is_sane
from heliostat.adapters.sdk.demands import check_demands
from heliostat.adapters.sdk.finishing import finished
from heliostat.adapters.sdk.media import write_picture
from heliostat.adapters.sdk.outbox import Outbox
from heliostat.adapters.sdk.result import Completed, Picture, Step
from heliostat.adapters.sdk.sizing import requested_text, same_shape
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, internal, to_duration
from heliostat.chassis.failpoints import reach
from heliostat.chassis.logs import get_logger

log = get_logger("heliostat.adapters")


class Attempt:
    """Makes one attempt and writes its events into `outbox`. Ends in `completed` or in a MeshError with its failure."""

    def __init__(self, adapter: Adapter[Any, Any], bench: SharedBench, call: Call, outbox: Outbox) -> None:
        self._adapter = adapter
        self._bench = bench
        self._call = call
        self._outbox = outbox
        self._delivered: list[tuple[int, int]] = []
        self._held_back: list[tuple[int, int]] = []
        self._media_type = ""
        self._finished = False

    async def run(self) -> None:
        """Runs to the end. Raises MeshError, and CancelledError where the attempt was cancelled."""
        try:
            async with asyncio.timeout(self._call.time_remaining_s()):
                await self._walk()
        except TimeoutError:
            message = "The provider did not deliver in time."
            raise self._told(self._call.error(reasons.ERROR_REASON_PROVIDER_TIMEOUT, message)) from None
        except MeshError as error:
            raise self._told(error) from None
        except Exception as error:
            log.unforeseen("an adapter failed unforeseen", error, provider=self._adapter.name)
            raise self._told(internal(error)) from None

    async def _walk(self) -> None:
        call = self._call
        check_demands(call, self._adapter.ignores)
        options = self._adapter.read_options(call)
        steps = self._adapter.generate_one(call.model, call.request, options, call)
        async with aclosing(steps):  # type: ignore[type-var]
            async for step in steps:
                await self._take(step)
        if not self._finished:
            raise call.error(
                reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, "The adapter ended without a result; this is its fault."
            )

    async def _take(self, step: Step) -> None:
        if self._finished:
            raise RuntimeError("an adapter went on after completed")
        if isinstance(step, Picture):
            await self._deliver(step)
        elif isinstance(step, Completed):
            self._finish(step)
        elif step.HasField("provider_accepted"):
            if self._call.accepted_job_id is None:
                self._call.accepted_job_id = step.provider_accepted.provider_job_id
                self._outbox.add().provider_accepted.CopyFrom(step.provider_accepted)
        elif step.HasField("progress"):
            if step.progress.HasField("percent"):
                self._call.progress.told(step.progress.percent, self._call.clock.monotonic())
            self._outbox.add().progress.CopyFrom(step.progress)
        else:
            raise TypeError(f"an adapter yielded {step.WhichOneof('event')}, which is not its to send")

    async def _deliver(self, picture: Picture) -> None:
        """Checks, converts and writes one picture, unless it was blacked out. Raises MEDIA_INVALID."""
        if self._held_back and picture.partial_index is None:
            picture = replace(picture, index=picture.index - len(self._held_back))
        look = self._adapter.settings.one_colour_warning or picture.flagged
        made = await finished(picture, self._call, self._bench.darkroom, look=look)
        if made.one_colour:
            log.warning("a picture of one colour", provider=self._adapter.name, model=self._call.model.name)
            if picture.flagged:
                self._held_back.append((made.shape.width_px, made.shape.height_px) if made.shape else (0, 0))
                return
        shape = made.shape
        reach("adapter.downloaded")
        await self._outbox.room()
        write_picture(self._outbox, made)
        if picture.partial_index is None:
            size = (shape.width_px, shape.height_px) if shape else (picture.width_px, picture.height_px)
            self._delivered.append(size)
            self._media_type = shape.media_type if shape else self._media_type

    def _finish(self, end: Completed) -> None:
        """Writes `completed`. Raises PROVIDER_ANSWER_INVALID where no final picture came, CONTENT_BLOCKED where all of
        them were blacked out."""
        call, count = self._call, len(self._delivered)
        if not count and self._held_back:
            message = "The provider called what it drew unsafe, and blacked it out; change the prompt."
            raise call.error(reasons.ERROR_REASON_CONTENT_BLOCKED, message, outcome=event_pb2.OUTCOME_ACCEPTED)
        if not count:
            message = "The provider answered without a picture."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
        self._finished = True
        if call.looked_s is not None:
            call.durations.learn(call.kind, *call.looked_s)
        self._tell_delivered()
        self._outbox.part()
        result = self._outbox.add().completed
        result.provider_model = call.model.name
        result.provider = self._adapter.name
        result.account = call.account
        result.provider_job_id = call.accepted_job_id or ""
        result.image_count = count
        if call.model.counts_images:
            result.missing_image_count = max(0, call.image_count - count)
        drawn = [*self._delivered, *self._held_back]
        if is_sane(end.usage):
            result.usage.CopyFrom(end.usage)
        if not result.usage.output_megapixels:
            result.usage.output_megapixels = sum(width * height for width, height in drawn) / 1e6
        self._fill_cost(result, end, drawn)
        timing = call.timing
        result.timing.provider.CopyFrom(to_duration(timing.provider_s()))
        if timing.download_s:
            result.timing.download.CopyFrom(to_duration(timing.download_s))
        if timing.convert_s:
            result.timing.convert.CopyFrom(to_duration(timing.convert_s))
        if call.request.strict != request_pb2.STRICT_OFF:
            result.adjustments.extend(call.adjustments)
        if end.metadata:
            result.provider_metadata.update(dict(end.metadata))

    def _fill_cost(self, result: event_pb2.ImageResult, end: Completed, drawn: list[tuple[int, int]]) -> None:
        """What was drawn is charged, held back or not."""
        model, call = self._call.model, self._call
        planned = self._adapter.order(model, call.request, call.size())
        delivered = self._adapter.delivered_order(model, call.request, call.size(), end, drawn)
        fill_cost(result.cost, model, planned, delivered, end)

    def _tell_delivered(self) -> None:
        """Holds what was measured against the wish: the format, and the size of the first picture that is not as
        wished, else of the first one."""
        for told in self._call.adjustments:
            if told.parameter == "output_format":
                told.delivered = self._media_type
        request = self._call.request
        size = request.size
        if request.upscale.HasField("size"):
            size = request_pb2.Size(pixels=request.upscale.size)
        measured = [one for one in self._delivered if one[0]]
        requested = requested_text(size)
        if not requested or not measured:
            return
        deviant = next((one for one in measured if not _honours(size, *one)), None)
        delivered = "{}x{}".format(*(deviant or measured[0]))
        told_size = next((one for one in self._call.adjustments if one.parameter == "size"), None)
        if told_size is not None:
            told_size.delivered = delivered
        elif deviant is not None:
            self._call.adjustments.append(
                event_pb2.Adjustment(
                    parameter="size",
                    requested=requested,
                    sent=self._call.size().sent,
                    delivered=delivered,
                    reason="The provider delivered another size.",
                    mode=event_pb2.ADJUSTMENT_MODE_CONVERTED,
                )
            )

    def _told(self, error: MeshError) -> MeshError:
        """The error with how far the attempt came, where the adapter did not say."""
        if error.failure is None:
            error.failure = self._call.failure()
        elif self._call.accepted_job_id and not error.failure.provider_job_id:
            error.failure.provider_job_id = self._call.accepted_job_id
        error.metadata.setdefault("provider", self._adapter.name)
        return error


def _honours(size: request_pb2.Size, width: int, height: int) -> bool:
    if size.WhichOneof("kind") == "pixels":
        return (size.pixels.width_px, size.pixels.height_px) == (width, height)
    shape = size.aspect
    if not shape.width_ratio or not shape.height_ratio:
        return True
    return same_shape(width, height, shape.width_ratio, shape.height_ratio)
