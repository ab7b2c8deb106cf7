"""DashScope's models that draw, by region, with sizes and prices.

Source: Model Studio's help pages to 2026-03, its SDK (2.0.2), third parties' price notes (2026-07-09), read 2026-11-22.
What is not certain there is marked in README.md.
"""

from typing import Any

from heliostat.adapters.dashscope.endpoints import (
    ENDPOINTS,
    QWEN_2_GRID,
    QWEN_EDIT_GRID,
    WAN_22_GRID,
    WAN_25_EDIT_GRID,
    WAN_26_GRID,
    WAN_27_GRID,
    WAN_27_PRO_GRID,
    Z_GRID,
    Form,
)
from heliostat.adapters.sdk import Exact, FollowsInput, InputLimits, Model, ModelTable
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("dashscope")
BEIJING_PREFIX = "cn-beijing/"
"""Before the names of models whose prices in Beijing the list has apart."""

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
_RETENTION_S = 24 * 3600
_QWEN_SIZES = Exact(((1664, 928), (1472, 1104), (1328, 1328), (1104, 1472), (928, 1664)))
_QWEN_INPUTS = InputLimits((PNG, JPEG, WEBP), 10_000_000, 3072 * 3072)
_WAN_INPUTS = InputLimits((PNG, JPEG, WEBP), 20_000_000, 8000 * 8000)
_WANX_INPUTS = InputLimits((PNG, JPEG, WEBP), 10_000_000, 4096 * 4096)
_BOTH, _EDITS = ("text_to_image", "edit"), ("edit",)
_WORKS = ("edit", "upscale", "outpaint", "style_transfer")


def _model(name: str, *names: str, priced_as: str = "", **facts: Any) -> Model:
    endpoint = ENDPOINTS[name]
    return Model(
        name,
        names=names,
        **PRICES.facts(priced_as or name),
        max_references=endpoint.most if endpoint.form is not Form.FUNCTION else 0,
        ignores=tuple(sorted(NAMES - endpoint.takes)),
        resumable=endpoint.has_tasks,
        cancel_effective=endpoint.has_tasks,
        retention_s=_RETENTION_S,
        creator="Alibaba",
        facts=endpoint,
        **facts,
    )


def _models(prefix: str = "") -> list[Model]:
    """The models that every region has, under the prices of one."""

    def made(name: str, *names: str, **facts: Any) -> Model:
        return _model(name, *names, priced_as=prefix + name, **facts)

    qwen_2 = {"operations": _BOTH, "sizes": QWEN_2_GRID, "inputs": _QWEN_INPUTS, "max_images": 6}
    qwen_edit = {"operations": _EDITS, "inputs": _QWEN_INPUTS, "sizes": QWEN_EDIT_GRID, "max_images": 6}
    wan_27 = {"operations": _BOTH, "inputs": _WAN_INPUTS, "max_images": 4, "max_prompt_chars": 5000}
    return [
        made("qwen-image-2.0-pro", "qwen-image-2.0-pro", **qwen_2),
        made("qwen-image-2.0", "qwen-image-2.0", **qwen_2),
        made("qwen-image-max", "qwen-image-max", sizes=_QWEN_SIZES, max_prompt_chars=800),
        made("qwen-image-plus", "qwen-image-plus", sizes=_QWEN_SIZES, max_prompt_chars=800),
        made("qwen-image", "qwen-image", sizes=_QWEN_SIZES, max_prompt_chars=800),
        made("qwen-image-edit-max", "qwen-image-edit-max", **qwen_edit),
        made("qwen-image-edit-plus", "qwen-image-edit-plus", **qwen_edit),
        made("qwen-image-edit", "qwen-image-edit", operations=_EDITS, inputs=_QWEN_INPUTS, sizes=FollowsInput()),
        made("z-image-turbo", "z-image-turbo", sizes=Z_GRID, max_prompt_chars=800),
        made(
            "wan2.7-image-pro",
            "wan-2.7-pro",
            sizes=WAN_27_PRO_GRID,
            operation_sizes={"edit": WAN_27_GRID},
            **wan_27,
        ),
        made("wan2.7-image", "wan-2.7", sizes=WAN_27_GRID, **wan_27),
        made("wan2.6-t2i", "wan-2.6", sizes=WAN_26_GRID, max_images=4, max_prompt_chars=2000),
        made("wan2.5-t2i-preview", "wan-2.5", sizes=WAN_26_GRID, max_images=4, max_prompt_chars=2000),
        made("wan2.2-t2i-plus", "wan-2.2-plus", sizes=WAN_22_GRID, max_images=4),
        made("wan2.2-t2i-flash", "wan-2.2-flash", sizes=WAN_22_GRID, max_images=4, typical_seconds=5),
        made(
            "wan2.5-i2i-preview",
            "wan-2.5-edit",
            operations=_EDITS,
            sizes=WAN_25_EDIT_GRID,
            inputs=_WAN_INPUTS,
            max_images=4,
        ),
    ]


_WANX = _model(
    "wanx2.1-imageedit",
    "wanx-2.1-edit",
    operations=_WORKS,
    sizes=FollowsInput(),
    inputs=_WANX_INPUTS,
    mask="exact",
    max_images=4,
    max_prompt_chars=800,
    region="cn-beijing",
)

SINGAPORE = ModelTable(*_models())
"""In US dollars."""

BEIJING = ModelTable(*_models(BEIJING_PREFIX), _WANX)
"""In CNY: unknown in dollars unless a rate is configured. The editor, which is here only, has a price in both."""

SANDBOX = ModelTable(*_models(), _WANX)
"""All of them, at Singapore's prices: emulated models know no region."""
