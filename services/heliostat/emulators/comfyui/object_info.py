"""The nodes of the emulated server and what they take, as /object_info tells it; and the files in its models folder.

Nodes are those of ComfyUI's own nodes.py and comfy_extras (2025-10); bounds are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_PX = 16_384
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "checkpoints": (
        *("sd_xl_base_1.0.safetensors", "sd_xl_refiner_1.0.safetensors", "v1-5-pruned-emaonly-fp16.safetensors"),
        *("flux1-schnell-fp8.safetensors", "flux1-dev-fp8.safetensors", "sd3.5_large_fp8_scaled.safetensors"),
    ),
    "diffusion_models": ("qwen_image_fp8_e4m3fn.safetensors", "qwen_image_edit_2509_fp8_e4m3fn.safetensors"),
    "text_encoders": ("qwen_2.5_vl_7b_fp8_scaled.safetensors", "clip_l.safetensors", "t5xxl_fp8_e4m3fn.safetensors"),
    "vae": ("qwen_image_vae.safetensors", "ae.safetensors"),
    "upscale_models": ("RealESRGAN_x4plus.pth", "4x-UltraSharp.pth"),
}
SAMPLERS = ("euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_sde", "ddim", "uni_pc", "lcm")
SCHEDULERS = ("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic")
SCALERS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
ENCODERS = ("stable_diffusion", "stable_cascade", "sd3", "flux", "qwen_image", "wan", "hidream")

Definition = dict[str, Any]


def _whole(default: int, low: int, high: int) -> list[Any]:
    return ["INT", {"default": default, "min": low, "max": high}]


def _real(default: float, low: float, high: float) -> list[Any]:
    return ["FLOAT", {"default": default, "min": low, "max": high}]


def _words(*words: str) -> list[Any]:
    return [list(words)]


_TEXT: list[Any] = ["STRING", {"multiline": True}]
_PICTURE = ["IMAGE_FILE", {"image_upload": True}]
_EDGES: dict[str, Any] = {
    "width": _whole(512, 16, MOST_PX),
    "height": _whole(512, 16, MOST_PX),
    "batch_size": _whole(1, 1, 4096),
}


def _node(
    output: tuple[str, ...] = (), *, optional: Mapping[str, Any] | None = None, saves: bool = False, **required: Any
) -> Definition:
    taken: dict[str, Any] = {"required": required}
    if optional:
        taken["optional"] = dict(optional)
    return {"input": taken, "output": list(output), "output_node": saves}


NODES: Mapping[str, Definition] = {
    "CheckpointLoaderSimple": _node(("MODEL", "CLIP", "VAE"), ckpt_name=_words(*FOLDERS["checkpoints"])),
    "UNETLoader": _node(
        ("MODEL",),
        unet_name=_words(*FOLDERS["diffusion_models"]),
        weight_dtype=_words("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"),
    ),
    "CLIPLoader": _node(("CLIP",), clip_name=_words(*FOLDERS["text_encoders"]), type=_words(*ENCODERS)),
    "VAELoader": _node(("VAE",), vae_name=_words(*FOLDERS["vae"])),
    "UpscaleModelLoader": _node(("UPSCALE_MODEL",), model_name=_words(*FOLDERS["upscale_models"])),
    "CLIPTextEncode": _node(("CONDITIONING",), text=_TEXT, clip=["CLIP"]),
    "TextEncodeQwenImageEditPlus": _node(
        ("CONDITIONING",),
        clip=["CLIP"],
        prompt=_TEXT,
        optional={"vae": ["VAE"], "image1": ["IMAGE"], "image2": ["IMAGE"], "image3": ["IMAGE"]},
    ),
    "FluxGuidance": _node(("CONDITIONING",), conditioning=["CONDITIONING"], guidance=_real(3.5, 0.0, 100.0)),
    "ModelSamplingAuraFlow": _node(("MODEL",), model=["MODEL"], shift=_real(1.73, 0.0, 100.0)),
    "CFGNorm": _node(("MODEL",), model=["MODEL"], strength=_real(1.0, 0.0, 100.0)),
    "EmptyLatentImage": _node(("LATENT",), **_EDGES),
    "EmptySD3LatentImage": _node(("LATENT",), **_EDGES),
    "KSampler": _node(
        ("LATENT",),
        model=["MODEL"],
        seed=_whole(0, 0, 0xFFFFFFFFFFFFFFFF),
        steps=_whole(20, 1, 10_000),
        cfg=_real(8.0, 0.0, 100.0),
        sampler_name=_words(*SAMPLERS),
        scheduler=_words(*SCHEDULERS),
        positive=["CONDITIONING"],
        negative=["CONDITIONING"],
        latent_image=["LATENT"],
        denoise=_real(1.0, 0.0, 1.0),
    ),
    "VAEDecode": _node(("IMAGE",), samples=["LATENT"], vae=["VAE"]),
    "VAEEncode": _node(("LATENT",), pixels=["IMAGE"], vae=["VAE"]),
    "VAEEncodeForInpaint": _node(
        ("LATENT",), pixels=["IMAGE"], vae=["VAE"], mask=["MASK"], grow_mask_by=_whole(6, 0, 64)
    ),
    "SetLatentNoiseMask": _node(("LATENT",), samples=["LATENT"], mask=["MASK"]),
    "RepeatLatentBatch": _node(("LATENT",), samples=["LATENT"], amount=_whole(1, 1, 64)),
    "RepeatImageBatch": _node(("IMAGE",), image=["IMAGE"], amount=_whole(1, 1, 4096)),
    "LoadImage": _node(("IMAGE", "MASK"), image=_PICTURE),
    "LoadImageMask": _node(("MASK",), image=_PICTURE, channel=_words("alpha", "red", "green", "blue")),
    "ImageScale": _node(
        ("IMAGE",),
        image=["IMAGE"],
        upscale_method=_words(*SCALERS),
        width=_whole(512, 0, MOST_PX),
        height=_whole(512, 0, MOST_PX),
        crop=_words("disabled", "center"),
    ),
    "ImageUpscaleWithModel": _node(("IMAGE",), upscale_model=["UPSCALE_MODEL"], image=["IMAGE"]),
    "ImagePadForOutpaint": _node(
        ("IMAGE", "MASK"),
        image=["IMAGE"],
        left=_whole(0, 0, MOST_PX),
        top=_whole(0, 0, MOST_PX),
        right=_whole(0, 0, MOST_PX),
        bottom=_whole(0, 0, MOST_PX),
        feathering=_whole(40, 0, MOST_PX),
    ),
    "ImageCompositeMasked": _node(
        ("IMAGE",),
        destination=["IMAGE"],
        source=["IMAGE"],
        x=_whole(0, 0, MOST_PX),
        y=_whole(0, 0, MOST_PX),
        resize_source=["BOOLEAN", {"default": False}],
        optional={"mask": ["MASK"]},
    ),
    "SaveImage": _node(saves=True, images=["IMAGE"], filename_prefix=["STRING", {"default": "ComfyUI"}]),
    "PreviewImage": _node(saves=True, images=["IMAGE"]),
}


def told(name: str) -> Definition:
    """Give a node as /object_info tells it."""
    node = NODES[name]
    taken = {
        part: {key: (["COMBO", one[1]] if one[0] == "IMAGE_FILE" else one) for key, one in inputs.items()}
        for part, inputs in node["input"].items()
    }
    return {**node, "input": taken, "name": name, "display_name": name}
