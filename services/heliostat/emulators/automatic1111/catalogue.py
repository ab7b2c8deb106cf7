"""What the emulated web UI has, and what its calls take: modules/api/models.py and processing.py (Forge, 2025-06)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHECKPOINTS: Mapping[str, str] = {
    "sd_xl_base_1.0": "31e35c80fc",
    "v1-5-pruned-emaonly": "6ce0161689",
    "flux1-dev-bnb-nf4-v2": "bea01d51bd",
}
SAMPLERS = (
    "Euler",
    "Euler a",
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DDIM",
    "UniPC",
    "LCM",
    "[Forge] Flux Realistic",
)
SCHEDULERS = ("automatic", "uniform", "karras", "exponential", "sgm_uniform", "simple", "normal", "beta")
UPSCALERS = ("None", "Lanczos", "Nearest", "ESRGAN_4x", "R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "SwinIR_4x")

Kinds = Mapping[str, tuple[type, ...]]
_TEXT, _WHOLE, _NUMBER, _TRUTH, _LIST, _MAP = (str,), (int,), (int, float), (bool,), (list,), (dict,)

DRAWN: Kinds = {
    **dict.fromkeys(("prompt", "negative_prompt", "sampler_name", "sampler_index", "scheduler", "script_name"), _TEXT),
    **dict.fromkeys(("seed", "subseed", "batch_size", "n_iter", "steps", "width", "height"), _WHOLE),
    **dict.fromkeys(("cfg_scale", "distilled_cfg_scale", "denoising_strength", "hr_scale"), _NUMBER),
    **dict.fromkeys(("restore_faces", "tiling", "enable_hr", "send_images", "save_images"), _TRUTH),
    **dict.fromkeys(("override_settings_restore_afterwards",), _TRUTH),
    **dict.fromkeys(("styles", "script_args"), _LIST),
    **dict.fromkeys(("override_settings", "alwayson_scripts"), _MAP),
    "hr_upscaler": _TEXT,
    "force_task_id": _TEXT,
}
CHANGED: Kinds = {
    **DRAWN,
    "init_images": _LIST,
    "mask": _TEXT,
    **dict.fromkeys(("resize_mode", "mask_blur", "inpainting_fill", "inpaint_full_res_padding"), _WHOLE),
    "inpainting_mask_invert": _WHOLE,
    **dict.fromkeys(("mask_round", "inpaint_full_res", "include_init_images"), _TRUTH),
}
ENLARGED: Kinds = {
    **dict.fromkeys(("image", "upscaler_1", "upscaler_2"), _TEXT),
    **dict.fromkeys(("resize_mode", "upscaling_resize_w", "upscaling_resize_h"), _WHOLE),
    **dict.fromkeys(("upscaling_resize", "extras_upscaler_2_visibility"), _NUMBER),
    **dict.fromkeys(("gfpgan_visibility", "codeformer_visibility", "codeformer_weight"), _NUMBER),
    **dict.fromkeys(("upscaling_crop", "upscale_first", "show_extras_results"), _TRUTH),
}
CUT: Kinds = {"input_image": _TEXT, "model": _TEXT, "return_mask": _TRUTH, "alpha_matting": _TRUTH}


def title(name: str) -> str:
    """Name a checkpoint as the list shows it."""
    return f"{name}.safetensors [{CHECKPOINTS[name]}]"


def checkpoint(wanted: Any) -> str | None:
    """Find a checkpoint by name, file, title or hash; None where there is none."""
    for name, digest in CHECKPOINTS.items():
        if wanted in (name, f"{name}.safetensors", title(name), digest):
            return name
    return None
