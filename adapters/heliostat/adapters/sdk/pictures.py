"""The caller's pictures of one attempt, as most providers take them."""

from dataclasses import dataclass

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.inputs import Input
from heliostat.adapters.sdk.models import operation_of
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


@dataclass(frozen=True, slots=True)
class Pictures:
    """The one to work on, those to look at, and the mask in the provider's convention."""

    image: Input | None = None
    references: tuple[Input, ...] = ()
    mask: bytes | None = None

    @property
    def together(self) -> list[Input]:
        """All but the mask, the one to work on first."""
        return [*([self.image] if self.image else []), *self.references]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Sizes of the same in px."""
        return [(one.shape.width_px, one.shape.height_px) for one in self.together]


async def read_image(call: Call) -> Input | None:
    """The picture to work on; None for a request of words alone. Raises INPUT_UNREADABLE."""
    operation = operation_of(call.request)
    return await call.input(getattr(call.request, operation).image) if operation != "text_to_image" else None


async def read_references(call: Call) -> tuple[Input, ...]:
    """The pictures to look at. Raises INPUT_UNREADABLE."""
    return tuple([await call.input(one.image, "references") for one in call.request.references])


async def read_row(call: Call, most: int | None = None) -> list[Input]:
    """All pictures in one row, the one to work on first. Raises INPUT_UNREADABLE, UNSUPPORTED for more than `most`."""
    row = Pictures(await read_image(call), await read_references(call)).together
    if most is not None and len(row) > most:
        message = f"{call.model.name} takes at most {most} pictures in all; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    return row
