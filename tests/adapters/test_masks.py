"""A mask means the same to every provider: exact from any convention to any, and only what it says is repainted."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from heliostat.adapters.openai import MODULE as OPENAI
from heliostat.adapters.sdk.masks import MaskForm, MaskMisfit, MaskOrder, ShapedMask, shape_mask
from heliostat.adapters.studio import MODULE as STUDIO
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
from heliostat.emulators import EmulatorServer, create_app
from tests.adapters.emulated import running
from tests.adapters.served import Answer, Room, media, opened, served, wish
from tests.emulators.conftest import PlainEasel

SIZE = (24, 16)
FORMS = {
    MaskForm.WHITE_REPAINTS: requests.MASK_MODE_WHITE_REPAINTS,
    MaskForm.BLACK_REPAINTS: requests.MASK_MODE_BLACK_REPAINTS,
    MaskForm.ALPHA_REPAINTS: requests.MASK_MODE_ALPHA_REPAINTS,
}
AUTO = requests.MASK_MODE_UNSPECIFIED
CONVERTED, EMULATED = event_pb2.ADJUSTMENT_MODE_CONVERTED, event_pb2.ADJUSTMENT_MODE_EMULATED


def shaped(
    mask: Image.Image | bytes, mode: int = AUTO, form: MaskForm = MaskForm.WHITE_REPAINTS, **how: Any
) -> ShapedMask:
    """A mask, shaped for a picture of SIZE."""
    data = mask if isinstance(mask, bytes) else png(mask)
    width, height = how.get("size", SIZE)
    return shape_mask(data, MaskOrder(mode, how.get("feather", 0), width, height, form))


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def levels(mask: Image.Image) -> bytes:
    """The channel that counts."""
    return (mask.getchannel("A") if mask.mode == "RGBA" else mask).tobytes()


def half(mode: str = "L", size: tuple[int, int] = SIZE) -> Image.Image:
    """White on the left, black on the right."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask.convert(mode)


@given(
    levels_given=st.binary(min_size=SIZE[0] * SIZE[1], max_size=SIZE[0] * SIZE[1]), path=st.permutations(list(FORMS))
)
def test_a_round_trip_through_all_three_polarities_is_exact(levels_given: bytes, path: list[MaskForm]) -> None:
    """Whatever levels it has, soft ones too, and in whichever order."""
    mask = png(Image.frombytes("L", SIZE, levels_given))
    mode: int = requests.MASK_MODE_WHITE_REPAINTS
    for form in (*path, MaskForm.WHITE_REPAINTS):
        mask, mode = shaped(mask, mode, form).data, FORMS[form]
    assert opened(mask).tobytes() == levels_given


@pytest.mark.parametrize("form", list(FORMS), ids=lambda form: form.value)
@pytest.mark.parametrize("kind", ["white", "black", "alpha"])
def test_each_convention_is_turned_into_each_providers(kind: str, form: MaskForm) -> None:
    """255 is repaint inside; the provider's polarity outside."""
    mask = half()
    if kind == "black":
        mask = mask.point(lambda level: 255 - level)
    elif kind == "alpha":
        mask = Image.merge("RGBA", (half(), half(), half(), half().point(lambda level: 255 - level)))
    mode = {"white": 1, "alpha": 2, "black": 3}[kind]
    sent = levels(opened(shaped(mask, mode, form).data))
    expected = half().tobytes()
    assert sent == (expected if form is MaskForm.WHITE_REPAINTS else bytes(255 - level for level in expected))


def with_alpha(alpha: Image.Image, colours: Image.Image) -> Image.Image:
    """An RGBA picture of both."""
    picture = colours.convert("RGBA")
    picture.putalpha(alpha)
    return picture


RIGHT_HALF = half().point(lambda level: 255 - level)
PHOTO = Image.effect_mandelbrot(SIZE, (-2, -1.5, 1, 1.5), 20).convert("RGB")
OPAQUE = Image.new("L", SIZE, 255)
TOP = Image.new("L", SIZE, 255)
TOP.paste(0, (0, 0, SIZE[0], 4))


@pytest.mark.parametrize(
    ("mask", "repainted", "read_as", "doubtful"),
    [
        (half(), half(), "white", False),
        (half("1"), half(), "white", False),
        (half("RGB"), half(), "white", False),
        (half("P"), half(), "white", False),
        (half("LA"), half(), "white", True),
        (with_alpha(RIGHT_HALF, PHOTO), half(), "alpha", False),
        (with_alpha(RIGHT_HALF, Image.new("RGB", SIZE)), half(), "alpha", False),
        (with_alpha(OPAQUE, half("RGB")), half(), "white", True),
        (with_alpha(TOP, half("RGB")), TOP.point(lambda level: 255 - level), "alpha", True),
        (Image.frombytes("I;16", SIZE, b"\xff\xff" * 12 * 16 + b"\0\0" * 12 * 16), None, "white", False),
    ],
    ids=["L", "1", "RGB", "P", "LA opaque", "hole in a photo", "hole", "RGBA opaque", "drawn with a hole", "16 bits"],
)
def test_without_a_mode_the_mask_itself_says_how_it_is_read(
    mask: Image.Image, repainted: Image.Image | None, read_as: str, doubtful: bool
) -> None:
    """Transparency counts where there is any, else white; where it may mean something else, the caller hears of it."""
    made = shaped(mask)
    assert (made.read_as, bool(made.doubt)) == (read_as, doubtful)
    if repainted is not None:
        assert opened(made.data).tobytes() == repainted.convert("L").tobytes()


@pytest.mark.parametrize("level", [0, 1, 255, 256, 257, 1000, 32_896, 65_278, 65_535])
def test_sixteen_bits_are_brought_down_and_not_clipped(level: int) -> None:
    """A level of 1000 is nearly black."""
    mask = Image.frombytes("I;16", SIZE, level.to_bytes(2, "little") * SIZE[0] * SIZE[1])
    assert set(opened(shaped(mask).data).tobytes()) == {round(level / 257)}


def test_a_mode_that_is_given_leaves_nothing_to_guess() -> None:
    """The same mask, read three ways, without a doubt."""
    mask = with_alpha(TOP, half("RGB"))
    made = {mode: shaped(mask, mode) for mode in FORMS.values()}
    assert {one.doubt for one in made.values()} == {""}
    assert len({one.data for one in made.values()}) == 3


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_a_hard_mask_stays_hard_when_it_is_stretched(factor: int) -> None:
    """Up, and down again to where it came from."""
    large = (SIZE[0] * factor, SIZE[1] * factor)
    stretched = shaped(half(), size=large)
    assert stretched.given_size == SIZE
    assert opened(stretched.data).tobytes() == half(size=large).tobytes()
    assert opened(shaped(stretched.data).data).tobytes() == half().tobytes()


def test_a_mask_of_another_shape_is_no_mask_of_this_picture() -> None:
    """Stretching it would move what it says."""
    with pytest.raises(MaskMisfit, match="24x16"):
        shaped(half(), size=(16, 24))


def test_feather_softens_the_border_and_nothing_far_from_it() -> None:
    """The share that is repainted is told of the mask as it came."""
    row = opened(shaped(half(size=(240, 16)), size=(240, 16), feather=3).data).crop((0, 8, 240, 9)).tobytes()
    assert sorted(row, reverse=True) == list(row)
    assert len(set(row)) > 5
    assert (row[:100], row[140:]) == (b"\xff" * 100, bytes(100))
    assert shaped(half(), feather=3).repainted == 0.5


def test_an_upright_mask_is_made_of_one_that_lies() -> None:
    """EXIF says how to hold it."""
    lying = half().rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    lying.save(out, "PNG", exif=exif)
    assert opened(shaped(out.getvalue()).data).tobytes() == half().tobytes()


# A provider, a model of it that repaints, its settings, and the size of the picture it is sent.
INPAINTERS = [
    ("openai", "gpt-image-2", (1024, 1024)),
    ("compat", "qwen-image-edit", (64, 64)),
    ("fal", "fal-ai/flux-pro/v1/fill", (64, 64)),
    ("bfl", "flux-pro-1.0-fill", (64, 64)),
    ("replicate", "black-forest-labs/flux-fill-pro", (64, 64)),
    ("recraft", "recraftv3", (256, 256)),
    ("ideogram", "ideogram-3", (256, 256)),
    ("stability", "edit/inpaint", (256, 256)),
    ("studio", "studio", (96, 64)),
]


# OpenAI itself, and a server that speaks its API and reads masks the other way round.
OPENAIS: dict[str, dict[str, Any]] = {"openai": {}, "compat": {"compatible": True, "white_mask": True}}


@asynccontextmanager
async def inpainter(provider: str, folder: Path) -> AsyncIterator[Room]:
    """The adapter of a provider over its emulator; the studio paints itself."""
    if provider == "studio":
        async with served(STUDIO, folder) as room:
            yield room
    elif provider in OPENAIS:
        server = EmulatorServer(create_app(PlainEasel(), job_seconds=0))
        own = {
            "base_url": f"{await server.start()}/{provider}/v1",
            "api_key": "env:OPENAI_API_KEY",
            **OPENAIS[provider],
        }
        try:
            async with served(OPENAI, folder, own) as room:
                yield room
        finally:
            await server.stop()
    else:
        async with running(provider, folder) as one:
            yield one.room


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider has a key."""
    names = ("FAL_KEY", "BFL_API_KEY", "REPLICATE_API_TOKEN", "OPENAI_API_KEY")
    for name in (*names, "RECRAFT_API_TOKEN", "IDEOGRAM_API_KEY", "STABILITY_API_KEY"):
        monkeypatch.setenv(name, "canary")


@pytest.mark.parametrize(("provider", "model", "size"), INPAINTERS, ids=[each[0] for each in INPAINTERS])
async def test_an_inpaint_changes_only_what_the_mask_says(
    provider: str, model: str, size: tuple[int, int], tmp_path: Path
) -> None:
    """Every pixel outside of it is the caller's own, whichever way the mask was said and is read."""
    picture = Image.effect_noise(size, 60).convert("RGB")
    box = (size[0] // 4, size[1] // 4, size[0] // 2, size[1] * 3 // 4)
    white = Image.new("L", size, 0)
    white.paste(255, box)
    black = white.point(lambda level: 255 - level)
    kinds = [
        (white, requests.MASK_MODE_WHITE_REPAINTS),
        (black, requests.MASK_MODE_BLACK_REPAINTS),
        (with_alpha(black, picture), requests.MASK_MODE_ALPHA_REPAINTS),
    ]
    output = requests.Output(media_type="image/png")
    async with inpainter(provider, tmp_path) as room:
        for mask, mode in kinds:
            edit = requests.Edit(image=media(picture), mask=media(mask), mask_mode=mode)
            answer = await room.ask(model, wish("a red circle", edit=edit, output=output))
            assert answer.error is None
            drawn = opened(answer.pictures[0]).convert("RGB")
            assert drawn.size == size
            assert drawn.crop(box).tobytes() != picture.crop(box).tobytes()
            drawn.paste(picture.crop(box), box)
            assert drawn.tobytes() == picture.tobytes()


def told(answer: Answer) -> list[tuple[str, str, str, int]]:
    """What the caller hears of the mask."""
    return [(one.parameter, one.requested, one.sent, one.mode) for one in answer.result.adjustments]


@pytest.mark.parametrize(
    ("mask", "how", "expected"),
    [
        (half(), {}, []),
        (with_alpha(OPAQUE, half("RGB")), {}, [("mask_mode", "auto", "white", CONVERTED)]),
        (half(size=(12, 8)), {}, [("mask", "12x8", "24x16", CONVERTED)]),
        (half(), {"feather_px": 2}, [("mask_feather", "2", "", EMULATED)]),
        (Image.new("L", SIZE), {}, [("mask", "white", "nothing", CONVERTED)]),
    ],
    ids=["as it is", "ambiguous", "stretched", "feathered", "empty"],
)
async def test_what_is_made_of_a_mask_is_told_or_refused(
    mask: Image.Image, how: dict[str, Any], expected: list[tuple[str, str, str, int]], tmp_path: Path
) -> None:
    """A strict request is refused before anything is painted, unless it got what it asked for."""
    edit = requests.Edit(image=media(PHOTO), mask=media(mask), **how)
    async with served(STUDIO, tmp_path) as room:
        answer = await room.ask("studio", edit=edit)
        strict = await room.ask("studio", edit=edit, strict=requests.STRICT_REFUSE)
    assert told(answer) == expected
    if any(mode == CONVERTED for *_, mode in expected):
        assert (reason_name(strict.failure.reason), strict.failure.field) == ("unsupported", expected[0][0])
    else:
        assert strict.error is None
