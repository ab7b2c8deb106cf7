"""The models of Runware that are offered, with sizes and prices.

Source: runware.ai/docs (2026), costs observed in answers to 2026-02, read 2026-11-22. What is not certain there is not
offered, or marked: see README.md.
"""

from typing import Any

from heliostat.adapters.runware.endpoints import ENDPOINTS, FORMATS, PNG, WEBP
from heliostat.adapters.sdk import Exact, FollowsInput, Model, ModelTable, Pixels
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.sdk.sizing import SizeRule

PRICES = shipped("runware")
_MOST_PROMPT_CHARS = 3_000
_MOST_IMAGES = 20
_MOST_PARTNER_IMAGES = 4
_GRID = Pixels(128, 2048, 64, default=(1024, 1024))
_FLUX_2_GRID = Pixels(256, 2048, 16, default=(1024, 1024))
_PRO_GRID = Pixels(256, 1440, 32, default=(1024, 1024))
_SEEDREAM_GRID = Pixels(1024, 4096, 64, default=(2048, 2048))
_BANANA = Exact(
    (
        *((1024, 1024), (832, 1248), (1248, 832), (864, 1184), (1184, 864)),
        *((896, 1152), (1152, 896), (768, 1344), (1344, 768), (1536, 672)),
    ),
    default=(1024, 1024),
)
_GPT = Exact(((1024, 1024), (1536, 1024), (1024, 1536)), default=(1024, 1024))
_OF_TASK = {
    "imageBackgroundRemoval": ("remove_background",),
    "imageUpscale": ("upscale",),
    "imageMasking": ("segment",),
}


def _operations(name: str) -> tuple[str, ...]:
    endpoint = ENDPOINTS[name]
    if endpoint.task in _OF_TASK:
        return _OF_TASK[endpoint.task]
    if endpoint.seed_image:
        return ("text_to_image", "edit", "outpaint")
    drawn = ("text_to_image",) if endpoint.draws else ()
    return (*drawn, "edit") if endpoint.references else drawn


def _model(name: str, *names: str, sizes: SizeRule = _GRID, **facts: Any) -> Model:
    endpoint = ENDPOINTS[name]
    tool = endpoint.task in _OF_TASK
    partner = name.partition(":")[0] not in {"runware", "civitai"}
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        operations=_operations(name),
        sizes=FollowsInput() if tool else sizes,
        operation_sizes={"outpaint": FollowsInput()} if endpoint.seed_image else {},
        max_images=1 if tool else _MOST_PARTNER_IMAGES if partner else _MOST_IMAGES,
        counts_images=endpoint.task != "imageMasking",
        max_references=endpoint.most,
        mask="guidance" if endpoint.seed_image else "",
        media_types=(PNG, WEBP) if endpoint.task == "imageBackgroundRemoval" else tuple(FORMATS),
        ignores=tuple(sorted(NAMES - endpoint.takes)),
        max_prompt_chars=0 if tool else _MOST_PROMPT_CHARS,
        resumable=True,
        idempotent=True,
        facts=endpoint,
        **facts,
    )


MODELS = ModelTable(
    _model("runware:100@1", "flux-schnell", "flux-1-schnell", creator="Black Forest Labs", typical_seconds=2),
    _model("runware:101@1", "flux-dev", "flux-1-dev", creator="Black Forest Labs", typical_seconds=5),
    _model("runware:107@1", "flux-krea-dev", creator="Black Forest Labs"),
    _model("runware:106@1", "flux-kontext-dev", creator="Black Forest Labs"),
    _model("runware:400@1", "flux-2-dev", sizes=_FLUX_2_GRID, creator="Black Forest Labs"),
    _model("runware:400@2", "flux-2-klein-9b", sizes=_FLUX_2_GRID, creator="Black Forest Labs"),
    _model("runware:400@4", "flux-2-klein-4b", sizes=_FLUX_2_GRID, creator="Black Forest Labs"),
    _model("civitai:101055@128078", "sdxl", creator="Stability AI"),
    _model("runware:5@1", "sd-3", creator="Stability AI"),
    _model("runware:108@1", "qwen-image", creator="Alibaba"),
    _model("runware:108@20", "qwen-image-edit", creator="Alibaba"),
    _model("runware:108@22", "qwen-image-edit-plus", creator="Alibaba"),
    _model("alibaba:qwen-image-edit@2511", "qwen-image-edit-2511", creator="Alibaba"),
    _model("runware:z-image@turbo", "z-image-turbo", creator="Alibaba"),
    _model("runware:97@1", "hidream-i1-full", creator="HiDream"),
    _model("runware:97@2", "hidream-i1-dev", creator="HiDream"),
    _model("runware:97@3", "hidream-i1-fast", creator="HiDream"),
    _model("bfl:5@1", "flux-2-pro", sizes=_FLUX_2_GRID, creator="Black Forest Labs"),
    _model("bfl:6@1", "flux-2-flex", sizes=_FLUX_2_GRID, creator="Black Forest Labs"),
    _model("bfl:7@1", "flux-2-max", sizes=_FLUX_2_GRID, creator="Black Forest Labs"),
    _model("bfl:2@1", "flux-1.1-pro", "flux-pro-1.1", sizes=_PRO_GRID, creator="Black Forest Labs"),
    _model("bytedance:5@0", "seedream-4", sizes=_SEEDREAM_GRID, creator="ByteDance"),
    _model("bytedance:seedream@4.5", "seedream-4.5", sizes=_SEEDREAM_GRID, creator="ByteDance"),
    _model("google:4@1", "nano-banana", "gemini-2.5-flash-image", sizes=_BANANA, creator="Google"),
    _model("openai:4@1", "gpt-image-1.5", sizes=_GPT, creator="OpenAI"),
    _model("runware:109@1", "rembg"),
    _model("runware:110@1", "bria-rmbg", creator="Bria"),
    _model("runware:500@1", "clarity-upscaler"),
    _model("runware:501@1", "ccsr-upscaler"),
    _model("runware:502@1", "sd-latent-upscaler"),
    _model("runware:503@1", "swinir-upscaler"),
    _model("runware:35@1", "face-segmenter"),
)
