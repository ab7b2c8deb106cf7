"""Fields of the contract by the names that callers of the REST side know them under. Pure.

The rooms behind the edge name a field as the contract does ("routing.only"); REST calls it otherwise ("provider.only").
"""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "idempotency_key": "Idempotency-Key",
    "image_count": "n",
    "end_user_id": "user",
    "references": "image",
    "text_to_image": "prompt",
    "edit": "image",
    "edit.mask": "mask",
    "edit.strength": "strength",
    "edit.mask_mode": "mask_mode",
    "edit.feather_px": "mask_feather",
    "variation": "image",
    "variation.similarity": "similarity",
    "upscale": "image",
    "upscale.factor": "scale_factor",
    "upscale.size": "size",
    "upscale.creativity": "creativity",
    "remove_background": "image",
    "segment": "image",
    "segment.labels": "labels",
    "segment.points": "points",
    "segment.boxes": "boxes",
    "style_transfer": "image",
    "style_transfer.style": "style_image",
    "style_transfer.strength": "strength",
    "outpaint": "image",
    "outpaint.left_px": "left",
    "outpaint.right_px": "right",
    "outpaint.top_px": "top",
    "outpaint.bottom_px": "bottom",
    "size": "size",
    "size.aspect": "aspect_ratio",
    "size.aspect.tier": "resolution",
    "output": "output_format",
    "output.compression_percent": "output_compression",
    "output.quality": "quality",
    "output.background": "background",
    "output.delivery": "delivery",
    "output.partial_image_count": "partial_images",
    "routing.fallback_models": "models",
    "routing.max_wait": "max_wait",
    "routing.on_unknown": "on_unknown",
    "routing.cohort": "cohort",
}
_ROUTING = "routing"


def rest_name(field: str) -> str:
    """The name of `field` over REST: its own, that of the field it is a part of, or `field` itself where REST has it.

    `field` may begin with "image.", as the ImageRequest stands in a GenerateRequest.
    """
    path = field.removeprefix("image.")
    name = path
    while name:
        if name in NAMES:
            return NAMES[name]
        name = name.rpartition(".")[0]
    return "provider" + path.removeprefix(_ROUTING) if path.partition(".")[0] == _ROUTING else field
