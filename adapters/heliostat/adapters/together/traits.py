"""What each family of models at Together AI takes: data. Pure.

Source: Together's OpenAPI document (2026-04-28) and docs.together.ai (images overview), read 2026-11-22. All models
share one endpoint; what a model does with a field is known of few of them, so a field is only sent where it is.
"""

from dataclasses import dataclass

JPEG, PNG = "image/jpeg", "image/png"
FORMATS = {JPEG: "jpeg", PNG: "png"}
SINGLE, LISTED = "image_url", "reference_images"


@dataclass(frozen=True, slots=True)
class Traits:
    """One model. `takes` are normalized names, `options` those of TogetherOptions.

    `images` is the field of pictures, one (`image_url`) or several (`reference_images`); empty where none is taken.
    `checked` models let their safety checker be switched off.
    """

    takes: frozenset[str] = frozenset({"seed"})
    options: frozenset[str] = frozenset()
    images: str = ""
    checked: bool = False


_STEPS = frozenset({"steps", "guidance_scale"})
_WORDS = frozenset({"seed", "negative_prompt"})

SCHNELL = Traits(options=frozenset({"steps"}), checked=True)
OPEN_FLUX = Traits(options=_STEPS, checked=True)
LORA_FLUX = Traits(options=_STEPS | {"image_loras"}, checked=True)
OPEN_KONTEXT = Traits(options=_STEPS, images=SINGLE, checked=True)
PRO_FLUX = Traits()
KONTEXT = Traits(images=SINGLE)
FLUX_2 = Traits(images=LISTED)
DIFFUSION = Traits(takes=_WORDS, options=_STEPS, checked=True)
PARTNER = Traits()
GOOGLE = Traits(takes=frozenset())
BANANA = Traits(takes=frozenset(), images=LISTED)
EDITOR = Traits(takes=_WORDS, images=SINGLE)
