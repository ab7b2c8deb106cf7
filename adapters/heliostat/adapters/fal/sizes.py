"""Sizes of models that are billed by whole megapixels. Pure."""

from dataclasses import dataclass, replace

from heliostat.adapters.fal.billing import MEGAPIXEL_PX, megapixels
from heliostat.adapters.sdk import Choice, Pixels
from heliostat.adapters.sdk.sizing import TIER_EDGE_PX
from heliostat.api.image.v1 import capability_pb2 as capabilities
from heliostat.api.image.v1 import request_pb2 as requests


@dataclass(frozen=True, slots=True)
class WholeMegapixels:
    """A grid on which a wished shape never begins another megapixel.

    "16:9" means about a megapixel; the nearest size of a grid may be a little more, and a little more costs double.
    Sizes wished in pixels are left as they are wished.
    """

    grid: Pixels

    def choose(self, size: requests.Size) -> Choice:
        """The grid's choice; for a shape within the megapixels of its tier's square."""
        if size.WhichOneof("kind") != "aspect":
            return self.grid.choose(size)
        edge = TIER_EDGE_PX[size.aspect.tier]
        return replace(self.grid, max_area_px=megapixels(edge, edge) * MEGAPIXEL_PX).choose(size)

    def rule(self) -> capabilities.SizeRule:
        """The grid."""
        return self.grid.rule()
