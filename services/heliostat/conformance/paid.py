"""Gold, money: against an emulated provider with a journal of bills."""

import io
from typing import Any

from PIL import Image, ImageStat

from heliostat.api.image.v1 import capability_pb2, media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.money import to_micros
from heliostat.conformance.grammar import check_adapter_stream
from heliostat.conformance.rules import does_not_apply, holds, rule
from heliostat.conformance.subject import ATTEMPT, SQUARE, Stage, Subject

SIDE_PX = 1024
GROUND = (214, 176, 92)
# Losses of JPEG on the kept side, as mean difference of a channel's values 0 to 255; and what counts as repainted.
_KEPT, _REPAINTED = 12.0, 40.0


def staged(subject: Subject) -> Stage:
    """The emulated provider. Raises NotApplicable where there is none."""
    if subject.stage is None:
        does_not_apply("no emulated provider")
    return subject.stage


async def bought(subject: Subject) -> list[dict[str, Any]]:
    """The requests that the provider billed."""
    return [entry for entry in await staged(subject).entries() if entry["billed"]]


@rule("gold")
async def the_cost_is_the_providers_bill(subject: Subject) -> None:
    """To the millionth of a dollar."""
    staged(subject)
    told = await subject.ask(size=SQUARE)
    billed = sum(entry["cost_micros"] for entry in await bought(subject))
    cost = to_micros(told.result.cost.amount)
    holds(cost == billed, f"told {cost} micro-dollars, billed {billed}")
    free = any(not price.amount.units and not price.amount.nanos for price in subject.capability.prices)
    holds(billed > 0 or free, "the emulated provider billed nothing for a model with a price")


@rule("gold")
async def the_estimate_is_the_bill_of_a_plain_picture(subject: Subject) -> None:
    """Where the price is known before; tokens and seconds are only about right, by a factor of four."""
    staged(subject)
    estimate = await subject.estimate(subject.model, size=SQUARE)
    if not estimate.HasField("cost"):
        does_not_apply("its price is not known before")
    told = await subject.ask(size=SQUARE)
    expected, cost = to_micros(estimate.cost.amount), to_micros(told.result.cost.amount)
    units = {price.unit for price in subject.capability.prices}
    guessed = units & {capability_pb2.PRICE_UNIT_MILLION_TOKENS, capability_pb2.PRICE_UNIT_SECOND}
    close = cost / 4 <= expected <= cost * 4 if guessed else expected == cost
    holds(close, f"estimated {expected} micro-dollars, cost {cost}")


@rule("gold")
async def the_providers_bill_names_the_attempt(subject: Subject) -> None:
    """A bill can be matched with the journal."""
    staged(subject)
    await subject.ask(size=SQUARE)
    named = [entry["attempt_id"] for entry in await bought(subject)]
    holds(named == [ATTEMPT], f"the bill names {named}")


@rule("gold")
async def several_pictures_are_counted_and_paid_as_many(subject: Subject) -> None:
    """Two pictures come and the cost is the bill of both."""
    staged(subject)
    if subject.capability.max_image_count < 2:
        does_not_apply("it makes one picture at a time")
    told = await subject.ask(size=SQUARE, image_count=2)
    if told.error is not None:
        raise told.error
    check_adapter_stream(told.events, ATTEMPT)
    holds(len(told.pictures()) == 2, f"{len(told.pictures())} pictures came, not two")
    billed = sum(entry["cost_micros"] for entry in await bought(subject))
    holds(to_micros(told.result.cost.amount) == billed, f"told {told.result.cost.amount}, billed {billed}")


@rule("gold")
async def a_mask_repaints_where_it_says(subject: Subject) -> None:
    """Inside the mesh 255 is repainted; the other half of the picture stays, whatever the provider's polarity is."""
    staged(subject)
    exact = (one for one in subject.described.models if _inpaints(one))
    model = next(exact, None)
    if model is None:
        does_not_apply("no model takes an exact mask")
    told = await subject.ask(model.provider_model, prompt="grass", edit=_half_masked())
    if told.error is not None:
        raise told.error
    with Image.open(io.BytesIO(told.pictures()[0])) as picture:
        width, height = picture.size
        left = _distance(picture, (0, 0, int(width * 0.45), height))
        right = _distance(picture, (int(width * 0.55), 0, width, height))
    holds(left >= _REPAINTED, f"the masked half stayed as it was (it differs by {left:.0f})")
    holds(right <= _KEPT, f"the half outside of the mask was changed (it differs by {right:.0f})")


def _inpaints(model: capability_pb2.Capability) -> bool:
    edits = capability_pb2.OPERATION_EDIT in model.operations
    return edits and model.mask == capability_pb2.MASK_SUPPORT_EXACT and model.provider_model != "*"


def _half_masked() -> requests.Edit:
    """A picture of one colour, its left half to be repainted."""
    mask = Image.new("L", (SIDE_PX, SIDE_PX), 0)
    mask.paste(255, (0, 0, SIDE_PX // 2, SIDE_PX))
    ground = Image.new("RGB", (SIDE_PX, SIDE_PX), GROUND)
    return requests.Edit(image=_png(ground), mask=_png(mask), mask_mode=requests.MASK_MODE_WHITE_REPAINTS)


def _png(picture: Image.Image) -> media_pb2.Media:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return media_pb2.Media(data=out.getvalue(), media_type="image/png")


def _distance(picture: Image.Image, box: tuple[int, int, int, int]) -> float:
    """Mean difference from the ground's colour, 0 to 255."""
    mean = ImageStat.Stat(picture.convert("RGB").crop(box)).mean
    return sum(abs(one - other) for one, other in zip(mean, GROUND, strict=True)) / 3
