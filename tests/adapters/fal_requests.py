"""Calls of fal's adapter as its tests make them."""

import random
from typing import Any, cast

from heliostat.adapters.fal.catalog import MODELS
from heliostat.adapters.sdk import Call
from heliostat.adapters.sdk.masks import MaskOrder, ShapedMask
from heliostat.chassis.clock import Clock
from tests.adapters.served import wish


class Bench:
    """What a call needs where nothing is fetched and no mask is shaped."""

    clock = Clock()
    dice = random.Random(7)

    async def shape_mask(self, mask: bytes, order: MaskOrder) -> ShapedMask:
        return ShapedMask(mask, "white", "", (order.width_px, order.height_px), 1.0)


def call_of(model: str, **fields: Any) -> Call:
    """A call as the kit would make it."""
    return Call(cast(Any, Bench()), MODELS.get(model), wish(**fields))
