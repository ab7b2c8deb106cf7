"""What each of Ideogram's endpoints takes: data. Pure.

Source: developer.ideogram.ai (to 2026-11-16) and the OpenAPI document (2026-10-07), read 2026-11-22. Everything speaks
version 2 of the API. In masks black is painted anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from heliostat.adapters.sdk import operation_of
from heliostat.api.image.v1 import request_pb2 as requests

STYLES = ("auto", "general", "realistic", "design", "fiction", "stylized")

_SHARED = frozenset({"magic_prompt", "private", "enable_copyright_detection"})
_STYLED = _SHARED | {"style_type", "style_preset", "style_codes", "color_palette"}


class SizeField(Enum):
    """The ways in which endpoints are told a size."""

    NONE = "not at all"
    RESOLUTION = "resolution, as WxH"
    SIZE = "size, as WxH"
    SHAPE = "aspect_ratio, as 16x9"
    CUSTOM = "custom_width and custom_height"


@dataclass(frozen=True, slots=True)
class Effort:
    """The field that price and quality hang on: its words for low, medium and high, and its usual one."""

    field: str
    words: Mapping[str, str]
    usual: str


SPEED = Effort("rendering_speed", {"low": "turbo", "medium": "default", "high": "quality"}, "default")
QUALITY = Effort("quality", {"low": "low", "medium": "medium", "high": "high"}, "high")
P_QUALITY = Effort(
    "quality", {"low": "low", "medium": "medium", "high": "high", "xhigh": "very_high", "max": "very_high"}, "medium"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint below /v2/image/.

    `takes` are names of asked.py. `image`, `mask`, `references` are the fields of pictures; at most
    `most` references go in, `most_masked` beside a mask. `image_bytes` is the most that a picture may have.
    `white_mask`: white is painted anew, against the rule. `always_job`: no field `async`. `factors`: of an upscale.
    """

    path: str
    takes: frozenset[str] = frozenset({"prompt", "seed"})
    size: SizeField = SizeField.NONE
    effort: Effort | None = None
    image: str = ""
    mask: str = ""
    references: str = ""
    most: int = 0
    most_masked: int = 0
    image_bytes: int = 25_000_000
    options: frozenset[str] = _SHARED
    white_mask: bool = False
    always_job: bool = False
    factors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """The endpoints of one model by operation; "masked" is an edit with a mask. `speed` is the one that it is bound to.

    `needs_reference`: it draws nothing without a picture of the character.
    """

    endpoints: Mapping[str, Endpoint]
    speed: str = ""
    needs_reference: bool = False

    def choose(self, request: requests.ImageRequest) -> Endpoint:
        """The endpoint of a request; KeyError for an operation that the model does not have."""
        operation = operation_of(request)
        if operation == "edit" and ("edit" not in self.endpoints or is_masked(request)):
            return self.endpoints["masked"]
        return self.endpoints[operation]

    @property
    def honoured(self) -> frozenset[str]:
        """Names of asked.py that some endpoint honours."""
        takes = frozenset(name for one in self.endpoints.values() for name in one.takes)
        return takes - {"quality"} if self.speed else takes


def is_masked(request: requests.ImageRequest) -> bool:
    """Whether an edit has a mask."""
    return request.edit.mask.WhichOneof("source") is not None


_BASE = frozenset({"prompt", "seed"})
_PLAIN_3 = _BASE | {"negative_prompt", "style", "quality"}
_RESOLUTION = SizeField.RESOLUTION


def _three(kind: str = "ideogram-3", references: str = "style_reference_images", most: int = 10) -> dict[str, Endpoint]:
    shared: dict[str, Any] = {
        "effort": SPEED,
        "references": references,
        "most": most,
        "most_masked": most,
        "options": _STYLED,
    }
    return {
        "text_to_image": Endpoint(f"generate/{kind}", _PLAIN_3, _RESOLUTION, **shared),
        "edit": Endpoint(
            f"remix/{kind}", _PLAIN_3 | {"strength"}, _RESOLUTION, image="image", image_bytes=50_000_000, **shared
        ),
        "masked": Endpoint(f"inpaint/{kind}", _PLAIN_3 | {"feather"}, image="image", mask="mask", **shared),
    }


_REFRAME = Endpoint(
    "reframe/ideogram-3",
    frozenset({"seed", "quality"}),
    _RESOLUTION,
    SPEED,
    image="image",
    options=_STYLED - {"style_type", "magic_prompt"},
)
THREE = {**_three(), "outpaint": _REFRAME}
_CHARACTER = _three("ideogram-3-character", "character_reference_images", 1)
_PRECISE: Mapping[str, Any] = {
    "effort": QUALITY,
    "image": "image",
    "references": "reference_images",
    "image_bytes": 50_000_000,
}

_TOPAZ: Mapping[str, tuple[int, ...]] = {
    "topaz-standard-2": (2, 4, 8),
    "topaz-text-refine": (2,),
    "topaz-wonder-3-5": (2,),
    "topaz-redefine": (2,),
    "topaz-bloom-2": (2,),
}

FAMILIES: Mapping[str, Family] = {
    "ideogram-4-5": Family(
        {
            "text_to_image": Endpoint(
                "generate/ideogram-4-5", _BASE | {"quality"}, SizeField.SIZE, QUALITY, references="images", most=5
            ),
            "edit": Endpoint("precise-edit/ideogram-4-5", _BASE | {"quality"}, most=4, **_PRECISE),
            "masked": Endpoint(
                "precise-edit/ideogram-4-5",
                _BASE | {"quality"},
                mask="mask",
                most=3,
                most_masked=3,
                options=_SHARED | {"context_window"},
                **_PRECISE,
            ),
        }
    ),
    "ideogram-4": Family(
        {
            "text_to_image": Endpoint("generate/ideogram-4", _BASE | {"quality"}, _RESOLUTION, SPEED),
            "edit": Endpoint(
                "remix/ideogram-4",
                # A seed is taken there, and does nothing.
                frozenset({"prompt", "quality", "strength"}),
                _RESOLUTION,
                SPEED,
                image="image",
                image_bytes=50_000_000,
            ),
        }
    ),
    "ideogram-3": Family(THREE),
    "ideogram-3/turbo": Family(THREE, "turbo"),
    "ideogram-3/default": Family(THREE, "default"),
    "ideogram-3/quality": Family(THREE, "quality"),
    "ideogram-3-character": Family(_CHARACTER, needs_reference=True),
    "ideogram-3-transparent": Family(
        {
            "text_to_image": Endpoint(
                "generate/ideogram-3-transparent",
                _BASE | {"negative_prompt", "quality", "background"},
                SizeField.SHAPE,
                SPEED,
            )
        }
    ),
    "p-image-ideogram": Family(
        {
            "text_to_image": Endpoint(
                "generate/p-image-ideogram", _BASE | {"quality"}, SizeField.CUSTOM, P_QUALITY, options=frozenset()
            )
        }
    ),
    "replace-background": Family(
        {
            "edit": Endpoint(
                "replace-background/ideogram-3",
                _PLAIN_3,
                effort=SPEED,
                image="image",
                references="style_reference_images",
                most=10,
                options=_STYLED,
            )
        }
    ),
    "remove-background": Family(
        {
            "remove_background": Endpoint(
                "remove-background/ideogram-1", frozenset({"background"}), image="image", options=frozenset()
            )
        }
    ),
    "remove-object": Family(
        {
            "masked": Endpoint(
                "remove-object/ideogram-1",
                frozenset({"seed"}),
                image="image",
                mask="mask",
                image_bytes=50_000_000,
                options=frozenset(),
                white_mask=True,
                always_job=True,
            )
        }
    ),
    **{
        f"upscale/{name}": Family(
            {"upscale": Endpoint(f"upscale/{name}", frozenset(), image="image", options=frozenset(), factors=factors)}
        )
        for name, factors in _TOPAZ.items()
    },
}
