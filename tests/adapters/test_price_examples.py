"""Every worked price of the providers' own pages and of our notes on them, to the micro-dollar, by the shipped lists.

A figure that a page gives in fewer digits stands beside ours and has to agree when ours is rounded to them.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pytest

from heliostat.adapters.sdk import Order, per_megapixel
from heliostat.adapters.sdk.costing import read_cost
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.sdk.pricing import Pricing
from heliostat.api.image.v1 import event_pb2

Size = tuple[int, int]
SQUARE = (1024, 1024)
ONE_MP, TWO_MP, FOUR_MP = SQUARE, (1920, 1088), (2048, 2048)


@dataclass(frozen=True)
class Example:
    """A price: by `usage` as it was reported, else as an order is estimated."""

    provider: str
    model: str
    order: Order
    micros: int
    words: str
    stated: str = ""
    usage: event_pb2.Usage | None = None
    price: Pricing | None = None

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}: {self.words}"


def order(
    size: Size = (0, 0), count: int = 1, *, refs: int = 0, ref: Size = SQUARE, steps: int = 0, **words: str
) -> Order:
    """So many pictures of a size, with so many references."""
    operation = words.pop("operation", "text_to_image")
    return Order(*size, count, words, input_sizes=[SQUARE] * refs, input_count=refs, steps=steps, operation=operation)


def tokens(image_out: int, text_in: int = 0, image_in: int = 0, text_out: int = 0) -> event_pb2.Usage:
    """Reported tokens by kind."""
    return event_pb2.Usage(
        output_image_token_count=image_out,
        input_text_token_count=text_in,
        input_image_token_count=image_in,
        output_text_token_count=text_out,
    )


def by_tokens(provider: str, model: str, count: int, micros: int, stated: str, words: str) -> Example:
    """The price of one picture of so many tokens."""
    return Example(provider, model, order(), micros, words, stated, tokens(count))


GPT_1_TOKENS = {
    "low": (272, 408, 400),
    "medium": (1056, 1584, 1568),
    "high": (4160, 6240, 6208),
}
OPENAI = [
    Example(
        "openai", "gpt-image-2", order(), 58_930, "medium square, 50 tokens of prompt, 2 previews", ".0589",
        tokens(1756 + 200, text_in=50),
    ),
    # The published table of gpt-image-2, by the formula; an estimate has 6 tokens of prompt at 5 USD a million.
    *(
        Example("openai", "gpt-image-2", order(size, quality=quality), count * 30 + 30, f"{quality} {size}")
        for size, counts in (
            ((1024, 1024), (196, 1756, 7024)),
            ((1536, 1024), (158, 1372, 5488)),
            ((1024, 1536), (158, 1372, 5488)),
            ((2560, 1440), (205, 1843, 7370)),
            ((3840, 2160), (371, 3336, 13_342)),
        )
        for quality, count in zip(("low", "medium", "high"), counts, strict=True)
    ),
    by_tokens("openai", "gpt-image-2", 196, 5_880, ".0059", "low square"),
    by_tokens("openai", "gpt-image-2", 1756, 52_680, ".0527", "medium square"),
    by_tokens("openai", "gpt-image-2", 7024, 210_720, ".2107", "high square"),
    by_tokens("openai", "gpt-image-2", 158, 4_740, ".0047", "low rectangle"),
    by_tokens("openai", "gpt-image-2", 1372, 41_160, ".0412", "medium rectangle"),
    by_tokens("openai", "gpt-image-2", 5488, 164_640, ".1646", "high rectangle"),
    by_tokens("openai", "gpt-image-2", 205, 6_150, ".0062", "low 2560x1440"),
    by_tokens("openai", "gpt-image-2", 1843, 55_290, ".0553", "medium 2560x1440"),
    by_tokens("openai", "gpt-image-2", 7370, 221_100, ".2211", "high 2560x1440"),
    by_tokens("openai", "gpt-image-2", 371, 11_130, ".0111", "low 4K"),
    by_tokens("openai", "gpt-image-2", 3336, 100_080, ".1001", "medium 4K"),
    by_tokens("openai", "gpt-image-2", 13_342, 400_260, ".4003", "high 4K"),
    *(
        Example("openai", "gpt-image-2.5-flare", order(SQUARE, quality=quality), count * 30 + 30, f"{quality} square")
        for quality, count in (("low", 196), ("medium", 781), ("high", 1756), ("xhigh", 3951), ("max", 7024))
    ),
    by_tokens("openai", "gpt-image-2.5-flare", 781, 23_430, ".023", "medium square"),
    by_tokens("openai", "gpt-image-2.5-flare", 3951, 118_530, ".119", "xhigh square"),
    *(
        Example("openai", model, order(size, quality=quality), count * rate + 30, f"{quality} {size}")
        for model, rate in (("gpt-image-1", 40), ("gpt-image-1.5", 32))
        for quality, counts in GPT_1_TOKENS.items()
        for size, count in zip(((1024, 1024), (1024, 1536), (1536, 1024)), counts, strict=True)
    ),
    by_tokens("openai", "gpt-image-1", 272, 10_880, ".011", "low square"),
    by_tokens("openai", "gpt-image-1", 1056, 42_240, ".042", "medium square"),
    by_tokens("openai", "gpt-image-1", 4160, 166_400, ".17", "high square; the page says .167"),
    by_tokens("openai", "gpt-image-1", 408, 16_320, ".016", "low rectangle"),
    by_tokens("openai", "gpt-image-1", 1584, 63_360, ".063", "medium rectangle"),
    by_tokens("openai", "gpt-image-1", 6240, 249_600, ".25", "high rectangle"),
    by_tokens("openai", "gpt-image-1.5", 272, 8_704, ".009", "low square"),
    by_tokens("openai", "gpt-image-1.5", 1056, 33_792, ".034", "medium square"),
    by_tokens("openai", "gpt-image-1.5", 4160, 133_120, ".133", "high square"),
    by_tokens("openai", "gpt-image-1.5", 408, 13_056, ".013", "low rectangle"),
    by_tokens("openai", "gpt-image-1.5", 1568, 50_176, ".05", "medium rectangle"),
    by_tokens("openai", "gpt-image-1.5", 6240, 199_680, ".20", "high rectangle"),
    *(
        Example("openai", "gpt-image-1-mini", order(size, quality=quality), micros, f"quoted {quality} {size}")
        for quality, square, rectangle in (("low", 5_000, 6_000), ("medium", 11_000, 15_000), ("high", 36_000, 52_000))
        for size, micros in ((SQUARE, square), ((1536, 1024), rectangle), ((1024, 1536), rectangle))
    ),
    by_tokens("openai", "gpt-image-1-mini", 272, 2_176, ".0022", "low square, by tokens"),
    by_tokens("openai", "gpt-image-1-mini", 1056, 8_448, ".0084", "medium square, by tokens"),
    by_tokens("openai", "gpt-image-1-mini", 4160, 33_280, ".0333", "high square, by tokens"),
    Example("openai", "dall-e-3", order(SQUARE, quality="standard"), 40_000, "standard square"),
    Example("openai", "dall-e-3", order((1792, 1024), quality="standard"), 80_000, "standard rectangle"),
    Example("openai", "dall-e-3", order(SQUARE, quality="hd"), 80_000, "hd square"),
    Example("openai", "dall-e-3", order((1024, 1792), quality="hd"), 120_000, "hd rectangle"),
    Example("openai", "dall-e-2", order((256, 256)), 16_000, "256"),
    Example("openai", "dall-e-2", order((512, 512)), 18_000, "512"),
    Example("openai", "dall-e-2", order(SQUARE), 20_000, "1024"),
    by_tokens("azure_openai", "gpt-image-2", 1756, 52_680, ".0527", "the same list prices as OpenAI"),
]  # fmt: skip

GEMINI = [
    Example(
        "gemini", "gemini-3-pro-image", order(), 138_000, "2K, 40 tokens of prompt, 1 input of 560, 200 of thoughts",
        ".1380", tokens(1120, text_in=40, image_in=560, text_out=200),
    ),
    *(
        Example(provider, model, order(resolution=tier), micros, tier, stated)
        for provider in ("gemini", "vertex")
        for model, tier, micros, stated in (
            ("gemini-2.5-flash-image", "1K", 38_700, ".0387"),
            ("gemini-3-pro-image", "1K", 134_400, ".1344"),
            ("gemini-3-pro-image", "2K", 134_400, ".1344"),
            ("gemini-3-pro-image", "4K", 240_000, ".24"),
            ("gemini-3.1-flash-image", "0.5K", 44_820, ".045"),
            ("gemini-3.1-flash-image", "1K", 67_200, ".067"),
            ("gemini-3.1-flash-image", "2K", 100_800, ".101"),
            ("gemini-3.1-flash-image", "4K", 151_200, ".151"),
            ("gemini-3.1-flash-lite-image", "1K", 33_600, ".0336"),
            ("gemini-nano-banana-2.1", "1K", 33_600, ".0336"),
            ("gemini-nano-banana-2.1", "2K", 50_400, ".0504"),
            ("gemini-nano-banana-2.1", "4K", 75_600, ".0756"),
        )
    ),
    Example("gemini", "gemini-3-pro-image", order(refs=1), 134_400 + 1_120, "1 input of 560 tokens: .0011 more"),
    Example("vertex", "imagen-4.0-ultra-generate-001", order(count=3), 180_000, "4 asked for, 1 filtered"),
    Example("vertex", "imagen-4.0-generate-001", order(), 40_000, "one picture"),
    Example("vertex", "imagen-4.0-fast-generate-001", order(), 20_000, "one picture"),
]  # fmt: skip

_BFL = ("flux-2-klein-4b", "flux-2-klein-9b", "flux-2-pro", "flux-2-max", "flux-2-flex")
BFL = [
    *(
        Example("bfl", model, asked, round(cents * 10_000), words)
        for asked, words, row in (
            (order(ONE_MP), "1 megapixel", (1.4, 1.5, 3, 7, 5)),
            (order(TWO_MP), "1920x1088, counted as two", (1.5, 1.7, 4.5, 10, 10)),
            (order((1920, 1080)), "1920x1080, counted as two", (1.5, 1.7, 4.5, 10, 10)),
            (order(FOUR_MP), "4 megapixels", (1.7, 2.1, 7.5, 16, 20)),
            (order(ONE_MP, refs=1, operation="edit"), "edit with one reference", (1.5, 1.7, 4.5, 10, 10)),
            (order(ONE_MP, refs=2, operation="edit"), "edit with two references", (1.6, 1.9, 6, 13, 15)),
        )
        for model, cents in zip(_BFL, row, strict=True)
    ),
    *(
        Example("bfl", "flux-3-image", order(resolution=tier), micros, tier)
        for tier, micros in (("768sq", 41_000), ("1k", 48_000), ("1.5k", 70_000), ("2k", 100_000), ("4k", 607_000))
    ),
    Example("bfl", "flux-kontext-pro", order(), 40_000, "4 cents"),
    Example("bfl", "flux-kontext-max", order(), 80_000, "8 cents"),
    Example("bfl", "flux-pro-1.1", order(), 40_000, "4 cents"),
    Example("bfl", "flux-pro-1.1-ultra", order(), 60_000, "6 cents"),
    Example("bfl", "flux-pro-1.0-fill", order(), 50_000, "5 cents"),
]

FAL = [
    Example("fal", "fal-ai/flux/dev", order((1536, 1024), 2), 100_000, "1.5 megapixels count as 2, twice"),
    Example("fal", "fal-ai/flux-2-pro", order((1920, 1080)), 45_000, "1920x1080 is two megapixels"),
    Example("fal", "fal-ai/flux-2-pro", order(ONE_MP, refs=1), 45_000, "edit with one reference"),
    Example("fal", "fal-ai/flux-2-pro/edit", order(ONE_MP, refs=1), 45_000, "the same at its own endpoint"),
    Example("fal", "fal-ai/nano-banana-2", order(resolution="2K"), 120_000, "2K is half as much again"),
    Example("fal", "fal-ai/nano-banana-2", order(resolution="4K"), 160_000, "4K is double"),
    Example("fal", "fal-ai/nano-banana-pro", order(resolution="4K"), 300_000, "4K is double"),
    Example("fal", "fal-ai/flux-pro/v1/fill", order((1536, 1024)), 100_000, "1.57 megapixels count as 2"),
    Example("fal", "fal-ai/topaz/upscale/image", order((12_000, 8_000)), 320_000, "3000x2000 times 4: 96 megapixels"),
    Example(
        "fal", "fal-ai/flux-pro/v1/erase", order(FOUR_MP, refs=1), 58_000, "2048 square, 3 megapixels of input at least"
    ),
    # Where the rounding of megapixels is not published, estimates round up; the examples do not.
    Example(
        "fal", "clarity-upscaler", order(FOUR_MP), 125_829, "4.19 megapixels, not rounded", ".126",
        price=per_megapixel("0.03"),
    ),
    Example("fal", "seedvr", order(FOUR_MP), 4_194, "4.19 megapixels", ".0042", price=per_megapixel("0.001")),
    Example("fal", "fal-ai/clarity-upscaler", order(FOUR_MP), 120_000, "the quote: 4 megapixels of 1,048,576"),
    Example("fal", "fal-ai/seedvr/upscale/image", order(FOUR_MP), 4_000, "the quote"),
]  # fmt: skip

SECONDS = event_pb2.Usage(compute_seconds=8.2)
OTHERS = [
    Example("bedrock", "amazon.nova-canvas-v1:0", order(SQUARE, 3, quality="premium"), 180_000, "3 premium"),
    Example("bedrock", "amazon.nova-canvas-v1:0", order(FOUR_MP, quality="premium"), 80_000, "premium up to 2048"),
    Example("bedrock", "amazon.titan-image-generator-v2:0", order((512, 512), quality="standard"), 8_000, "512"),
    Example("bedrock", "amazon.titan-image-generator-v2:0", order(SQUARE, quality="premium"), 12_000, "premium"),
    Example("cloudflare", "@cf/black-forest-labs/flux-1-schnell", order(SQUARE, steps=4), 634, "4 steps", ".00063"),
    Example("cloudflare", "@cf/black-forest-labs/flux-2-dev", order(SQUARE, steps=25), 41_000, "25 steps"),
    Example("cloudflare", "@cf/black-forest-labs/flux-2-dev", order(SQUARE), 41_000, "25 steps by default"),
    Example("dashscope", "wan2.7-image-pro", order(count=3), 225_000, "4 asked for, 3 succeed"),
    Example("dashscope", "z-image-turbo", order(prompt_extend="true"), 30_000, "prompt extended"),
    Example("dashscope", "z-image-turbo", order(prompt_extend="false"), 15_000, "prompt as it is"),
    Example("dashscope", "wanx2.1-imageedit", order(), 20_070, "0.14 CNY"),
    Example("deepinfra", "black-forest-labs/FLUX-1-schnell", order(SQUARE, steps=4), 2_000, "4 steps"),
    Example("deepinfra", "black-forest-labs/FLUX-1-dev", order(SQUARE, steps=25), 9_000, "25 steps"),
    Example("deepinfra", "black-forest-labs/FLUX-2-dev", order(SQUARE, steps=14), 5_000, "half of 28 steps"),
    Example("fireworks", "accounts/fireworks/models/flux-1-schnell-fp8", order(steps=4), 1_400, "4 steps"),
    Example("fireworks", "accounts/fireworks/models/flux-1-dev-fp8", order(steps=28), 14_000, "28 steps"),
    Example("fireworks", "accounts/fireworks/models/flux-1-dev-fp8", order(steps=30), 15_000, "30 steps"),
    Example("fireworks", "accounts/fireworks/models/stable-diffusion-xl-1024-v1-0", order(steps=30), 3_900, "30 steps"),
    Example("huggingface", "hf-inference/*", order(), 1_200, "10 seconds", usage=event_pb2.Usage(compute_seconds=10)),
    Example("ideogram", "ideogram-3", order(count=4, rendering_speed="quality"), 360_000, "4 pictures, one unsafe"),
    Example("ideogram", "ideogram-3-character", order(count=2, rendering_speed="turbo"), 200_000, "2 of a character"),
    Example("ideogram", "ideogram-4-5", order(quality="high", operation="edit"), 220_000, "precise edit"),
    Example("luma", "photon-1", order((1920, 1080)), 15_000, "one picture of 1080p"),
    Example("luma", "photon-flash-1", order((1920, 1080)), 4_000, "one picture of 1080p"),
    Example("luma", "photon-1", order((1920, 1080)), 15_137, "by megapixels", ".015", price=per_megapixel("0.0073")),
    Example("minimax", "image-01", order(count=2), 7_000, "3 asked for, one filtered"),
    Example("recraft", "recraftv3_vector", order(count=3), 240_000, "3 vectors"),
    Example("replicate", "black-forest-labs/flux-2-pro", order(ONE_MP), 30_000, "1 megapixel"),
    Example("replicate", "black-forest-labs/flux-2-pro", order(ONE_MP, refs=1), 45_000, "with a reference"),
    Example("replicate", "hardware:l40s", order(), 7_995, "8.2 seconds", ".0080", SECONDS),
    Example("runware", "runware:100@1", order(count=4), 5_200, "4 pictures"),
    Example("seedream", "seedream-5-5-261028", order(FOUR_MP, refs=2), 51_000, "one of 2K with 2 references"),
    Example("seedream", "seedream-5-5-261028", order((1280, 1280)), 20_000, "one of 1.5K"),
    Example("seedream", "seedream-4-5-251128", order(count=3), 120_000, "4 asked for, 3 came"),
    Example("seedream", "dola-seedream-5-0-pro-260628", order(SQUARE, refs=3), 51_000, "references after the first"),
    Example("stability", "edit/inpaint", order(), 50_000, "5 credits"),
    Example("stability", "upscale/conservative", order(), 400_000, "40 credits"),
    Example("stability", "stable-image-core", order(count=2), 60_000, "2 requests"),
    Example("together", "black-forest-labs/FLUX.1-schnell", order(SQUARE, steps=4), 2_831, "4 steps", ".00283"),
    Example("together", "black-forest-labs/FLUX.1-schnell", order(SQUARE, steps=2), 2_831, "fewer cost the same"),
    Example("together", "black-forest-labs/FLUX.1-dev", order((1344, 768), steps=28), 25_805, "28 steps", ".0258"),
    Example("together", "black-forest-labs/FLUX.1-dev", order((1000, 1000), steps=56), 50_000, "56 steps"),
    Example("xai", "grok-imagine-image-2.0", order(count=3, quality="low", resolution="1k"), 120_000, "3 of low 1k"),
    Example("xai", "grok-imagine-image-quality", order(refs=3, resolution="2k"), 100_000, "edit with 3 references, 2k"),
    Example("xai", "grok-imagine-image", order(refs=1, operation="edit"), 22_000, "edit of one picture"),
]  # fmt: skip

EXAMPLES = [*OPENAI, *GEMINI, *BFL, *FAL, *OTHERS]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_worked_example_is_exact(example: Example) -> None:
    """To the micro-dollar."""
    price = example.price or shipped(example.provider).tariff(example.model)
    assert price is not None
    found = price.estimate(example.order) if example.usage is None else price.cost(example.order, example.usage)
    assert found == example.micros
    if example.stated:
        exact = Decimal(example.micros).scaleb(-6)
        assert exact.quantize(Decimal(example.stated), rounding=ROUND_HALF_UP) == Decimal(example.stated)


@pytest.mark.parametrize(
    ("value", "unit", "micros", "words"),
    [
        ("0.0147", "1", 14_700, "Leonardo's cost.amount of a job"),
        (240, "0.001", 240_000, "Recraft's credits of 3 vectors"),
        (45, "0.01", 450_000, "Stability's 45 credits of an inpaint and a conservative upscale"),
        (6, "0.01", 60_000, "2 requests of Stability's core"),
        (4.5, "0.01", 45_000, "BFL's credits in the answer to a submit"),
        (1_200_000_000, "0.0000000001", 120_000, "xAI's ticks of 3 pictures"),
        (1_000_000_000, "0.0000000001", 100_000, "xAI's ticks of an edit"),
        (400_000_000, "0.0000000001", 40_000, "xAI's ticks of one picture"),
        (60_000, "0.000001", 60_000, "Ideogram's usd_micros"),
        (6000, "0.00001", 60_000, "Ideogram's credit_millis"),
        (0.0013, "1", 1_300, "Runware's cost"),
    ],
)
def test_a_cost_in_the_providers_own_unit_is_exact(value: object, unit: str, micros: int, words: str) -> None:
    """Credits, ticks and millis are counted in decimals, not in floats."""
    assert read_cost(value, unit=unit).micros == micros, words
