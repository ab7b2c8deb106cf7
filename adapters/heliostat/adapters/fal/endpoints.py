"""What each endpoint of fal takes and how it answers: data, and the choice of an endpoint for a request. Pure.

Source: fal's endpoint types (fal-js, 2026-08-02) and model pages, read 2026-11-22. fal ignores unknown fields in
silence, so a field is only ever sent to an endpoint that is listed here as taking it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

JPEG, PNG, WEBP, GIF = "image/jpeg", "image/png", "image/webp", "image/gif"

_TWO = {JPEG: "jpeg", PNG: "png"}
_THREE = {PNG: "png", JPEG: "jpeg", WEBP: "webp"}


class SizeField(Enum):
    """The three ways in which fal's endpoints are told a size, and the fourth: not at all."""

    NONE = "none"
    IMAGE_SIZE = "image_size"
    ASPECT_RATIO = "aspect_ratio"
    RATIO_AND_RESOLUTION = "aspect_ratio and resolution"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    `image` names the field of the input picture; where it is a list, references follow in the same list. `takes`
    holds normalized parameters that the endpoint honours, `options` the provider options. `formats` maps IANA media
    types to the endpoint's words, its default first; empty where it has no choice. `safety` is its laxest tolerance,
    empty where it has none. `factors` are the least and the greatest enlargement, `points` names the field of points.
    `constants` are sent with every request. `answer` is "images", "image" or "masks".
    """

    path: str
    size: SizeField = SizeField.NONE
    image: str = ""
    mask: str = ""
    takes: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    formats: Mapping[str, str] = field(default_factory=dict)
    safety: str = ""
    factors: tuple[float, float] = (1, 4)
    points: str = ""
    constants: Mapping[str, Any] = field(default_factory=dict)
    answer: str = "images"

    @property
    def image_is_list(self) -> bool:
        """True where the input picture travels in a list."""
        return self.image.endswith("_urls")


def _takes(*names: str) -> frozenset[str]:
    return frozenset(names)


_OPEN = _takes("num_inference_steps", "guidance_scale", "acceleration", "enable_safety_checker")
_BFL = _takes("enhance_prompt", "safety_tolerance")
_BANANA = _takes("safety_tolerance", "limit_generations", "enable_web_search", "system_prompt")
_DRAW = _takes("prompt", "seed", "image_count")


def _flux_open(path: str) -> Endpoint:
    return Endpoint(path, SizeField.IMAGE_SIZE, takes=_DRAW, options=_OPEN, formats=_TWO)


def _kontext(path: str, image: str) -> Endpoint:
    return Endpoint(
        path,
        SizeField.ASPECT_RATIO,
        image=image,
        takes=_DRAW,
        options=_BFL | {"guidance_scale"},
        formats=_TWO,
        safety="6",
    )


def _flux_2(path: str, image: str = "") -> Endpoint:
    return Endpoint(
        path,
        SizeField.IMAGE_SIZE,
        image=image,
        takes=_takes("prompt", "seed"),
        options=_takes("safety_tolerance", "enable_safety_checker"),
        formats=_TWO,
        safety="5",
    )


def _banana(path: str, image: str = "", *, tiers: bool) -> Endpoint:
    return Endpoint(
        path,
        SizeField.RATIO_AND_RESOLUTION if tiers else SizeField.ASPECT_RATIO,
        image=image,
        takes=_DRAW,
        options=_BANANA,
        formats=_THREE,
        safety="6",
    )


def _gpt(path: str, image: str = "") -> Endpoint:
    return Endpoint(
        path, SizeField.IMAGE_SIZE, image=image, takes=_takes("prompt", "image_count", "quality"), formats=_THREE
    )


def _seedream(path: str, image: str = "") -> Endpoint:
    return Endpoint(
        path,
        SizeField.IMAGE_SIZE,
        image=image,
        takes=_DRAW,
        options=_takes("enable_safety_checker"),
    )


def _tool(path: str, *options: str, takes: frozenset[str] = frozenset(), **more: Any) -> Endpoint:
    return Endpoint(path, image="image_url", takes=takes, options=frozenset(options), answer="image", **more)


_ENDPOINTS = (
    _flux_open("fal-ai/flux/schnell"),
    _flux_open("fal-ai/flux/dev"),
    Endpoint(
        "fal-ai/flux/dev/image-to-image",
        image="image_url",
        takes=_DRAW | {"strength"},
        options=_OPEN,
        formats=_TWO,
    ),
    Endpoint("fal-ai/flux-pro/v1.1", SizeField.IMAGE_SIZE, takes=_DRAW, options=_BFL, formats=_TWO, safety="6"),
    Endpoint(
        "fal-ai/flux-pro/v1.1-ultra",
        SizeField.ASPECT_RATIO,
        image="image_url",
        takes=_DRAW | {"reference_weight"},
        options=_BFL | {"raw"},
        formats=_TWO,
        safety="6",
    ),
    _kontext("fal-ai/flux-pro/kontext", "image_url"),
    _kontext("fal-ai/flux-pro/kontext/multi", "image_urls"),
    _kontext("fal-ai/flux-pro/kontext/text-to-image", ""),
    _kontext("fal-ai/flux-pro/kontext/max", "image_url"),
    _kontext("fal-ai/flux-pro/kontext/max/multi", "image_urls"),
    _kontext("fal-ai/flux-pro/kontext/max/text-to-image", ""),
    Endpoint(
        "fal-ai/flux-pro/v1/fill",
        image="image_url",
        mask="mask_url",
        takes=_DRAW,
        options=_BFL,
        formats=_TWO,
        safety="6",
    ),
    Endpoint(
        "fal-ai/flux-pro/v1/erase",
        image="image_url",
        mask="mask_url",
        options=_takes("dilate_pixels"),
        formats=_TWO,
        # What the mask covers goes, and nothing else: fal itself would grow it by 10 px.
        constants={"dilate_pixels": 0},
    ),
    Endpoint("fal-ai/bria/genfill", image="image_url", mask="mask_url", takes=_takes("prompt", "image_count")),
    _tool("fal-ai/bria/eraser", "preserve_alpha", mask="mask_url", constants={"mask_type": "manual"}),
    _tool("fal-ai/bria/expand", takes=_takes("prompt")),
    _flux_2("fal-ai/flux-2-pro"),
    _flux_2("fal-ai/flux-2-pro/edit", "image_urls"),
    _flux_open("fal-ai/flux-2/klein/4b"),
    _flux_open("fal-ai/flux-2/turbo"),
    _banana("fal-ai/nano-banana", tiers=False),
    _banana("fal-ai/nano-banana/edit", "image_urls", tiers=False),
    _banana("fal-ai/nano-banana-2", tiers=True),
    _banana("fal-ai/nano-banana-2/edit", "image_urls", tiers=True),
    _banana("fal-ai/nano-banana-pro", tiers=True),
    _banana("fal-ai/nano-banana-pro/edit", "image_urls", tiers=True),
    _gpt("openai/gpt-image-2"),
    _gpt("openai/gpt-image-2/edit", "image_urls"),
    _seedream("fal-ai/bytedance/seedream/v4.5/text-to-image"),
    _seedream("fal-ai/bytedance/seedream/v4.5/edit", "image_urls"),
    Endpoint(
        "fal-ai/ideogram/v3",
        SizeField.IMAGE_SIZE,
        image="image_urls",
        takes=_DRAW | {"quality"},
        options=_takes("expand_prompt", "style", "style_preset"),
    ),
    Endpoint(
        "fal-ai/recraft/v3/text-to-image",
        SizeField.IMAGE_SIZE,
        takes=_takes("prompt"),
        options=_takes("style", "style_id", "colors"),
    ),
    Endpoint(
        "fal-ai/qwen-image",
        SizeField.IMAGE_SIZE,
        takes=_DRAW | {"negative_prompt"},
        options=_takes("num_inference_steps", "guidance_scale", "enable_safety_checker"),
        formats=_TWO,
    ),
    _tool(
        "fal-ai/clarity-upscaler",
        "resemblance",
        "guidance_scale",
        "num_inference_steps",
        takes=_takes("prompt", "negative_prompt", "seed", "factor", "creativity"),
    ),
    _tool(
        "fal-ai/esrgan",
        "esrgan_model",
        "face",
        "tile",
        takes=_takes("scale"),
        formats={PNG: "png", JPEG: "jpeg"},
        factors=(1, 8),
    ),
    _tool("fal-ai/topaz/upscale/image", "topaz_model", takes=_takes("factor"), formats=_TWO),
    _tool(
        "fal-ai/seedvr/upscale/image",
        takes=_takes("factor", "seed"),
        formats={JPEG: "jpg", PNG: "png"},
        factors=(1, 10),
    ),
    _tool("fal-ai/recraft/upscale/crisp", "enable_safety_checker"),
    _tool(
        "fal-ai/birefnet/v2",
        "birefnet_model",
        "operating_resolution",
        "refine_foreground",
        formats={PNG: "png", WEBP: "webp", GIF: "gif"},
    ),
    _tool("fal-ai/bria/background/remove"),
    _tool("fal-ai/imageutils/rembg"),
    Endpoint(
        "fal-ai/sam-3/image",
        image="image_url",
        takes=_takes("label", "points", "boxes"),
        formats={PNG: "png"},
        # Without it the answer is the cut-out instead of the masks, and the first of several masks alone.
        constants={"apply_mask": False, "return_multiple_masks": True},
        points="point_prompts",
        answer="masks",
    ),
    _tool("fal-ai/sam2/image", takes=_takes("points", "boxes"), points="prompts", constants={"apply_mask": False}),
    _tool("fal-ai/evf-sam", takes=_takes("label"), constants={"mask_only": True}),
)

ENDPOINTS: Mapping[str, Endpoint] = {endpoint.path: endpoint for endpoint in _ENDPOINTS}
