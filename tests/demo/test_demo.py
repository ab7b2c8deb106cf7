"""`make demo`: the whole story with shorter waits, its bill and its sheet; and what they are made of."""

import asyncio
import io
import re
from pathlib import Path

from PIL import Image

from heliostat.demo.__main__ import QUICK, perform
from heliostat.demo.contact_sheet import draw_sheet
from heliostat.demo.desk import Bills
from heliostat.demo.story import Frame, Waits, money, total
from heliostat.demo.terminal import Terminal

# Replicate and bfl 0.04 each, flux-2-turbo 0.008 a megapixel (a begun one counts), fill 0.05 and 0.04, sam-2 0.001 a
# second, clarity 0.0038; gpt-image-2 goes by tokens of prompt and picture; the studio is free and no provider.
_FIXED_MICROS = 40_000 + 40_000 + 8_000 + 50_000 + 1_000 + 40_000 + 3_800


async def test_the_story_is_played_and_billed(tmp_path: Path) -> None:
    """Eight pictures are billed; without a gateway the call that was sent three times is bought three times."""
    out, sheet = io.StringIO(), tmp_path / "sheets" / "sheet.png"
    async with asyncio.timeout(300):
        bills = await perform(Terminal(out, pace=0, colour=False), tmp_path / "demo", sheet, QUICK)
    told = out.getvalue()
    library = bills.micros - _FIXED_MICROS
    assert (bills.pictures, bills.naive_pictures) == (8, 10)
    assert bills.naive_micros == bills.micros + 2 * library
    assert 10_000 < library < 100_000
    assert re.search(r"✗ replicate +503, unavailable · not billed\n +✓ bfl ", told)
    assert re.search(r"✗ fal +429, slow down · not billed\n +✓ fal ", told)
    assert told.count("the library sends it again") == 2
    assert f"billed by the providers     8 pictures     {total(bills.micros)}" in told
    assert "\x1b" not in told
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        assert image.size == (1200, 1400)


def test_a_stock_library_sends_three_calls_and_the_third_is_answered() -> None:
    """Half a second and a second between its time-outs: the provider's answer comes a second or more after the second
    one and before the third would be over.
    """
    for waits in (Waits(), QUICK):
        second_ends, third_ends = 2 * waits.timeout + 0.5, 3 * waits.timeout + 1.5
        assert second_ends + 1 <= waits.slow <= third_ends - 1


def test_the_sheet_has_a_card_for_each_picture(tmp_path: Path) -> None:
    """Each frame's own colour is where its card is; rows grow with the frames."""
    colours = [(220, 30, 30), (30, 160, 60), (40, 60, 200), (230, 190, 20)]
    frames = [Frame(f"Step {n}", "a step", _plain(colour), "m", "p", 1000 * n, 1.0) for n, colour in enumerate(colours)]
    file = tmp_path / "sheet.png"
    draw_sheet(frames, Bills(4, 6000, 12, 18_000), file)
    with Image.open(file) as image:
        assert image.size == (1200, 132 + 2 * (264 + 78 + 24) + 170)
        seen = [
            image.getpixel((48 + column * 376 + 176, 132 + row * 366 + 132))
            for row, column in ((0, 0), (0, 1), (0, 2), (1, 0))
        ]
    assert seen == colours


def test_money_reads_as_people_write_it() -> None:
    """Cents as cents, less as far as it goes, sums alike."""
    assert [money(micros) for micros in (0, 40_000, 3_200, 1_500_000, 800)] == [
        "free",
        "$0.04",
        "$0.0032",
        "$1.50",
        "$0.0008",
    ]
    assert total(191_000) == "$0.1910"


def _plain(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "PNG")
    return out.getvalue()
