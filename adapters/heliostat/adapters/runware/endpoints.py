"""What each of Runware's models takes: data. Pure.

Source: runware.ai/docs (2026), the makers' SDK (2026-06-30), read 2026-11-22. Everything is a task posted to one
address. In masks white is painted anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
FORMATS: Mapping[str, str] = {PNG: "PNG", JPEG: "JPG", WEBP: "WEBP"}

SAMPLER = frozenset({"steps", "CFGScale", "scheduler", "acceleration", "lora"})
SAFETY = frozenset({"safety"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model. `task` is the taskType.

    `takes` are names of asked.py, and "n". `seed_image`: edits start from the picture, and may have a mask or
    sides to add. `references` is where pictures to look at go, of which `most` go in altogether; the picture of an edit
    is the first of them. `factors` of an upscale.
    """

    task: str = "imageInference"
    takes: frozenset[str] = frozenset({"prompt", "seed", "n"})
    seed_image: bool = False
    references: str = ""
    most: int = 0
    factors: tuple[int, ...] = ()
    options: frozenset[str] = SAFETY
    draws: bool = True


_PLAIN = frozenset({"prompt", "seed", "n", "output_compression"})
_OPEN = SAMPLER | SAFETY
_HOSTED = Endpoint(takes=_PLAIN, options=_OPEN)
_STARTS = Endpoint(takes=_PLAIN | {"strength", "feather"}, seed_image=True, options=_OPEN | {"maskMargin"})
_STABLE = Endpoint(
    takes=_STARTS.takes | {"negative_prompt"}, seed_image=True, options=_STARTS.options | {"clipSkip", "vae"}
)


def _looks(place: str, most: int, options: frozenset[str] = SAFETY, *, draws: bool = True) -> Endpoint:
    return Endpoint(takes=_PLAIN, references=place, most=most, options=options, draws=draws)


_TOP, _INPUTS = "referenceImages", "inputs.referenceImages"


def _tool(task: str, options: frozenset[str] = frozenset(), factors: tuple[int, ...] = ()) -> Endpoint:
    return Endpoint(task, frozenset({"output_compression"}), options=options, factors=factors, draws=False)


_CUT_OUT = Endpoint("imageBackgroundRemoval", frozenset({"background"}), options=frozenset({"settings"}), draws=False)
_UPSCALE = "imageUpscale"

ENDPOINTS: Mapping[str, Endpoint] = {
    "runware:100@1": _HOSTED,
    "runware:101@1": _STARTS,
    "runware:107@1": _HOSTED,
    "runware:106@1": _looks(_TOP, 2, _OPEN),
    "runware:400@1": _looks(_INPUTS, 4, _OPEN),
    "runware:400@2": _looks(_INPUTS, 4, _OPEN),
    "runware:400@4": _looks(_INPUTS, 4, _OPEN),
    "civitai:101055@128078": _STABLE,
    "runware:5@1": _STABLE,
    "runware:108@1": _HOSTED,
    "runware:108@20": _looks(_TOP, 1, _OPEN, draws=False),
    "runware:108@22": _looks(_TOP, 3, _OPEN, draws=False),
    "alibaba:qwen-image-edit@2511": _looks(_TOP, 3, _OPEN, draws=False),
    "runware:z-image@turbo": _HOSTED,
    "runware:97@1": _HOSTED,
    "runware:97@2": _HOSTED,
    "runware:97@3": _HOSTED,
    "bfl:5@1": _looks(_INPUTS, 4),
    "bfl:6@1": _looks(_INPUTS, 4),
    "bfl:7@1": _looks(_INPUTS, 4),
    "bfl:2@1": Endpoint(takes=_PLAIN),
    "bytedance:5@0": _looks(_TOP, 4),
    "bytedance:seedream@4.5": _looks(_TOP, 4),
    "google:4@1": _looks(_TOP, 3),
    "openai:4@1": Endpoint(
        takes=frozenset({"prompt", "n", "quality", "output_compression"}), references=_INPUTS, most=4
    ),
    "runware:109@1": _CUT_OUT,
    "runware:110@1": _CUT_OUT,
    "runware:500@1": _tool(_UPSCALE, factors=(2,)),
    "runware:501@1": _tool(_UPSCALE, factors=(2,)),
    "runware:502@1": _tool(_UPSCALE, factors=(2,)),
    "runware:503@1": _tool(_UPSCALE, factors=(2, 4)),
    "runware:35@1": _tool("imageMasking", frozenset({"confidence", "maxDetections", "maskPadding", "maskBlur"})),
}
