"""What Stability AI's models take at Bedrock: data. Pure.

Source: Bedrock's pages on Stability AI's models and image services, and a community's tests of them, read 2026-11-22.
Bodies are JSON, pictures base64 in it.
"""

from collections.abc import Mapping
from dataclasses import replace

from heliostat.adapters.sdk.stable_image import JPEG, PNG, WEBP, Endpoint, Limits

MOST_FILE_BYTES = 18_000_000
"""Of all files of a request together: base64 makes a third more of them, and words need room."""

_PNG_JPEG = {PNG: "png", JPEG: "jpeg"}

_WIDE = Limits(most_ratio=2.5)
_DRAWN = {"negative_prompt": "negative_prompt", "seed": "seed"}
_STYLED = {**_DRAWN, "style": "style_preset"}
# The mask is repainted as it is, unless an option says otherwise: the API's own default grows it by 5 px.
_EXACT = {"grow_mask": 0}


def _drawing() -> Endpoint:
    """Core and Ultra refuse every field beyond these."""
    return Endpoint("", takes=_DRAWN, formats=_PNG_JPEG, shaped=True)


def _searched(needs: str) -> Endpoint:
    return Endpoint(
        "", takes=_STYLED, options=frozenset({needs, "grow_mask"}), image="image", needs=needs, limits=_WIDE
    )


def _controlled() -> Endpoint:
    return Endpoint("", takes={**_STYLED, "strength": "control_strength"}, image="image", keeps=True, limits=_WIDE)


DRAWING: Mapping[str, Endpoint] = {
    "stability.stable-image-core-v1:1": _drawing(),
    "stability.stable-image-ultra-v1:1": _drawing(),
    "stability.sd3-5-large-v1:0": replace(
        _drawing(),
        takes={**_DRAWN, "strength": "strength"},
        image="image",
        # Our own default where a picture is to be changed and the request does not say how far.
        image_constants={"strength": 0.6, "mode": "image-to-image"},
    ),
}

# Asked through an inference profile only.
SERVICES: Mapping[str, Endpoint] = {
    "stability.stable-image-inpaint-v1:0": Endpoint(
        "", constants=_EXACT, takes=_STYLED, options=frozenset({"grow_mask"}), image="image", mask=True
    ),
    "stability.stable-image-erase-object-v1:0": Endpoint(
        "",
        constants=_EXACT,
        takes={"seed": "seed"},
        options=frozenset({"grow_mask"}),
        prompt="",
        prompt_needed=False,
        image="image",
        mask=True,
    ),
    "stability.stable-outpaint-v1:0": Endpoint(
        "",
        takes={"seed": "seed", "style": "style_preset"},
        options=frozenset({"creativity"}),
        prompt_needed=False,
        image="image",
        outpaints=True,
        limits=_WIDE,
    ),
    "stability.stable-image-search-replace-v1:0": _searched("search_prompt"),
    "stability.stable-image-search-recolor-v1:0": _searched("select_prompt"),
    "stability.stable-image-remove-background-v1:0": Endpoint(
        "",
        formats={PNG: "png", WEBP: "webp"},
        prompt="",
        prompt_needed=False,
        image="image",
        limits=Limits(most_px=4_194_304),
    ),
    "stability.stable-image-control-sketch-v1:0": _controlled(),
    "stability.stable-image-control-structure-v1:0": _controlled(),
    "stability.stable-image-style-guide-v1:0": Endpoint(
        "",
        takes={**_STYLED, "reference_weight": "fidelity"},
        shaped=True,
        reference="image",
        reference_needed=True,
        limits=_WIDE,
    ),
    "stability.stable-style-transfer-v1:0": Endpoint(
        "",
        takes={**_DRAWN, "strength": "style_strength"},
        options=frozenset({"composition_fidelity", "change_strength"}),
        prompt_needed=False,
        image="init_image",
        style="style_image",
        limits=_WIDE,
    ),
    "stability.stable-fast-upscale-v1:0": Endpoint(
        "",
        prompt="",
        prompt_needed=False,
        image="image",
        factor=4,
        limits=Limits(least_edge_px=32, most_edge_px=1_536, least_px=1_024, most_px=1_048_576),
    ),
    "stability.stable-conservative-upscale-v1:0": Endpoint(
        "",
        takes={**_DRAWN, "creativity": "creativity"},
        image="image",
        creativity=(0.1, 0.5),
        limits=_WIDE,
    ),
    "stability.stable-creative-upscale-v1:0": Endpoint(
        "",
        takes={**_STYLED, "creativity": "creativity"},
        image="image",
        creativity=(0.1, 0.5),
        limits=Limits(most_px=1_048_576),
    ),
}
