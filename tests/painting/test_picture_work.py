"""Edits, fills, cuts, segments, styles and sizes of existing pictures."""

import numpy as np
import pytest

from heliostat.painting import Easel
from tests.painting.pictures import box_mask, disc_on_ground, encoded, opened, pixels

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("prompt", ["a red house", "", "a sunset over the sea", "three yellow circles"])
async def test_fill_changes_masked_pixels_and_no_others(easel: Easel, prompt: str) -> None:
    """Outside of the mask every pixel is the same; inside, most of a disc is repainted."""
    image = disc_on_ground()
    filled = pixels(await easel.fill(image, box_mask(128, 128, 30, 30, 98, 110), prompt))
    changed = np.abs(filled - pixels(image)).sum(axis=2) > 0
    inside = np.zeros((128, 128), bool)
    inside[30:110, 30:98] = True
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.3


async def test_an_empty_prompt_heals_from_the_surroundings(easel: Easel) -> None:
    """A disc that is masked whole disappears into its ground."""
    healed = pixels(await easel.fill(disc_on_ground(), box_mask(128, 128, 16, 16, 112, 112), ""))
    assert np.abs(healed[64, 64] - (40, 80, 170)).max() < 30


async def test_fill_with_an_empty_mask_changes_nothing(easel: Easel) -> None:
    """No white in the mask, no change."""
    image = disc_on_ground()
    assert np.array_equal(pixels(await easel.fill(image, box_mask(128, 128, 0, 0, 0, 0), "a cat")), pixels(image))


async def test_masks_convert_both_ways_exactly(easel: Easel) -> None:
    """Every level of a mask survives the way to OpenAI's alpha and back; alpha is its complement."""
    levels = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    alpha = await easel.mask_to_alpha(encoded(levels))
    assert np.array_equal(pixels(alpha, "RGBA")[:, :, 3], 255 - levels)
    back = opened(await easel.alpha_to_mask(alpha))
    assert back.mode == "L"
    assert np.array_equal(np.asarray(back), levels)


async def test_a_mask_without_alpha_is_read_as_luminance(easel: Easel) -> None:
    """White repaints."""
    mask = box_mask(20, 10, 5, 2, 9, 8)
    assert np.array_equal(pixels(await easel.alpha_to_mask(mask), "L"), pixels(mask, "L"))


@pytest.mark.parametrize(
    ("target", "size"),
    [
        ({"factor": 2.0}, (128, 96)),
        ({"factor": 1.5}, (96, 72)),
        ({"width": 200}, (200, 150)),
        ({"height": 200}, (267, 200)),
        ({"width": 100, "height": 100}, (100, 100)),
    ],
)
async def test_upscale_has_the_asked_size(easel: Easel, target: dict[str, float], size: tuple[int, int]) -> None:
    """By factor, by both edges, or by one that keeps the ratio."""
    image = await easel.paint("a lake", 64, 48)
    assert opened(await easel.upscale(image, **target)).size == size  # type: ignore[arg-type]


@pytest.mark.parametrize("target", [{}, {"factor": 2, "width": 9}, {"factor": 0}, {"width": 9000, "height": 9000}])
async def test_upscale_refuses_unclear_and_oversized_targets(easel: Easel, target: dict[str, float]) -> None:
    """Neither, both, nothing, or above 64 Mpx."""
    with pytest.raises(ValueError, match=r".+"):
        await easel.upscale(disc_on_ground(), **target)  # type: ignore[arg-type]


@pytest.mark.parametrize("textured", [False, True])
async def test_background_removal_keeps_the_centred_thing(easel: Easel, textured: bool) -> None:
    """The disc stays opaque with its colours, the corners go, on flat and on textured ground."""
    cut = pixels(await easel.remove_background(disc_on_ground(textured=textured)), "RGBA")
    assert [int(cut[row, column, 3]) for row, column in ((0, 0), (0, 127), (127, 0), (127, 127))] == [0, 0, 0, 0]
    assert cut[64, 64].tolist() == [220, 40, 40, 255]
    opaque = (cut[:, :, 3] > 127).mean()
    assert 0.8 * np.pi / 9 < opaque < 1.2 * np.pi / 9


@pytest.mark.parametrize(
    "asked", [{"points": [(64, 64)]}, {"box": (16, 16, 112, 112)}, {"labels": ["red disc"]}, {"labels": ["subject"]}]
)
async def test_segments_of_the_disc_are_the_disc(easel: Easel, asked: dict[str, object]) -> None:
    """By point, box, colour and as the subject: the same area within a fifth, and only 0 and 255."""
    [(_, mask)] = await easel.segment(disc_on_ground(textured=True), **asked)  # type: ignore[arg-type]
    picture = opened(mask)
    values = np.asarray(picture)
    truth = pixels(disc_on_ground())[:, :, 0] > 150
    assert (picture.mode, picture.size) == ("L", (128, 128))
    assert set(np.unique(values)) == {0, 255}
    both, either = ((values > 0) & truth).sum(), ((values > 0) | truth).sum()
    assert both / either > 0.8


async def test_sky_lies_above_the_sea(easel: Easel) -> None:
    """Labels come back in order with masks in the right half."""
    image = await easel.paint("the sea at noon", 160, 120)
    found = dict(await easel.segment(image, labels=["sky", "water"]))
    rows = {label: np.nonzero(pixels(mask, "L"))[0].mean() for label, mask in found.items()}
    assert list(found) == ["sky", "water"]
    assert rows["sky"] < 60 < rows["water"]


async def test_everything_is_segmented_largest_first(easel: Easel) -> None:
    """Without a question: disjoint segments in falling size."""
    found = await easel.segment(disc_on_ground())
    masks = [pixels(mask, "L") > 0 for _, mask in found]
    sizes = [int(mask.sum()) for mask in masks]
    assert len(found) == 2
    assert sizes == sorted(sizes, reverse=True)
    assert not (masks[0] & masks[1]).any()


@pytest.mark.parametrize("asked", [{"points": [(128, 0)]}, {"box": (10, 10, 10, 20)}, {"box": (0, 0, 129, 20)}])
async def test_segments_outside_of_the_picture_are_refused(easel: Easel, asked: dict[str, object]) -> None:
    """Points and boxes lie inside."""
    with pytest.raises(ValueError, match=r"outside|empty"):
        await easel.segment(disc_on_ground(), **asked)  # type: ignore[arg-type]


async def test_outpaint_keeps_the_old_picture_and_adds_around_it(easel: Easel) -> None:
    """The old pixels are the same, at their offset; the new ones are not empty."""
    image = await easel.paint("a sunset over mountains", 96, 64)
    for prompt in ("", "a lake at sunset"):
        wide = pixels(await easel.outpaint(image, left=40, right=24, top=10, bottom=30, prompt=prompt))
        assert wide.shape == (104, 160, 3)
        assert np.array_equal(wide[10:74, 40:136], pixels(image))
        assert wide[:, :40].std() > 5
    with pytest.raises(ValueError, match="negative"):
        await easel.outpaint(image, left=-1)


async def test_edits_follow_their_words(easel: Easel) -> None:
    """Darker at night, redder when red is asked for, text in its place; strength 0 keeps the picture."""
    image = await easel.paint("a lake at noon", 128, 96)
    before = pixels(image)
    night = pixels(await easel.edit(image, "make it night", strength=1.0))
    red = pixels(await easel.edit(image, "turn it red", strength=1.0))
    text = pixels(await easel.edit(image, 'add the text "HI"', strength=1.0))
    kept = pixels(await easel.edit(image, "make it night", strength=0.0))
    assert night.mean() < 0.6 * before.mean()
    assert red[:, :, 0].mean() - red[:, :, 2].mean() > 60
    assert (np.abs(text - before).sum(axis=2) > 60)[:50].any()
    assert not (np.abs(text - before).sum(axis=2) > 0)[60:].any()
    assert np.array_equal(kept, before)


async def test_an_edit_without_a_known_word_is_visible_and_repeatable(easel: Easel) -> None:
    """The seed speaks where the vocabulary is silent."""
    image = disc_on_ground()
    first = await easel.edit(image, "flurble the snork", seed=3)
    assert first == await easel.edit(image, "flurble the snork", seed=3)
    assert np.abs(pixels(first) - pixels(image)).mean() > 5


STYLES = ["watercolor", "pencil sketch", "oil painting", "pixel art", "comic", "sepia", "film noir", "neon", "pop art",
          "pastel", "vintage", "black and white", "no style that anybody knows"]  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
async def test_each_style_keeps_the_size_and_shows(easel: Easel, style: str) -> None:
    """Every style changes the picture; strength 0 does not."""
    image = await easel.paint("a house in a meadow", 120, 80)
    styled = pixels(await easel.restyle(image, style, strength=1.0))
    assert styled.shape == (80, 120, 3)
    assert np.abs(styled - pixels(image)).mean() > 4
    assert np.array_equal(pixels(await easel.restyle(image, style, strength=0.0)), pixels(image))


async def test_a_style_image_lends_its_palette(easel: Easel) -> None:
    """A blue picture gets the mean colours of a warm one."""
    image, warm = await easel.paint("the sea at noon", 96, 64), await easel.paint("a desert at sunset", 64, 64)
    styled = pixels(await easel.restyle(image, "", strength=1.0, style_image=warm)).mean(axis=(0, 1))
    assert styled[0] > styled[2]


async def test_variations_move_away_as_similarity_falls(easel: Easel) -> None:
    """The same size, never the same picture, further away for less similarity."""
    image = await easel.paint("a lake with mountains", 96, 64)
    close = pixels(await easel.vary(image, similarity=0.95, seed=1))
    far = pixels(await easel.vary(image, similarity=0.1, seed=1))
    assert close.shape == far.shape == (64, 96, 3)
    assert 0 < np.abs(close - pixels(image)).mean() < np.abs(far - pixels(image)).mean()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
async def test_shares_outside_of_0_to_1_are_refused(easel: Easel, share: float) -> None:
    """Strength and similarity are 0..1."""
    for job in (
        easel.edit(disc_on_ground(), "night", strength=share),
        easel.restyle(disc_on_ground(), "oil", strength=share),
        easel.vary(disc_on_ground(), similarity=share),
    ):
        with pytest.raises(ValueError, match=r"0\.\.1"):
            await job


async def test_transparency_survives_work_and_lossless_conversion(easel: Easel) -> None:
    """RGBA goes through edits, styles, variations, upscaling and WebP with its alpha; JPEG lays it on white."""
    cut = await easel.remove_background(disc_on_ground())
    for job in (easel.edit(cut, "warmer"), easel.restyle(cut, "oil"), easel.vary(cut), easel.upscale(cut, factor=2),
                easel.convert(cut, media_type="image/webp")):  # fmt: skip
        alpha = pixels(await job, "RGBA")[:, :, 3]
        assert alpha[0, 0] == 0
        assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255
    assert pixels(await easel.convert(cut, media_type="image/jpeg"))[0, 0].min() > 250
