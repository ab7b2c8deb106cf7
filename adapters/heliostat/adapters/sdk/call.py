"""One attempt as an adapter sees it: its id, its time, its inputs, and what is to be told of it."""

import asyncio
import random
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from heliostat.adapters.sdk.inputs import Changes, Input, changes_of, is_recoded
from heliostat.adapters.sdk.inputs import told_of as told_of_input
from heliostat.adapters.sdk.masks import MaskForm, MaskOrder, ShapedMask, told_of
from heliostat.adapters.sdk.models import Model, operation_of
from heliostat.adapters.sdk.outcomes import KIT
from heliostat.adapters.sdk.pace import Durations, Progress
from heliostat.adapters.sdk.result import Picture
from heliostat.adapters.sdk.sizing import Choice, SizeRule
from heliostat.adapters.sdk.structure import read_shape
from heliostat.adapters.sdk.timing import Stopwatch
from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money

DEFAULT_TIME_S = 300.0
PNG = "image/png"
# Operations whose words count in the picture's own pixels, or make more of them: it cannot be scaled down for those.
_COUNTS_PIXELS = frozenset({"upscale", "segment", "outpaint"})


class Bench(Protocol):
    """What a call works with: owned by the adapter's service, shared by its calls."""

    @property
    def clock(self) -> Clock:
        """The process's clock."""

    @property
    def dice(self) -> random.Random:
        """The process's randomness."""

    async def fetch_result(self, url: str, call: "Call") -> bytes:
        """A result of the provider from an allowed host."""

    async def fetch_input(self, url: str, call: "Call") -> bytes:
        """A caller's picture from a public host."""

    async def read_blob(self, blob_id: str) -> bytes:
        """A blob of the media store."""

    async def change_input(self, data: bytes, changes: Changes) -> bytes:
        """A caller's picture with `changes` made. Raises ValueError."""

    async def shape_mask(self, mask: bytes, order: MaskOrder) -> ShapedMask:
        """A caller's mask in a provider's convention."""


class Call:
    """One attempt. Made by the kit, read and marked by `generate_one`.

    attempt_id              "<request>/<branch>/<ordinal>", the provider's idempotency key where it has one
    account                 which key of the provider to use; "" for the only one
    model, request          what is asked; read-only
    resume_provider_job_id  a job to go on with instead of submitting; "" mostly
    look_only               True: the job is looked at once, not waited for; `polling` sees to it
    webhook_uri             where the provider may call back: ask it to where it is not ""
    wake                    set when a webhook for this attempt came in: `polling` then looks at the job at once
    submitted               True as soon as something billable may have reached the provider
    accepted_job_id         None until the provider took the work
    charged_micros          set it as soon as the provider is known to have charged, whatever still goes wrong
    packs                   True: the kit compresses the picture anew, for the provider cannot
    looked_s                how long the job had run at the last look, and at the last one before that said that it goes
                            on; None where `polling` did not see all of it
    progress, durations     how far the job is, as the provider tells, and how long earlier ones took
    passed_on               fields that nobody here knows, for the provider's body: put them below the adapter's own
    """

    def __init__(
        self,
        bench: Bench,
        model: Model,
        request: request_pb2.ImageRequest,
        *,
        attempt_id: str = "",
        account: str = "",
        resume_provider_job_id: str = "",
        webhook_uri: str = "",
        look_only: bool = False,
        time_s: float | None = None,
    ) -> None:
        self._bench = bench
        self.model = model
        self.request = request
        self.attempt_id = attempt_id
        self.account = account
        self.resume_provider_job_id = resume_provider_job_id
        self.webhook_uri = webhook_uri
        self.look_only = look_only
        self.wake = asyncio.Event()
        self.submitted = False
        self.accepted_job_id: str | None = None
        self.charged_micros: int | None = None
        self.packs = False
        self.passed_on: Mapping[str, Any] = {}
        self.adjustments: list[event_pb2.Adjustment] = []
        self.looked_s: tuple[float, float] | None = None
        self.progress = Progress()
        # A bench that keeps none has calls that learn nothing from each other.
        self.durations: Durations = getattr(bench, "durations", None) or Durations()
        self.timing = Stopwatch(bench.clock)
        self._deadline = bench.clock.monotonic() + (DEFAULT_TIME_S if time_s is None else max(0.0, time_s))
        self._choice: Choice | None = None

    @property
    def clock(self) -> Clock:
        """The clock of the process, or of the test."""
        return self._bench.clock

    @property
    def dice(self) -> random.Random:
        """Randomness for jitter and seeds."""
        return self._bench.dice

    @property
    def kind(self) -> tuple[str, ...]:
        """What jobs take about as long as this one's, the model first."""
        image = self.request
        return (
            self.model.name,
            operation_of(image),
            str(self.image_count),
            str(image.output.quality),
            image.size.SerializeToString(deterministic=True).hex(),
        )

    @property
    def image_count(self) -> int:
        """Pictures asked for, 1 or more."""
        return max(1, self.request.image_count)

    @property
    def passes_uris(self) -> bool:
        """True where the caller wants the provider's own address instead of bytes."""
        return self.request.output.delivery == request_pb2.DELIVERY_PROVIDER_URI

    def time_remaining_s(self) -> float:
        """Seconds until the attempt's deadline, 0 or more."""
        return max(0.0, self._deadline - self._bench.clock.monotonic())

    def adjust(
        self,
        parameter: str,
        requested: str,
        sent: str,
        reason: str,
        mode: "event_pb2.AdjustmentMode" = event_pb2.ADJUSTMENT_MODE_CONVERTED,
    ) -> None:
        """Tells the caller what became of a parameter; under STRICT_REFUSE, or where the request requires it, raises
        UNSUPPORTED instead.

        Call it before the submit. `parameter` is a name of asked.py, "size", "output_format" or "n"; `reason` is a
        sentence about the model or the provider that is true in either case. What is emulated or only renamed is
        honoured, and never refused.
        """
        honoured = mode not in {event_pb2.ADJUSTMENT_MODE_CONVERTED, event_pb2.ADJUSTMENT_MODE_DROPPED}
        strict = self.request.strict == request_pb2.STRICT_REFUSE or parameter in self.request.required_parameters
        if strict and not self.submitted and not honoured:
            instead = f" {sent} would be sent instead." if sent else ""
            raise MeshError(
                reasons.ERROR_REASON_UNSUPPORTED,
                f"{parameter} {requested!r} cannot be honoured as it is: {reason}{instead} "
                "Change it, or send strict: report to have it adjusted.",
                field=parameter,
            )
        self.adjustments.append(
            event_pb2.Adjustment(parameter=parameter, requested=requested, sent=sent, reason=reason, mode=mode)
        )

    def sends_format(self, media_type: str) -> None:
        """Tells of which format the wished one is made here, where the provider does not have it."""
        for told in self.adjustments:
            if told.parameter == "output_format":
                told.sent = media_type

    def format_among(self, formats: Collection[str]) -> str:
        """The media type to ask for: the wished one where it is one of `formats`, else image/png, which is lossless, to
        be converted here; the request is told. Empty without a wish, and where there is no choice."""
        wanted = self.request.output.media_type
        if not wanted or not formats:
            return ""
        if wanted in formats:
            return wanted
        self.sends_format(PNG)
        return PNG

    def size(self, rule: SizeRule | None = None) -> Choice:
        """The model's size for the wish of the request.

        The first call chooses, by `rule` where one is given, and reports the adjustment; later calls repeat it.
        """
        if self._choice is None:
            rule = rule or self.model.sizes_of(operation_of(self.request))
            self._choice = rule.choose(self.request.size)
            if self._choice.changed:
                sent = self._choice.sent
                mode = event_pb2.ADJUSTMENT_MODE_CONVERTED if sent else event_pb2.ADJUSTMENT_MODE_DROPPED
                self.adjust("size", self._choice.requested, sent, self._choice.reason, mode)
        return self._choice

    async def input(self, media: media_pb2.Media, field: str = "image") -> Input:
        """A picture of the caller as the provider takes it, whichever way it came: see `inputs`. What was changed is
        reported. Raises INPUT_UNREADABLE naming `field`, and UNSUPPORTED where it would have to be scaled down and the
        request counts in its pixels."""
        given = await self._read(media, field)
        changes = changes_of(given, self.model.inputs)
        if not changes.stripped and not is_recoded(given, changes):
            return given
        self._check_scale(given, changes, field)
        try:
            data = await self._bench.change_input(given.data, changes)
            made = Input(data, read_shape(data))
        except ValueError as error:
            raise _unreadable(field, str(error)) from None
        for told in told_of_input(field, given, made, changes):
            self.adjust(*told)
        return made

    def _check_scale(self, given: Input, changes: Changes, field: str) -> None:
        width, height = given.shape.width_px, given.shape.height_px
        if changes.size[0] * changes.size[1] == width * height or operation_of(self.request) not in _COUNTS_PIXELS:
            return
        raise MeshError(
            reasons.ERROR_REASON_UNSUPPORTED,
            f"{field} has {width}x{height} px, and {self.model.name} takes at most {self.model.inputs.max_pixels} "
            "pixels; make it smaller, or choose another model.",
            field=field,
        )

    async def _read(self, media: media_pb2.Media, field: str) -> Input:
        """A picture of the caller as it came."""
        source = media.WhichOneof("source")
        if source == "data":
            data = media.data
        elif source == "uri":
            data = await self._bench.fetch_input(media.uri, self)
        elif source == "blob_id":
            data = await self._bench.read_blob(media.blob_id)
        else:
            raise MeshError(reasons.ERROR_REASON_INPUT_UNREADABLE, f"{field} holds no picture; send one.", field=field)
        try:
            return Input(data, read_shape(data))
        except ValueError as error:
            raise _unreadable(field, str(error)) from None

    async def mask(self, form: MaskForm, image: Input) -> bytes | None:
        """The mask of an edit as a PNG in the provider's convention; None where the edit has none.

        Reads `mask_mode` and `feather_px`, stretches the mask to `image`, and reports what was guessed or changed.
        Raises INPUT_UNREADABLE, and INVALID_FIELD where it has another shape than `image`.
        """
        edit = self.request.edit
        if edit.mask.WhichOneof("source") is None:
            return None
        given = await self._read(edit.mask, "mask")
        order = MaskOrder(edit.mask_mode, edit.feather_px, image.shape.width_px, image.shape.height_px, form)
        shaped = await self._bench.shape_mask(given.data, order)
        for told in told_of(order, shaped):
            self.adjust(*told)
        return shaped.data

    async def mask_preview(self) -> bytes:
        """The mask of an edit as it is understood, in the convention of the mesh; empty where the edit has none."""
        if self.request.edit.mask.WhichOneof("source") is None:
            return b""
        image = await self.input(self.request.edit.image)
        return await self.mask(MaskForm.WHITE_REPAINTS, image) or b""

    async def fetch(
        self,
        url: str,
        index: int = 0,
        *,
        seed: int | None = None,
        revised_prompt: str = "",
        role: "media_pb2.MediaRole" = media_pb2.MEDIA_ROLE_IMAGE,
        label: str = "",
        media_type: str = "",
        width_px: int = 0,
        height_px: int = 0,
        flagged: bool = False,
    ) -> Picture:
        """The picture at a provider's URL, or only its URL where the caller wants that; yield what it returns.

        Raises MEDIA_INVALID, PROVIDER_UNAVAILABLE or PROVIDER_ANSWER_INVALID with phase "download".
        """
        data = b""
        if not self.passes_uris:
            with self.timing.download():
                data = await self._bench.fetch_result(url, self)
        return Picture(
            data=data,
            index=index,
            uri=url if self.passes_uris else "",
            seed=seed,
            revised_prompt=revised_prompt,
            role=role,
            label=label,
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
            flagged=flagged,
        )

    def error(
        self,
        reason: int,
        message: str,
        *,
        outcome: "event_pb2.Outcome | None" = None,
        billed: "event_pb2.Billed | None" = None,
        cost_micros: int | None = None,
        phase: str = "",
        retry_after_s: float | None = None,
        field: str | None = None,
    ) -> MeshError:
        """An error for the adapter to raise, with how far the attempt came.

        What it does not say follows from what was sent: nothing yet, perhaps (unknown), or taken by the provider.
        """
        failure = self.failure()
        failure.phase = phase or failure.phase
        if outcome is not None:
            failure.outcome = outcome
        if billed is not None:
            failure.billed = billed
        if cost_micros is not None:
            failure.cost.CopyFrom(to_money(cost_micros))
        return MeshError(reason, message, failure=failure, retry_after_s=retry_after_s, field=field)

    @property
    def job_id(self) -> str:
        """The provider's job: the one it accepted, or the one that is gone on with; empty where there is none."""
        return self.accepted_job_id or self.resume_provider_job_id

    @property
    def may_be_billed(self) -> bool:
        """Whether something billable may have reached the provider."""
        return self.submitted or self.accepted_job_id is not None or bool(self.resume_provider_job_id)

    def failure(self) -> event_pb2.AttemptFailure:
        """How far an attempt came that fails now, as far as the kit can tell."""
        if self.accepted_job_id is not None or self.charged_micros is not None or self.resume_provider_job_id:
            phase = "poll"
        else:
            phase = "submit" if self.submitted else "prepare"
        failure = KIT.failure(phase, job_id=self.job_id)
        if self.charged_micros is not None:
            failure.billed = event_pb2.BILLED_YES
            failure.cost.CopyFrom(to_money(self.charged_micros))
        return failure


def _unreadable(field: str, why: str) -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_INPUT_UNREADABLE,
        f"{field} is not a sound PNG, JPEG, WebP, GIF or AVIF picture ({why}); send another file.",
        field=field,
    )
