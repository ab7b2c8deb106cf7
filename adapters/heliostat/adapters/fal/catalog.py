"""The models of fal that are offered, with their endpoints, sizes and prices.

Source: fal's model pages and endpoint types (fal-js, 2026-08-02), read 2026-11-22. What is not certain there is not
offered: see README.md.
"""

from dataclasses import dataclass, replace
from typing import Any

from heliostat.adapters.fal.endpoints import ENDPOINTS, PNG, Endpoint, SizeField
from heliostat.adapters.sdk import Exact, FollowsInput, InputLimits, Model, ModelTable, Pixels, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.api.image.v1 import request_pb2 as requests

PRICES = shipped("fal")
# fal keeps the result of a job for an hour where payloads are not stored.
_RETENTION_S = 3600
_RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
_BANANA_RATIOS = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
_BANANA_TIERS = ("1K", "2K", "4K")
_BFL, _GOOGLE, _RECRAFT = "Black Forest Labs", "Google", "Recraft"
# fal's own default where an endpoint takes pixels.
_LANDSCAPE = (1024, 768)

_FLUX_GRID = Pixels(256, 1536, 16, default=_LANDSCAPE)
_FLUX_2_GRID = Pixels(512, 2048, 16, default=_LANDSCAPE)
_GPT_GRID = Pixels(256, 3840, 16, 655_360, 8_294_400, 3, default=_LANDSCAPE)
_SEEDREAM_GRID = Pixels(1920, 4096, 1, default=(2048, 2048), tiers_default_px=2048)
_IDEOGRAM_GRID = Pixels(512, 1536, 32, 700_000, 1_100_000, 3, default=(1024, 1024))
_QWEN_GRID = Pixels(256, 2048, 16, default=_LANDSCAPE)
_RECRAFT_SIZES = Exact(
    (
        *((1024, 1024), (1365, 1024), (1024, 1365), (1536, 1024), (1024, 1536), (1820, 1024), (1024, 1820)),
        *((2048, 1024), (1024, 2048), (1434, 1024), (1024, 1434), (1280, 1024), (1024, 1280), (1707, 1024)),
        (1024, 1707),
    ),
    default=(1024, 1024),
)


@dataclass(frozen=True, slots=True)
class Routes:
    """Endpoints of one model: `plain` draws or is the tool, `edit` takes one picture, `many` several."""

    plain: Endpoint | None = None
    edit: Endpoint | None = None
    many: Endpoint | None = None

    def choose(self, request: requests.ImageRequest) -> Endpoint:
        """The endpoint of a request that the model's capability allows."""
        wanted = [self.plain, self.edit, self.many]
        if request.references:
            wanted = [self.many, self.edit, self.plain]
        elif request.WhichOneof("operation") == "edit":
            wanted = [self.edit, self.many, self.plain]
        return next(endpoint for endpoint in wanted if endpoint is not None)

    def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint."""
        return tuple(endpoint for endpoint in (self.plain, self.edit, self.many) if endpoint is not None)


# The types that fal's endpoints name; a file of more would have to be uploaded in parts (read 2026-11-22).
_INPUTS = InputLimits(("image/png", "image/jpeg", "image/webp"), 100_000_000)


def _model(id_: str, *names: str, edit: str = "", many: str = "", text: str = "", **facts: Any) -> Model:
    """A model by fal's id. `text`, `edit` and `many` are endpoints below it; without `text` it is itself `plain`."""
    base = ENDPOINTS[id_]
    routes = Routes(
        plain=ENDPOINTS[f"{id_}/{text}"] if text else base,
        edit=base if text else ENDPOINTS.get(f"{id_}/{edit}") if edit else None,
        many=ENDPOINTS[f"{id_}/{many}"] if many else None,
    )
    return _offered(id_, names, routes, facts)


def _offered(id_: str, names: tuple[str, ...], routes: Routes, facts: dict[str, Any]) -> Model:
    base = routes.plain or routes.all()[0]
    facts.setdefault("operations", ("text_to_image", "edit") if routes.edit or routes.many else ("text_to_image",))
    if routes.edit is not None and routes.edit.size is SizeField.NONE:
        facts.setdefault("operation_sizes", {"edit": FollowsInput()})
    facts.setdefault("media_types", tuple(base.formats) or (PNG,))
    return Model(
        id_,
        names=names,
        **PRICES.facts(id_),
        max_images=4 if all("image_count" in endpoint.takes for endpoint in routes.all()) else 1,
        ignores=tuple(sorted(NAMES - _honoured(routes))),
        inputs=facts.pop("inputs", _INPUTS),
        cancel_effective=True,
        resumable=True,
        retention_s=_RETENTION_S,
        facts=routes,
        **facts,
    )


def _honoured(routes: Routes) -> frozenset[str]:
    """Names of asked.py that some endpoint honours."""
    names: set[str] = set()
    for endpoint in routes.all():
        names |= endpoint.takes
        if endpoint.safety or "enable_safety_checker" in endpoint.options:
            names.add("moderation")
        if endpoint.mask:
            names.add("feather")
    return frozenset(names)


def _tool(id_: str, *names: str, operation: str, **facts: Any) -> Model:
    """A model that works on one picture. Of segments as many come as there are."""
    return _model(
        id_, *names, operations=(operation,), sizes=FollowsInput(), counts_images=operation != "segment", **facts
    )


def _masked(id_: str, name: str, *, creator: str) -> Model:
    """A model that works where a mask says, and needs one."""
    return _model(id_, name, operations=("edit",), mask="exact", metadata={"mask_required": True}, creator=creator)


def _seedream() -> Model:
    family = "fal-ai/bytedance/seedream/v4.5"
    text = f"{family}/text-to-image"
    facts = {"sizes": _SEEDREAM_GRID, "max_references": 9, "creator": "ByteDance", "media_types": (PNG,)}
    return _offered(text, ("seedream-4.5",), Routes(ENDPOINTS[text], many=ENDPOINTS[f"{family}/edit"]), facts)


def _kontext(id_: str, name: str) -> Model:
    return _model(id_, name, text="text-to-image", many="multi", sizes=Ratios(_RATIOS), max_references=3, creator=_BFL)


def _banana(id_: str, name: str, tiers: tuple[str, ...], references: int) -> Model:
    sizes = Ratios(_BANANA_RATIOS, tiers)
    return _model(id_, name, many="edit", sizes=sizes, max_references=references, creator=_GOOGLE)


MODELS = ModelTable(
    _model("fal-ai/flux/schnell", "flux-schnell", "flux-1-schnell", sizes=_FLUX_GRID, creator=_BFL, typical_seconds=1),
    _model("fal-ai/flux/dev", "flux-dev", "flux-1-dev", edit="image-to-image", sizes=_FLUX_GRID, creator=_BFL),
    _model("fal-ai/flux-pro/v1.1", "flux-1.1-pro", "flux-pro-1.1", sizes=_FLUX_GRID, creator=_BFL),
    _model(
        "fal-ai/flux-pro/v1.1-ultra",
        "flux-1.1-pro-ultra",
        "flux-pro-1.1-ultra",
        sizes=Ratios(_RATIOS),
        max_references=1,
        creator=_BFL,
    ),
    _kontext("fal-ai/flux-pro/kontext", "flux-kontext-pro"),
    _kontext("fal-ai/flux-pro/kontext/max", "flux-kontext-max"),
    _masked("fal-ai/flux-pro/v1/fill", "flux-fill-pro", creator=_BFL),
    _masked("fal-ai/flux-pro/v1/erase", "flux-erase", creator=_BFL),
    _masked("fal-ai/bria/genfill", "bria-genfill", creator="Bria"),
    _masked("fal-ai/bria/eraser", "bria-eraser", creator="Bria"),
    _tool("fal-ai/bria/expand", "bria-expand", operation="outpaint", creator="Bria"),
    _model("fal-ai/flux-2-pro", "flux-2-pro", many="edit", sizes=_FLUX_2_GRID, max_references=7, creator=_BFL),
    _model("fal-ai/flux-2/klein/4b", "flux-2-klein-4b", sizes=_FLUX_2_GRID, creator=_BFL),
    _model("fal-ai/flux-2/turbo", "flux-2-turbo", sizes=_FLUX_2_GRID, creator=_BFL),
    _banana("fal-ai/nano-banana", "nano-banana", (), 3),
    _banana("fal-ai/nano-banana-2", "nano-banana-2", _BANANA_TIERS, 13),
    _banana("fal-ai/nano-banana-pro", "nano-banana-pro", _BANANA_TIERS, 13),
    _model("openai/gpt-image-2", "gpt-image-2", many="edit", sizes=_GPT_GRID, max_references=15, creator="OpenAI"),
    _seedream(),
    _model("fal-ai/ideogram/v3", "ideogram-v3", sizes=_IDEOGRAM_GRID, max_references=3, creator="Ideogram"),
    _model("fal-ai/recraft/v3/text-to-image", "recraft-v3", sizes=_RECRAFT_SIZES, creator=_RECRAFT),
    _model("fal-ai/qwen-image", "qwen-image", sizes=_QWEN_GRID, creator="Alibaba"),
    _tool("fal-ai/clarity-upscaler", "clarity-upscaler", operation="upscale"),
    _tool("fal-ai/esrgan", "esrgan", "real-esrgan", operation="upscale"),
    _tool("fal-ai/topaz/upscale/image", "topaz-upscale", operation="upscale", creator="Topaz Labs"),
    _tool("fal-ai/seedvr/upscale/image", "seedvr-upscale", operation="upscale", creator="ByteDance"),
    _tool(
        "fal-ai/recraft/upscale/crisp",
        "recraft-crisp-upscale",
        operation="upscale",
        creator=_RECRAFT,
        inputs=InputLimits((PNG,), _INPUTS.max_bytes),
    ),
    _tool("fal-ai/birefnet/v2", "birefnet", "birefnet-v2", operation="remove_background"),
    _tool("fal-ai/bria/background/remove", "bria-rmbg", operation="remove_background", creator="Bria"),
    _tool("fal-ai/imageutils/rembg", "rembg", operation="remove_background"),
    _tool("fal-ai/sam-3/image", "sam-3", operation="segment", creator="Meta"),
    _tool("fal-ai/sam2/image", "sam2", operation="segment", creator="Meta"),
    _tool("fal-ai/evf-sam", "evf-sam", operation="segment"),
)


def _sandbox(fault: str) -> Model:
    drawn = MODELS.get("fal-ai/flux/schnell")
    plain = replace(ENDPOINTS[drawn.name], path=f"sandbox/{fault}")
    return replace(drawn, name=plain.path, names=(f"sandbox-{fault}",), facts=Routes(plain=plain))


# What the emulator of fal fails on purpose; known in a sandbox only.
SANDBOX_MODELS = tuple(_sandbox(fault) for fault in ("rate-limited", "down", "slow"))
