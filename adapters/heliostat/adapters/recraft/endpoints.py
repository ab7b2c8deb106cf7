"""What each of Recraft's endpoints takes: data. Pure.

Source: recraft.ai/docs (2026-11) and the OpenAPI document (2026-08-22), read 2026-11-22. In masks white is painted
anew, and nothing may lie between black and white.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.adapters.sdk import operation_of
from heliostat.api.image.v1 import request_pb2 as requests

PNG, WEBP = "image/png", "image/webp"
FORMATS: Mapping[str, str] = {PNG: "png", WEBP: "webp"}
STYLES = ("realistic_image", "digital_illustration", "any")
VECTOR_STYLES = frozenset({"vector_illustration", "icon"})
"""What is drawn in them is SVG."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint below /images/.

    `takes` are names of asked.py, and "size", "n". `needs_prompt`: an empty one is refused.
    """

    path: str
    takes: frozenset[str] = frozenset()
    image: bool = True
    mask: bool = False
    references: bool = False
    options: frozenset[str] = frozenset()
    names_model: bool = False
    needs_prompt: bool = False
    enlarges: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """The endpoints of one model by operation; "masked" is an edit with a mask."""

    endpoints: Mapping[str, Endpoint]

    def choose(self, request: requests.ImageRequest) -> Endpoint:
        """The endpoint of a request; KeyError for an operation that the model does not have."""
        operation = operation_of(request)
        masked = request.edit.mask.WhichOneof("source") is not None
        if operation == "edit" and (masked or "edit" not in self.endpoints) and "masked" in self.endpoints:
            return self.endpoints["masked"]
        return self.endpoints[operation]

    @property
    def honoured(self) -> frozenset[str]:
        """Names of asked.py that some endpoint honours."""
        return frozenset(name for one in self.endpoints.values() for name in one.takes) - {"size", "n"}


_SHARED = frozenset({"controls", "block_nsfw", "calculate_features"})
_STYLED = _SHARED | {"substyle", "style_id", "style_match", "style"}
_DRAWN = frozenset({"prompt", "seed", "size", "n"})
_V3 = frozenset({"prompt", "negative_prompt", "seed", "style", "n"})


def _draws(options: frozenset[str] = _SHARED, takes: frozenset[str] = _DRAWN, *, references: bool = False) -> Endpoint:
    return Endpoint(
        "generations",
        takes,
        image=False,
        references=references,
        options=options,
        names_model=True,
        needs_prompt=True,
    )


def _changes(path: str, takes: frozenset[str], *, mask: bool = False, names_model: bool = True) -> Endpoint:
    return Endpoint(path, takes, mask=mask, options=_STYLED, names_model=names_model, needs_prompt="prompt" in takes)


_FOUR = Family({"text_to_image": _draws(_SHARED | {"creativity"})})

FAMILIES: Mapping[str, Family] = {
    "recraftv4_1": _FOUR,
    "recraftv4_1_pro": _FOUR,
    "recraftv4_1_utility": _FOUR,
    "recraftv4_1_utility_pro": _FOUR,
    "recraftv4": _FOUR,
    "recraftv4_pro": _FOUR,
    "recraftv3": Family(
        {
            "text_to_image": _draws(_STYLED | {"text_layout"}, _V3 | {"size"}, references=True),
            "edit": _changes("imageToImage", _V3 | {"strength"}),
            "masked": _changes("inpaint", _V3, mask=True),
            "variation": _changes("variateImage", frozenset({"seed", "size", "n"})),
            "outpaint": _changes("outpaint", _V3),
        }
    ),
    "recraftv2": Family({"text_to_image": _draws(_STYLED, _V3 | {"size"})}),
    "replaceBackground": Family({"edit": _changes("replaceBackground", _V3, names_model=False)}),
    "removeBackground": Family({"remove_background": Endpoint("removeBackground", frozenset({"background"}))}),
    "crispUpscale": Family({"upscale": Endpoint("crispUpscale", options=frozenset({"upscale"}), enlarges=True)}),
    "creativeUpscale": Family({"upscale": Endpoint("creativeUpscale", options=frozenset({"upscale"}), enlarges=True)}),
    "eraseRegion": Family({"masked": Endpoint("eraseRegion", mask=True)}),
}
