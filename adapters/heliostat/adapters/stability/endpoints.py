"""What each of Stability AI's endpoints takes: data. Pure.

Source: the v2beta OpenAPI document of api.stability.ai (2026), read 2026-11-22. Every request is a form.
"""

from collections.abc import Mapping

from heliostat.adapters.sdk.stable_image import JPEG, PNG, WEBP, Endpoint, Limits

MOST_FILE_BYTES = 10 * 1024 * 1024 - 64 * 1024
"""Of all files of a request together: 10 MiB are taken, some of them for words and heads."""

_PNG_JPEG = {PNG: "png", JPEG: "jpeg"}
_PNG_WEBP = {PNG: "png", WEBP: "webp"}
_WIDE = Limits(most_ratio=2.5)
_DRAWN = {"negative_prompt": "negative_prompt", "seed": "seed", "style": "style_preset"}
# Our own default where a picture is to be changed and the request does not say how far; the API has none.
_HALFWAY = {"strength": 0.6}
# The mask is repainted as it is, unless an option says otherwise: the API's own default grows it by 5 px.
_EXACT = {"grow_mask": 0}


def _sd3(model: str) -> Endpoint:
    return Endpoint(
        "/generate/sd3",
        constants={"model": model},
        takes={**_DRAWN, "strength": "strength"},
        options=frozenset({"cfg_scale"}),
        formats=_PNG_JPEG,
        shaped=True,
        image="image",
        image_constants={**_HALFWAY, "mode": "image-to-image"},
    )


def _searched(path: str, needs: str) -> Endpoint:
    return Endpoint(
        path, takes=_DRAWN, options=frozenset({needs, "grow_mask"}), image="image", needs=needs, limits=_WIDE
    )


def _controlled(path: str) -> Endpoint:
    return Endpoint(path, takes={**_DRAWN, "strength": "control_strength"}, image="image", keeps=True, limits=_WIDE)


ENDPOINTS: Mapping[str, Endpoint] = {
    "stable-image-ultra": Endpoint(
        "/generate/ultra",
        takes={**_DRAWN, "strength": "strength"},
        shaped=True,
        image="image",
        image_constants=_HALFWAY,
    ),
    "stable-image-core": Endpoint("/generate/core", takes=_DRAWN, shaped=True),
    "sd3.5-large": _sd3("sd3.5-large"),
    "sd3.5-large-turbo": _sd3("sd3.5-large-turbo"),
    "sd3.5-medium": _sd3("sd3.5-medium"),
    "sd3.5-flash": _sd3("sd3.5-flash"),
    "edit/inpaint": Endpoint(
        "/edit/inpaint",
        constants=_EXACT,
        takes=_DRAWN,
        options=frozenset({"grow_mask"}),
        image="image",
        mask=True,
    ),
    "edit/erase": Endpoint(
        "/edit/erase",
        constants=_EXACT,
        takes={"seed": "seed"},
        options=frozenset({"grow_mask"}),
        prompt="",
        prompt_needed=False,
        image="image",
        mask=True,
    ),
    "edit/outpaint": Endpoint(
        "/edit/outpaint",
        takes={"seed": "seed", "style": "style_preset"},
        options=frozenset({"creativity"}),
        prompt_needed=False,
        image="image",
        outpaints=True,
        limits=_WIDE,
    ),
    "edit/search-and-replace": _searched("/edit/search-and-replace", "search_prompt"),
    "edit/search-and-recolor": _searched("/edit/search-and-recolor", "select_prompt"),
    "edit/remove-background": Endpoint(
        "/edit/remove-background",
        formats=_PNG_WEBP,
        prompt="",
        prompt_needed=False,
        image="image",
        limits=Limits(most_px=4_194_304),
    ),
    "edit/replace-background-and-relight": Endpoint(
        "/edit/replace-background-and-relight",
        takes={"negative_prompt": "negative_prompt", "seed": "seed"},
        options=frozenset(
            {
                *("foreground_prompt", "preserve_original_subject", "original_background_depth"),
                *("keep_original_background", "light_source_direction", "light_source_strength"),
            }
        ),
        prompt="background_prompt",
        prompt_needed=False,
        image="subject_image",
        reference="background_reference",
        queued=True,
    ),
    "upscale/fast": Endpoint(
        "/upscale/fast",
        prompt="",
        prompt_needed=False,
        image="image",
        factor=4,
        limits=Limits(least_edge_px=32, most_edge_px=1_536, least_px=1_024, most_px=1_048_576),
    ),
    "upscale/conservative": Endpoint(
        "/upscale/conservative",
        takes={"negative_prompt": "negative_prompt", "seed": "seed", "creativity": "creativity"},
        image="image",
        creativity=(0.2, 0.5),
        limits=_WIDE,
    ),
    "upscale/creative": Endpoint(
        "/upscale/creative",
        takes={**_DRAWN, "creativity": "creativity"},
        image="image",
        creativity=(0.1, 0.5),
        queued=True,
        limits=Limits(most_px=1_048_576),
    ),
    "control/sketch": _controlled("/control/sketch"),
    "control/structure": _controlled("/control/structure"),
    "control/style": Endpoint(
        "/control/style",
        takes={**_DRAWN, "reference_weight": "fidelity"},
        shaped=True,
        reference="image",
        reference_needed=True,
        limits=_WIDE,
    ),
    "control/style-transfer": Endpoint(
        "/control/style-transfer",
        takes={"negative_prompt": "negative_prompt", "seed": "seed", "strength": "style_strength"},
        options=frozenset({"composition_fidelity", "change_strength"}),
        prompt_needed=False,
        image="init_image",
        style="style_image",
        limits=_WIDE,
    ),
}
