"""What each of DashScope's models is asked by, and what it takes: data. Pure.

Source: the vendor's own SDK (2.0.2) and help pages to 2026-03, notes of third parties to 2026-07-18; read 2026-11-22.
A model that can be asked by a task is: what it makes can be looked for again when a connection breaks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from heliostat.adapters.sdk import Pixels

MULTIMODAL = "/services/aigc/multimodal-generation/generation"
IMAGE = "/services/aigc/image-generation/generation"
TEXT2IMAGE = "/services/aigc/text2image/image-synthesis"
IMAGE2IMAGE = "/services/aigc/image2image/image-synthesis"


class Form(Enum):
    """The ways in which a body holds its input."""

    MESSAGES = "one message of pictures and a text"
    PROMPT = "prompt"
    IMAGES = "prompt and images"
    FUNCTION = "function, base_image_url and mask_image_url"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model's way in.

    `takes` are names of asked.py, `options` names of provider_options; `most` pictures go in altogether. `beside` are
    the sizes where pictures go in, if they are others.
    """

    path: str
    form: Form
    takes: frozenset[str]
    options: frozenset[str]
    most: int = 0
    beside: Pixels | None = None

    @property
    def has_tasks(self) -> bool:
        """Whether a task is given; the answer comes at once otherwise."""
        return self.path != MULTIMODAL


_SEED = frozenset({"prompt", "seed"})
_WORDED = _SEED | {"negative_prompt"}
_PLAIN, _EXTENDED = frozenset({"watermark"}), frozenset({"watermark", "prompt_extend"})
_WAN_27 = _PLAIN | {"thinking_mode", "bbox_list", "color_palette"}

# Areas of the squares that sizes are bounded by, in px.
_512, _768, _1280, _1440, _2048, _4096 = (edge * edge for edge in (512, 768, 1280, 1440, 2048, 4096))
WAN_27_GRID = Pixels(240, 8192, 16, _768, _2048, 8.0)
WAN_27_PRO_GRID = Pixels(240, 8192, 16, _768, _4096, 8.0)
WAN_26_GRID = Pixels(640, 2880, 16, _1280, _1440, 4.0)
WAN_25_EDIT_GRID = Pixels(384, 2560, 16, _768, _1280, 4.0)
WAN_22_GRID = Pixels(512, 1440, 16, max_area_px=_1440)
QWEN_2_GRID = Pixels(256, 4096, 16, _512, _2048)
QWEN_EDIT_GRID = Pixels(512, 2048, 16)
Z_GRID = Pixels(256, 4096, 16, _512, _2048)

_QWEN_2 = Endpoint(MULTIMODAL, Form.MESSAGES, _WORDED, _EXTENDED, most=3)
_QWEN_TASK = Endpoint(TEXT2IMAGE, Form.PROMPT, _WORDED, _EXTENDED)
_WAN_TASK = Endpoint(TEXT2IMAGE, Form.PROMPT, _WORDED, _EXTENDED)

ENDPOINTS: Mapping[str, Endpoint] = {
    "qwen-image-2.0-pro": _QWEN_2,
    "qwen-image-2.0": _QWEN_2,
    "qwen-image-max": Endpoint(MULTIMODAL, Form.MESSAGES, _WORDED, _EXTENDED),
    "qwen-image-plus": _QWEN_TASK,
    "qwen-image": _QWEN_TASK,
    "qwen-image-edit-max": _QWEN_2,
    "qwen-image-edit-plus": _QWEN_2,
    "qwen-image-edit": _QWEN_2,
    "z-image-turbo": Endpoint(MULTIMODAL, Form.MESSAGES, _SEED, _EXTENDED),
    "wan2.7-image-pro": Endpoint(IMAGE, Form.MESSAGES, _SEED, _WAN_27, most=9, beside=WAN_27_GRID),
    "wan2.7-image": Endpoint(IMAGE, Form.MESSAGES, _SEED, _WAN_27, most=9),
    "wan2.6-t2i": Endpoint(IMAGE, Form.MESSAGES, _WORDED, _EXTENDED),
    "wan2.5-t2i-preview": _WAN_TASK,
    "wan2.2-t2i-plus": _WAN_TASK,
    "wan2.2-t2i-flash": _WAN_TASK,
    "wan2.5-i2i-preview": Endpoint(IMAGE2IMAGE, Form.IMAGES, _WORDED, _EXTENDED, most=3),
    "wanx2.1-imageedit": Endpoint(
        IMAGE2IMAGE,
        Form.FUNCTION,
        _SEED | {"strength", "feather"},
        _PLAIN | {"function", "is_sketch"},
        most=1,
    ),
}
