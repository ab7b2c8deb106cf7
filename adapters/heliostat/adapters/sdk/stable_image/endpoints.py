"""Stability AI's image endpoints as data, whoever serves them: what one takes, and the words that all know. Pure.

Source: the v2beta OpenAPI document of api.stability.ai (2026), read 2026-11-22. A field is only ever sent to an
endpoint that is listed as taking it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

PRESETS = frozenset(
    {
        *("enhance", "anime", "photographic", "digital-art", "comic-book", "fantasy-art", "line-art", "analog-film"),
        *("neon-punk", "isometric", "low-poly", "origami", "modeling-compound", "cinematic", "3d-model", "pixel-art"),
        "tile-texture",
    }
)
"""Words of `style_preset`."""

# Pixels that ultra and sd3.5 draw for a shape.
SHAPES: Mapping[tuple[int, int], str] = {
    (1024, 1024): "1:1",
    (1344, 768): "16:9",
    (1536, 640): "21:9",
    (1216, 832): "3:2",
    (1152, 896): "5:4",
    (896, 1152): "4:5",
    (832, 1216): "2:3",
    (768, 1344): "9:16",
    (640, 1536): "9:21",
}

ALL_FORMATS: Mapping[str, str] = {PNG: "png", JPEG: "jpeg", WEBP: "webp"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a picture sent in may be: edges and area in px, the longer edge to the shorter one (0: any)."""

    least_edge_px: int = 64
    most_edge_px: int = 0
    least_px: int = 4_096
    most_px: int = 9_437_184
    most_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, or one model of an endpoint.

    `path` is below the provider's own. `takes` maps normalized parameters to fields. `image`, `reference` and `style`
    are the fields of the picture to work on, of one to look at, of one in the wished style; `reference_needed` says
    that nothing goes without the second. `keeps` says that the field of `strength` tells how much stays. `creativity`
    is its range, `factor` the one by which it enlarges, 0 where to a size of its own. `needs` is an option without
    which nothing goes. `queued` endpoints answer a job.
    """

    path: str
    constants: Mapping[str, str | int | float] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    formats: Mapping[str, str] = field(default_factory=lambda: ALL_FORMATS)
    prompt: str = "prompt"
    prompt_needed: bool = True
    shaped: bool = False
    image: str = ""
    image_constants: Mapping[str, str | int | float] = field(default_factory=dict)
    reference: str = ""
    reference_needed: bool = False
    style: str = ""
    mask: bool = False
    outpaints: bool = False
    keeps: bool = False
    creativity: tuple[float, float] = (0.0, 1.0)
    factor: int = 0
    needs: str = ""
    queued: bool = False
    limits: Limits = Limits()

    @property
    def honoured(self) -> frozenset[str]:
        """Names of asked.py that it is sent, or that its mask is made with."""
        words = {"prompt"} if self.prompt else set()
        return frozenset(self.takes) | words | ({"feather"} if self.mask else set())
