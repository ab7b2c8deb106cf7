"""Together AI's models that are emulated, and their prices: docs.together.ai and price files of 2026, read 2026-11-22.

FLUX costs by megapixel (a million px), and more where more steps than the usual ones are asked for; others by picture.
Of FLUX.2 no price of Together's was seen: the maker's own for one megapixel stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MICROS = 1_000_000
MEGAPIXEL_PX = 1_000_000


@dataclass(frozen=True)
class TogetherModel:
    """One model: its price in US dollars, by megapixel or by picture, and where its pictures go in."""

    name: str
    price: Fraction
    by_megapixel: bool = False
    usual_steps: int = 0
    image_field: str = ""
    needs_image: bool = False
    low_px: int = 64
    high_px: int = 4096
    step_px: int = 8

    def micros(self, size: tuple[int, int], steps: int, count: int) -> int:
        """Price `count` pictures of a size in whole micro-USD, rounded half up."""
        each = self.price
        if self.by_megapixel:
            each *= Fraction(size[0] * size[1], MEGAPIXEL_PX)
        if self.usual_steps:
            each *= max(Fraction(1), Fraction(steps or self.usual_steps, self.usual_steps))
        return int(each * count * MICROS + Fraction(1, 2))


def _flux(name: str, price: str, steps: int = 28, image_field: str = "", needs_image: bool = False) -> TogetherModel:
    return TogetherModel(
        f"black-forest-labs/FLUX.{name}", Fraction(price), True, steps, image_field, needs_image, 256, 1440, 16
    )


def _flux_2(name: str, price: str) -> TogetherModel:
    return TogetherModel(
        f"black-forest-labs/FLUX.2-{name}", Fraction(price), image_field="reference_images", step_px=16
    )


def _flat(name: str, price: str, image_field: str = "", needs_image: bool = False) -> TogetherModel:
    return TogetherModel(name, Fraction(price), image_field=image_field, needs_image=needs_image)


MODELS = (
    _flux("1-schnell", "0.0027", 4),
    _flux("1-dev", "0.025"),
    _flux("1-dev-lora", "0.025"),
    _flux("1-krea-dev", "0.025"),
    _flux("1-kontext-dev", "0.025", image_field="image_url", needs_image=True),
    _flux("1-pro", "0.05"),
    _flux("1.1-pro", "0.04"),
    _flux("1-kontext-pro", "0.04", image_field="image_url"),
    _flux("1-kontext-max", "0.08", image_field="image_url"),
    _flux_2("pro", "0.03"),
    _flux_2("dev", "0.03"),
    _flux_2("flex", "0.05"),
    _flux_2("max", "0.07"),
    _flat("google/imagen-4.0-preview", "0.04"),
    _flat("google/imagen-4.0-fast", "0.02"),
    _flat("google/imagen-4.0-ultra", "0.06"),
    _flat("google/flash-image-2.5", "0.039", "reference_images"),
    _flat("ByteDance-Seed/Seedream-3.0", "0.018"),
    _flat("ByteDance-Seed/Seedream-4.0", "0.03"),
    _flat("ByteDance-Seed/SeedEdit", "0.03", "image_url", True),
    _flat("Qwen/Qwen-Image", "0.0058"),
    _flat("Qwen/Qwen-Image-Edit", "0.0032", "image_url", True),
    _flat("ideogram/ideogram-3.0", "0.06"),
    _flat("stabilityai/stable-diffusion-xl-base-1.0", "0.0019"),
    _flat("stabilityai/stable-diffusion-3-medium", "0.0019"),
    _flat("HiDream-ai/HiDream-I1-Full", "0.009"),
    _flat("HiDream-ai/HiDream-I1-Dev", "0.0045"),
    _flat("HiDream-ai/HiDream-I1-Fast", "0.0032"),
    _flat("RunDiffusion/Juggernaut-pro-flux", "0.0049"),
    _flat("Rundiffusion/Juggernaut-Lightning-Flux", "0.0017"),
)
BY_NAME = {model.name: model for model in MODELS}
