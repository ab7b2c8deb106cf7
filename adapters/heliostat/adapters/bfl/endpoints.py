"""What each of Black Forest Labs' endpoints takes: data. Pure.

Source: the API's OpenAPI document (2026-04-23) and pages of docs.bfl.ai (to 2026-11), read 2026-11-22. Newer endpoints
refuse fields that they do not know, so a field is only ever sent to an endpoint that is listed here as taking it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

_JPEG_FIRST = {JPEG: "jpeg", PNG: "png", WEBP: "webp"}
_PNG_FIRST = {PNG: "png", JPEG: "jpeg", WEBP: "webp"}


class SizeField(Enum):
    """The ways in which endpoints are told a size."""

    NONE = "not at all"
    PIXELS = "width and height"
    RATIO = "aspect_ratio"
    RATIO_AND_RESOLUTION = "aspect_ratio and resolution"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    `numbered` is the field of the first picture, whose further ones are "<field>_2" and so on; `listed` the field of a
    list of pictures; `image` of the one to work on; `prompted` of one to look at. `lax` is the tolerance that moderates
    least, `lax_edit` beside a picture. `formats` are empty where there is no choice. `most` pictures go in altogether.
    `constants` are sent with every request, unless an option says otherwise.
    """

    size: SizeField = SizeField.NONE
    takes: frozenset[str] = frozenset({"prompt", "seed"})
    options: frozenset[str] = frozenset()
    formats: Mapping[str, str] = field(default_factory=lambda: _JPEG_FIRST)
    numbered: str = ""
    listed: str = ""
    image: str = ""
    prompted: str = ""
    mask: str = ""
    most: int = 0
    lax: int = 6
    lax_edit: int = 6
    outpaints: bool = False
    constants: Mapping[str, int] = field(default_factory=dict)


_FLUX_2 = Endpoint(
    SizeField.PIXELS,
    takes=frozenset({"prompt", "seed", "user"}),
    options=frozenset({"safety_tolerance", "disable_pup"}),
    numbered="input_image",
    most=8,
    lax=5,
    lax_edit=5,
)
_KLEIN = Endpoint(
    SizeField.PIXELS,
    takes=_FLUX_2.takes,
    options=_FLUX_2.options,
    numbered="input_image",
    most=4,
    lax=5,
    lax_edit=5,
)
# Older pages allow no more than 2 beside a picture.
_KONTEXT = Endpoint(
    SizeField.RATIO,
    options=frozenset({"safety_tolerance", "prompt_upsampling"}),
    formats=_PNG_FIRST,
    numbered="input_image",
    most=4,
    lax_edit=2,
)
_PRO = Endpoint(
    SizeField.PIXELS,
    options=frozenset({"safety_tolerance", "prompt_upsampling"}),
    prompted="image_prompt",
)
_TOOL_OPTIONS = frozenset({"safety_tolerance", "prompt_upsampling", "steps", "guidance"})

ENDPOINTS: Mapping[str, Endpoint] = {
    "flux-3-image": Endpoint(
        SizeField.RATIO_AND_RESOLUTION,
        takes=frozenset({"prompt"}),
        options=frozenset({"safety_tolerance", "grounding"}),
        formats={},
        listed="images",
        most=10,
        lax=4,
        lax_edit=4,
    ),
    "flux-2-pro": _FLUX_2,
    "flux-2-max": _FLUX_2,
    "flux-2-flex": Endpoint(
        SizeField.PIXELS,
        takes=_FLUX_2.takes,
        options=frozenset({"safety_tolerance", "prompt_upsampling", "guidance", "steps"}),
        numbered="input_image",
        most=8,
        lax=5,
        lax_edit=5,
    ),
    "flux-2-klein-9b": _KLEIN,
    "flux-2-klein-4b": _KLEIN,
    "flux-kontext-pro": _KONTEXT,
    "flux-kontext-max": _KONTEXT,
    "flux-pro-1.1": _PRO,
    "flux-pro-1.1-ultra": Endpoint(
        SizeField.RATIO,
        takes=frozenset({"prompt", "seed", "reference_weight"}),
        options=frozenset({"safety_tolerance", "prompt_upsampling", "raw"}),
        prompted="image_prompt",
    ),
    "flux-dev": Endpoint(SizeField.PIXELS, options=_TOOL_OPTIONS, prompted="image_prompt"),
    "flux-pro-1.0-fill": Endpoint(options=_TOOL_OPTIONS, image="image", mask="mask"),
    "flux-pro-1.0-expand": Endpoint(options=_TOOL_OPTIONS, image="image", outpaints=True),
    "flux-tools/erase-v1": Endpoint(
        takes=frozenset({"seed"}),
        options=frozenset({"safety_tolerance", "dilate_pixels"}),
        formats={PNG: "png", JPEG: "jpeg"},
        image="image",
        mask="mask",
        lax=5,
        lax_edit=5,
        # What the mask covers goes, and nothing else: the API itself would grow it by 10 px.
        constants={"dilate_pixels": 0},
    ),
}
