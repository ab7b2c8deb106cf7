"""Adapter for the studio: a seeded painter and classical picture work in this machine's own processes, free.

Everything it does is in `heliostat.painting`; nothing leaves the process.
"""

from collections.abc import AsyncIterator, Mapping

from pydantic import Field

from heliostat.adapters.sdk import (
    Adapter,
    AdapterSettings,
    Call,
    FollowsInput,
    MaskForm,
    MeshError,
    Model,
    ModelTable,
    Options,
    Pixels,
    Step,
    accepted,
    adapter_module,
    completed,
    free,
    image,
    operation_of,
    preview,
)
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.studio.outcomes import OUTCOMES
from heliostat.adapters.studio.work import Order, Work
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings
from heliostat.painting import Easel, EaselLost, PictureUnreadable

_MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/gif")
# Their result hangs on the picture alone: a second one would be a copy.
_ONE_ANSWER = frozenset({"upscale", "remove_background", "segment"})
_SEED_BITS = 31
_MOST_PREVIEWS = 3

# Where a parameter is of use; told as left out elsewhere.
_OF_USE: Mapping[str, frozenset[str]] = {
    "prompt": frozenset({"text_to_image", "edit", "style_transfer", "outpaint"}),
    "style": frozenset({"text_to_image", "style_transfer"}),
    "seed": frozenset({"text_to_image", "edit", "variation", "style_transfer", "outpaint"}),
}

# Work on a picture: what comes out has its size, or the size that the operation itself names.
_PICTURE_WORK = (
    "edit",
    "variation",
    "upscale",
    "remove_background",
    "segment",
    "style_transfer",
    "outpaint",
)

MODELS = ModelTable(
    Model(
        "studio",
        names=("studio", "studio-1"),
        operations=("text_to_image", *_PICTURE_WORK),
        sizes=Pixels(16, 8192, max_area_px=4_194_304, default=(1024, 1024)),
        operation_sizes=dict.fromkeys(_PICTURE_WORK, FollowsInput()),
        price=free,
        max_images=10,
        max_partials=_MOST_PREVIEWS,
        mask="exact",
        media_types=_MEDIA_TYPES,
        creator="Heliostat",
        description="Paints the plain words of a prompt, and works on pictures with classical algorithms. Free.",
        typical_seconds=0.3,
    )
)


class StudioSettings(AdapterSettings):
    """Settings of the studio."""

    workers: int = Field(1, ge=1, le=16, description="Painting processes; they start with the first picture")


class StudioAdapter(Adapter[StudioSettings, Options]):
    """The studio."""

    provider = "studio"
    display_name = "Studio"
    outcomes = OUTCOMES
    models = MODELS
    ignores = (
        "negative_prompt",
        "quality",
        "moderation",
        "user",
        "creativity",
        "reference_role",
        "reference_weight",
    )

    def __init__(self, settings: StudioSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._work = Work(Easel(settings.workers))

    async def stop(self) -> None:
        """Ends the painting processes."""
        await self._work.easel.aclose()
        await super().stop()

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: Options, call: Call
    ) -> AsyncIterator[Step]:
        """One picture per seed, counted on from the caller's; masks where segments are asked for."""
        _tell_useless(call)
        order = await _order(request, call)
        count, previews = _count(order.operation, call), _previews(order.operation, call)
        yield accepted()
        try:
            if order.operation == "segment":
                for index, (label, mask) in enumerate(await self._work.segments(order)):
                    yield image(mask, index, role=medias.MEDIA_ROLE_MASK, label=label)
            else:
                for index in range(count):
                    seed = order.seed + index
                    for number in range(previews):
                        yield preview(await self._work.preview(order, seed, number, previews), number, index)
                    yield image(await self._work.picture(order, seed), index, seed=_told(order.operation, seed))
        except (PictureUnreadable, ValueError, EaselLost) as error:
            raise _failure(call, error) from None
        yield completed()


async def _order(request: requests.ImageRequest, call: Call) -> Order:
    """The request with its pictures in hand. Raises INPUT_UNREADABLE and INVALID_FIELD."""
    operation = operation_of(request)
    picture = mask = style = None
    size = call.size()
    if operation != "text_to_image":
        picture = await call.input(getattr(request, operation).image)
    if operation == "edit" and picture is not None:
        mask = await call.mask(MaskForm.WHITE_REPAINTS, picture)
    if operation == "style_transfer" and request.style_transfer.HasField("style"):
        style = (await call.input(request.style_transfer.style, "style")).data
    return Order(
        operation=operation,
        request=request,
        seed=request.seed if request.HasField("seed") else call.dice.getrandbits(_SEED_BITS),
        width_px=size.width_px,
        height_px=size.height_px,
        image=picture.data if picture is not None else b"",
        mask=mask,
        style=style,
    )


def _tell_useless(call: Call) -> None:
    operation = operation_of(call.request)
    useless = [name for name, operations in _OF_USE.items() if operation not in operations]
    tell_dropped(call, useless, f"The studio has no use for it in {operation}.")


def _count(operation: str, call: Call) -> int:
    if operation not in _ONE_ANSWER or call.image_count == 1:
        return call.image_count
    call.adjust("n", str(call.image_count), "1", "There is one answer only; more would be copies.")
    return 1


def _previews(operation: str, call: Call) -> int:
    """How many previews each picture gets: work on a picture is one step, and has none."""
    asked = min(call.request.output.partial_image_count, _MOST_PREVIEWS)
    if asked and operation != "text_to_image":
        reason = "Work on a picture is one step; there is nothing to see before its end."
        call.adjust("partial_images", str(asked), "", reason, events.ADJUSTMENT_MODE_DROPPED)
        return 0
    return asked


def _told(operation: str, seed: int) -> int | None:
    return None if operation in _ONE_ANSWER else seed


def _failure(call: Call, error: Exception) -> MeshError:
    """An error of the painting room: nothing was bought, whatever it is."""
    row = OUTCOMES.row("submit", "failed work")
    reason = _REASONS.get(type(error), reasons.ERROR_REASON_INVALID_FIELD)
    return call.error(reason, f"The studio cannot do this: {error}.", outcome=row.outcome, billed=row.billed)


_REASONS: Mapping[type[Exception], int] = {
    PictureUnreadable: reasons.ERROR_REASON_INPUT_UNREADABLE,
    EaselLost: reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
}

MODULE = adapter_module(StudioAdapter, StudioSettings)
