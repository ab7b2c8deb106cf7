"""ImageRequest -> a task of Nova Canvas or Titan.

Source: Amazon's pages on Nova Canvas and Titan Image Generator, read 2026-11-22. Their INPAINTING changes the black
part of a mask. Without a seed both draw with one of their own that never changes: one is made here.
"""

from typing import Any

from heliostat.adapters.bedrock.catalog import Task
from heliostat.adapters.bedrock.options import BedrockOptions
from heliostat.adapters.sdk import Call, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.asked import NAMES, QUALITY_NAMES
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

STYLES = frozenset(
    {
        *("3D_ANIMATED_FAMILY_FILM", "DESIGN_SKETCH", "FLAT_VECTOR_ILLUSTRATION", "GRAPHIC_NOVEL_ILLUSTRATION"),
        *("MAXIMALISM", "MIDCENTURY_RETRO", "PHOTOREALISM", "SOFT_DIGITAL_PAINTING"),
    }
)
_LEAST_SIMILAR = 0.2
_PREMIUM = frozenset({"high", "xhigh", "max"})

Body = dict[str, Any]


def quality_of(request: requests.ImageRequest) -> str:
    """Amazon's word for the wished quality; it knows two."""
    return "premium" if QUALITY_NAMES.get(request.output.quality) in _PREMIUM else "standard"


async def gather_for_task(call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE."""
    image, references = await read_image(call), await read_references(call)
    edits = operation_of(call.request) == "edit"
    mask = await call.mask(MaskForm.HARD_BLACK_REPAINTS, image) if image and edits else None
    return Pictures(image, references, mask)


def make_task(call: Call, options: BedrockOptions, given: Pictures) -> Body:
    """The body of one request; pictures are bytes in it. Raises INVALID_FIELD and UNSUPPORTED."""
    own = options.fields(call.model.name, call.model.facts)
    operation = operation_of(call.request)
    if operation == "remove_background" and given.image is not None:
        tell_dropped(call, NAMES - frozenset(call.model.ignores), "Removing a background takes the picture alone.")
        return {"taskType": "BACKGROUND_REMOVAL", "backgroundRemovalParams": {"image": given.image.data}}
    words = _words(call)
    if operation == "edit" and given.image is not None and (given.mask is not None or "mask_prompt" in own):
        task = _inpainting(given, words, own)
    elif given.together and "colors" not in own:
        task = _variation(call, given, words)
    elif "colors" in own:
        task = _coloured(given, words, own)
    else:
        task = {"taskType": "TEXT_IMAGE", "textToImageParams": {**words, **_style(call)}}
    return {**task, "imageGenerationConfig": _config(call, own)}


def _words(call: Call) -> Body:
    prompt, negative, most = call.request.prompt, call.request.negative_prompt, call.model.facts.most_chars
    for name, text in (("prompt", prompt), ("negative_prompt", negative)):
        if len(text) > most:
            message = f"{call.model.name} takes at most {most} characters of {name}; shorten it."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=name)
    return {name: text for name, text in (("text", prompt), ("negativeText", negative)) if text}


def _inpainting(given: Pictures, words: Body, own: Body) -> Body:
    if given.references:
        message = "What a mask covers is repainted by words alone; leave references out."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    if given.mask is not None and "mask_prompt" in own:
        message = "A mask or mask_prompt says what is repainted, not both; leave one of them out."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="provider_options.bedrock.mask_prompt")
    where = {"maskImage": given.mask} if given.mask is not None else {"maskPrompt": own["mask_prompt"]}
    return {"taskType": "INPAINTING", "inPaintingParams": {"image": given.together[0].data, **where, **words}}


def _variation(call: Call, given: Pictures, words: Body) -> Body:
    params = {"images": [one.data for one in given.together], **words, **_similarity(call)}
    return {"taskType": "IMAGE_VARIATION", "imageVariationParams": params}


def _coloured(given: Pictures, words: Body, own: Body) -> Body:
    if len(given.together) > 1:
        message = "Colours go with one picture at most; leave the others out."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    reference = {"referenceImage": given.together[0].data} if given.together else {}
    params = {"colors": list(own["colors"]), **reference, **words}
    return {"taskType": "COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams": params}


def _similarity(call: Call) -> Body:
    """How much of the picture stays."""
    request = call.request
    if request.variation.HasField("similarity"):
        name, wanted, asked = "similarity", request.variation.similarity, request.variation.similarity
    elif request.edit.HasField("strength"):
        name, wanted, asked = "strength", round(1 - request.edit.strength, 6), request.edit.strength
    else:
        return {}
    sent = min(max(wanted, _LEAST_SIMILAR), 1.0)
    if sent != wanted:
        told = sent if name == "similarity" else round(1 - sent, 6)
        call.adjust(name, f"{asked:g}", f"{told:g}", f"The model keeps at least {_LEAST_SIMILAR:g} of a picture.")
    return {"similarityStrength": sent}


def _style(call: Call) -> Body:
    wanted, facts = call.request.style, call.model.facts
    if not wanted or not facts.styles:
        return {}
    word = wanted.upper().replace("-", "_").replace(" ", "_")
    if word in STYLES:
        return {"style": word}
    reason = f"The model knows {len(STYLES)} styles, and this is none of them."
    call.adjust("style", wanted[:100], "", reason, events.ADJUSTMENT_MODE_DROPPED)
    return {}


def _config(call: Call, own: Body) -> Body:
    size = call.size()
    config: Body = {"numberOfImages": call.image_count, "quality": quality_of(call.request), "seed": _seed(call)}
    if size.width_px and operation_of(call.request) == "text_to_image":
        config |= {"width": size.width_px, "height": size.height_px}
    return {**config, "cfgScale": own["cfg_scale"]} if "cfg_scale" in own else config


def _seed(call: Call) -> int:
    """The wished seed, or any."""
    facts: Task = call.model.facts
    if not call.request.HasField("seed"):
        return call.dice.randint(0, facts.most_seed)
    return seed_between(call, 0, facts.most_seed)
