"""fal's models that are emulated: inputs as in fal-js's endpoint types of 2026-08-02, prices as of 2026-11-22."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from heliostat.emulators.fal.billing import (
    ErasePrice,
    ImagePrice,
    MegapixelPrice,
    Price,
    RequestPrice,
    SecondPrice,
    TokenPrice,
)

Task = Literal["paint", "edit", "fill", "erase", "expand", "upscale", "background", "segment"]
Sizing = Literal["image_size", "aspect_ratio", "input"]

MEGAPIXEL = 1_048_576
WIDE_RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
BANANA_RATIOS = ("auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
STEPPED = frozenset({"num_inference_steps", "guidance_scale"})
GUARDED = frozenset({"safety_tolerance", "enhance_prompt"})


@dataclass(frozen=True)
class FalModel:
    """One model id: what it needs, what it knows, what it paints and for how much."""

    id: str
    price: Price
    task: Task = "paint"
    required: tuple[str, ...] = ("prompt",)
    fields: frozenset[str] = frozenset()
    """Optional fields that are checked, beside those that all models share."""
    sizing: Sizing = "image_size"
    usual_size: str = "landscape_4_3"
    """The default of `image_size` or `aspect_ratio`."""
    ratios: tuple[str, ...] = WIDE_RATIOS
    area_px: int = MEGAPIXEL
    """Pixels of a picture whose size is an aspect ratio."""
    formats: tuple[str, ...] = ("jpeg", "png")
    """The first is the default."""
    max_images: int = 4
    tolerances: str = "123456"
    input_types: frozenset[str] = frozenset({"image/png", "image/jpeg", "image/webp"})
    answer: str = "image"
    """Where the result of a tool stands: `image` is one of them, `masks` a list."""

    @property
    def app(self) -> str:
        """Give `owner/app`, which is how status, result and cancel name the model."""
        return "/".join(self.id.split("/")[:2])

    @property
    def is_tool(self) -> bool:
        """Tell whether the result is that of a tool and not a list of `images`."""
        return self.task in ("erase", "expand", "upscale", "background", "segment")

    def variant(self, path: str, *required: str, task: Task = "edit") -> FalModel:
        """Make a model of the same kind below this one's id, with further required fields."""
        return replace(self, id=f"{self.id}/{path}", task=task, required=(*self.required, *required))


def _per_megapixel(id_: str, micros: int, fields: frozenset[str] = STEPPED) -> FalModel:
    return FalModel(id_, MegapixelPrice.flat(micros), fields=fields)


def _tool(id_: str, task: Task, price: Price, *fields: str, formats: tuple[str, ...] = ("png",)) -> FalModel:
    known = frozenset(fields)
    return FalModel(id_, price, task, ("image_url",), known, sizing="input", formats=formats)


def _banana(id_: str, price: ImagePrice) -> list[FalModel]:
    base = FalModel(
        id_,
        price,
        fields=frozenset({"resolution", "safety_tolerance"}),
        sizing="aspect_ratio",
        usual_size="1:1",
        ratios=BANANA_RATIOS,
        formats=("png", "jpeg", "webp"),
    )
    return [base, replace(base.variant("edit", "image_urls"), usual_size="auto")]


FLUX_DEV = _per_megapixel("fal-ai/flux/dev", 25_000, STEPPED | {"acceleration"})
FLUX_2_PRO = FalModel(
    "fal-ai/flux-2-pro",
    MegapixelPrice(30_000, 15_000, 15_000),
    fields=frozenset({"safety_tolerance"}),
    max_images=1,
    tolerances="12345",
)
FLUX_2_MAX = replace(FLUX_2_PRO, id="fal-ai/flux-2-max", price=MegapixelPrice(70_000, 30_000, 30_000))
KONTEXT = FalModel(
    "fal-ai/flux-pro/kontext",
    ImagePrice(40_000),
    task="edit",
    required=("prompt", "image_url"),
    fields=GUARDED | {"guidance_scale"},
    sizing="aspect_ratio",
    usual_size="auto",
    ratios=("auto", *WIDE_RATIOS),
)
SEEDREAM = FalModel("fal-ai/bytedance/seedream/v4.5", ImagePrice(40_000), usual_size="square_hd", formats=("png",))
KONTEXT_MAX = replace(KONTEXT, id="fal-ai/flux-pro/kontext/max", price=ImagePrice(80_000))
GPT_IMAGE_2 = FalModel(
    "openai/gpt-image-2", TokenPrice(), fields=frozenset({"quality"}), formats=("png", "jpeg", "webp")
)

MODELS = (
    _per_megapixel("fal-ai/flux/schnell", 3_000, STEPPED | {"acceleration"}),
    FLUX_DEV,
    replace(FLUX_DEV.variant("image-to-image", "image_url"), sizing="input", fields=FLUX_DEV.fields | {"strength"}),
    _per_megapixel("fal-ai/flux-pro/v1.1", 40_000, GUARDED),
    FalModel(
        "fal-ai/flux-pro/v1.1-ultra",
        ImagePrice(60_000),
        fields=GUARDED | {"raw", "image_prompt_strength"},
        sizing="aspect_ratio",
        usual_size="16:9",
        area_px=4 * MEGAPIXEL,
    ),
    KONTEXT,
    KONTEXT_MAX,
    *(replace(base, id=f"{base.id}/multi", required=("prompt", "image_urls")) for base in (KONTEXT, KONTEXT_MAX)),
    *(
        replace(base, id=f"{base.id}/text-to-image", task="paint", required=("prompt",), usual_size="1:1")
        for base in (KONTEXT, KONTEXT_MAX)
    ),
    FalModel(
        "fal-ai/flux-pro/v1/fill",
        MegapixelPrice.flat(50_000),
        task="fill",
        required=("prompt", "image_url", "mask_url"),
        fields=GUARDED,
        sizing="input",
    ),
    FalModel(
        "fal-ai/flux-pro/v1/erase",
        ErasePrice(),
        task="fill",
        required=("image_url", "mask_url"),
        fields=frozenset({"dilate_pixels"}),
        sizing="input",
        max_images=1,
    ),
    FalModel(
        "fal-ai/bria/genfill",
        ImagePrice(40_000),
        task="fill",
        required=("prompt", "image_url", "mask_url"),
        sizing="input",
        formats=("png",),
    ),
    FalModel(
        "fal-ai/bria/eraser",
        ImagePrice(40_000),
        task="erase",
        required=("image_url", "mask_url"),
        fields=frozenset({"mask_type", "preserve_alpha"}),
        sizing="input",
        formats=("png",),
        max_images=1,
    ),
    FalModel(
        "fal-ai/bria/expand",
        ImagePrice(40_000),
        task="expand",
        required=("image_url", "canvas_size"),
        fields=frozenset({"original_image_size", "original_image_location"}),
        sizing="input",
        formats=("png",),
        max_images=1,
    ),
    FalModel(
        "fal-ai/recraft/upscale/crisp",
        ImagePrice(4_000),
        task="upscale",
        required=("image_url",),
        sizing="input",
        formats=("png",),
        input_types=frozenset({"image/png"}),
    ),
    FLUX_2_PRO,
    FLUX_2_MAX,
    *(replace(base.variant("edit", "image_urls"), usual_size="auto") for base in (FLUX_2_PRO, FLUX_2_MAX)),
    *_banana("fal-ai/nano-banana", ImagePrice(39_000)),
    *_banana("fal-ai/nano-banana-2", ImagePrice(80_000, "resolution", {"2K": Fraction(3, 2), "4K": Fraction(2)})),
    *_banana("fal-ai/nano-banana-pro", ImagePrice(150_000, "resolution", {"4K": Fraction(2)})),
    GPT_IMAGE_2,
    replace(GPT_IMAGE_2.variant("edit", "image_urls"), usual_size="auto"),
    FalModel(
        "fal-ai/recraft/v3/text-to-image",
        ImagePrice(40_000, "style", {"vector": Fraction(2)}),
        fields=frozenset({"style"}),
        usual_size="square_hd",
        formats=("png", "webp"),
        max_images=1,
    ),
    _per_megapixel("fal-ai/qwen-image", 20_000, STEPPED | {"negative_prompt", "acceleration"}),
    FalModel(
        "fal-ai/esrgan",
        SecondPrice(1_000),
        task="upscale",
        required=("image_url",),
        fields=frozenset({"scale"}),
        sizing="input",
        formats=("png", "jpeg"),
    ),
    FalModel(
        "fal-ai/clarity-upscaler",
        MegapixelPrice.flat(30_000),
        task="upscale",
        required=("image_url",),
        fields=STEPPED | {"upscale_factor", "creativity", "resemblance", "negative_prompt"},
        sizing="input",
        formats=("png",),
    ),
    FalModel(
        "fal-ai/birefnet/v2",
        SecondPrice(1_000),
        task="background",
        required=("image_url",),
        fields=frozenset({"operating_resolution", "output_mask", "refine_foreground"}),
        sizing="input",
        formats=("png", "webp", "gif"),
    ),
    FalModel(
        "fal-ai/sam2/image",
        SecondPrice(1_000),
        task="segment",
        required=("image_url",),
        fields=frozenset({"prompts", "box_prompts"}),
        sizing="input",
        formats=("png", "jpeg", "webp"),
    ),
    _per_megapixel("fal-ai/flux-2/klein/4b", 5_000, STEPPED | {"acceleration"}),
    _per_megapixel("fal-ai/flux-2/turbo", 8_000, STEPPED | {"acceleration"}),
    SEEDREAM.variant("text-to-image", task="paint"),
    replace(SEEDREAM.variant("edit", "image_urls"), usual_size="auto"),
    FalModel(
        "fal-ai/ideogram/v3",
        ImagePrice(60_000, "rendering_speed", {"TURBO": Fraction(1, 2), "QUALITY": Fraction(3, 2)}),
        fields=frozenset({"rendering_speed"}),
        usual_size="square_hd",
        formats=("png",),
    ),
    # Up to 24 megapixels; the painter makes nothing larger.
    _tool("fal-ai/topaz/upscale/image", "upscale", ImagePrice(80_000), "upscale_factor", formats=("jpeg", "png")),
    _tool(
        "fal-ai/seedvr/upscale/image", "upscale", MegapixelPrice.flat(1_000), "upscale_factor", formats=("jpg", "png")
    ),
    _tool("fal-ai/bria/background/remove", "background", ImagePrice(18_000)),
    _tool("fal-ai/imageutils/rembg", "background", SecondPrice(1_000)),
    replace(
        _tool("fal-ai/sam-3/image", "segment", RequestPrice(5_000), "prompt", "point_prompts", "box_prompts"),
        answer="masks",
    ),
    replace(_tool("fal-ai/evf-sam", "segment", SecondPrice(1_000), "prompt"), required=("image_url", "prompt")),
    *(_per_megapixel(f"sandbox/{fault}", 3_000) for fault in ("rate-limited", "down", "slow")),
)
BY_ID = {model.id: model for model in MODELS}
