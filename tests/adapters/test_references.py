"""A caller's pictures reach a provider upright, without metadata, in a type and a size that it takes."""

import io
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from heliostat.adapters.sdk import AdapterSettings, Call, Input, InputLimits, MaskForm, Model
from heliostat.adapters.sdk.bench import SharedBench
from heliostat.adapters.sdk.inputs import changed, changes_of, is_recoded
from heliostat.adapters.sdk.picture_metadata import has_metadata, orientation, without_metadata
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.modules import Surroundings

SECRET = b"48.1371N 11.5754E"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CONVERTED, EMULATED = event_pb2.ADJUSTMENT_MODE_CONVERTED, event_pb2.ADJUSTMENT_MODE_EMULATED


def picture(size: tuple[int, int] = (40, 24), mode: str = "RGB") -> Image.Image:
    """Something with a right way up."""
    made = Image.linear_gradient("L").resize(size).convert(mode)
    made.paste(made.resize((4, 4)), (0, 0))
    return made


def encoded(name: str, shown: Image.Image | None = None, **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    (shown or picture()).save(out, name, **options)
    return out.getvalue()


def exif(held: int = 1) -> Image.Exif:
    """Exif with a place, and how the picture is held."""
    made = Image.Exif()
    made[0x010E] = SECRET.decode()
    made[0x0112] = held
    return made


def text() -> PngInfo:
    """Words in a PNG."""
    info = PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return info


def given(data: bytes) -> Input:
    """A picture as the kit read it."""
    return Input(data, read_shape(data))


def pixels_of(data: bytes) -> bytes:
    """What it shows."""
    with Image.open(io.BytesIO(data)) as shown:
        return shown.convert("RGB").tobytes()


LOADED = {
    "JPEG Exif": encoded("JPEG", exif=exif(), icc_profile=PROFILE),
    "JPEG XMP": encoded("JPEG", xmp=XMP, icc_profile=PROFILE),
    "JPEG comment": encoded("JPEG", comment=SECRET, icc_profile=PROFILE),
    "JPEG with another behind it": encoded("JPEG", icc_profile=PROFILE) + SECRET + bytes(50),
    "progressive JPEG": encoded("JPEG", exif=exif(), progressive=True, icc_profile=PROFILE),
    "PNG words": encoded("PNG", pnginfo=text(), icc_profile=PROFILE),
    "PNG Exif": encoded("PNG", exif=exif(), icc_profile=PROFILE),
    "PNG with more behind it": encoded("PNG", icc_profile=PROFILE) + SECRET,
    "WebP": encoded("WEBP", exif=exif(), xmp=XMP, icc_profile=PROFILE),
    "lossless WebP": encoded("WEBP", exif=exif(), lossless=True, icc_profile=PROFILE),
}


@pytest.mark.parametrize("data", LOADED.values(), ids=LOADED)
def test_metadata_goes_and_every_pixel_stays(data: bytes) -> None:
    """Nothing is decoded for it; the colour profile stays, or colours would be others."""
    assert SECRET in data
    stripped = without_metadata(data)
    assert SECRET not in stripped
    assert read_shape(stripped) == read_shape(data)
    assert pixels_of(stripped) == pixels_of(data)
    assert PROFILE in stripped or b"iCCP" in stripped
    assert (has_metadata(data), has_metadata(stripped)) == (True, False)
    assert without_metadata(stripped) == stripped


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("limits", [InputLimits(), InputLimits(max_bytes=10**6, max_pixels=10**6)])
def test_a_picture_with_nothing_to_change_has_no_changes(name: str, limits: InputLimits) -> None:
    """It is not copied even."""
    one = given(encoded(name))
    changes = changes_of(one, limits)
    assert not changes.stripped
    assert not is_recoded(one, changes)


@pytest.mark.parametrize("held", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_turned_upright_as_its_exif_says(held: int, name: str) -> None:
    """All eight ways to hold a camera, in every format that can say so."""
    all_options: dict[str, Any] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    options = all_options.get(name, {})
    data = encoded(name, exif=exif(held), **options)
    one = given(data)
    assert orientation(data) == held
    made = changed(data, changes_of(one, InputLimits()))
    turned = {5: 2, 6: 2, 7: 2, 8: 2}.get(held, 1)
    assert read_shape(made).width_px == (40, 24)[turned - 1]
    assert orientation(made) == 1
    assert SECRET not in made
    with Image.open(io.BytesIO(data)) as lying, Image.open(io.BytesIO(made)) as upright:
        wanted = ImageOps.exif_transpose(lying).convert("RGB")
        far = max(abs(a - b) for a, b in zip(wanted.tobytes(), upright.convert("RGB").tobytes(), strict=True))
    assert far <= (0 if name == "PNG" else 8)


@pytest.mark.parametrize(
    ("name", "mode", "limits", "media_type"),
    [
        ("AVIF", "RGB", InputLimits(("image/png", "image/jpeg")), "image/png"),
        ("WEBP", "RGBA", InputLimits(("image/png",)), "image/png"),
        ("GIF", "P", InputLimits(("image/webp", "image/jpeg")), "image/webp"),
        ("PNG", "RGBA", InputLimits(("image/jpeg",)), "image/jpeg"),
        ("JPEG", "CMYK", InputLimits(("image/png",)), "image/png"),
    ],
)
def test_a_type_that_the_provider_does_not_read_becomes_one_that_it_does(
    name: str, mode: str, limits: InputLimits, media_type: str
) -> None:
    """Losslessly where it can be."""
    one = given(encoded(name, picture().convert(mode)))
    made = changed(one.data, changes_of(one, limits))
    assert (read_shape(made).media_type, read_shape(made).width_px) == (media_type, 40)


@pytest.mark.parametrize("size", [(4000, 10), (300, 200), (1000, 1000), (101, 100)])
def test_a_picture_with_too_many_pixels_is_scaled_down_and_keeps_its_shape(size: tuple[int, int]) -> None:
    """To just below the bound, and never above it."""
    one = given(encoded("PNG", picture(size)))
    shape = read_shape(changed(one.data, changes_of(one, InputLimits(max_pixels=10_000))))
    assert 0.9 * 10_000 <= shape.width_px * shape.height_px <= 10_000
    assert shape.width_px / shape.height_px == pytest.approx(size[0] / size[1], rel=0.2 if min(size) < 50 else 0.02)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_a_file_with_too_many_bytes_is_made_to_fit(name: str, mode: str) -> None:
    """By a denser type first, by fewer pixels then; transparency stays."""
    noise = Image.effect_noise((200, 150), 90).convert(mode)
    if mode == "RGBA":
        noise.putalpha(100)
    one = given(encoded(name, noise, **({"lossless": True} if name == "WEBP" else {})))
    made = changed(one.data, changes_of(one, InputLimits(("image/png", "image/webp", "image/jpeg"), 20_000)))
    assert len(made) <= 20_000 < len(one.data)
    with Image.open(io.BytesIO(made)) as shown:
        assert ("A" in shown.getbands()) is (mode == "RGBA")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[SharedBench]:
    """What calls of one adapter share."""
    surroundings = Surroundings(
        name="adapter-x",
        channel=cast(Any, None),
        adapters={},
        blobs=cast(Any, None),
        database=cast(Any, None),
        clock=Clock(),
        dice=random.Random(7),
        state_dir=tmp_path,
        sandbox=False,
        secret=lambda _: bytes(32),
        draining=lambda: False,
    )
    made = SharedBench(AdapterSettings(), surroundings)
    yield made
    await made.close()


SMALL_ONLY = Model("m", inputs=InputLimits(("image/png", "image/jpeg"), max_pixels=500))


async def test_what_was_changed_of_a_picture_is_told(bench: SharedBench) -> None:
    """What only had to be done is done; what loses pixels is refused where the request is strict."""
    call = Call(bench, SMALL_ONLY, requests.ImageRequest(edit=requests.Edit()))
    sent = await call.input(medias.Media(data=encoded("WEBP", exif=exif(6))))
    assert (sent.media_type, sent.shape.width_px, sent.shape.height_px) == ("image/png", 17, 28)
    assert [(one.parameter, one.requested, one.sent, one.mode) for one in call.adjustments] == [
        ("image", "orientation 6", "upright", EMULATED),
        ("image", "image/webp", "image/png", EMULATED),
        ("image", "40x24", "17x28", CONVERTED),
    ]
    strict = Call(bench, SMALL_ONLY, requests.ImageRequest(edit=requests.Edit(), strict=requests.STRICT_REFUSE))
    with pytest.raises(MeshError) as caught:
        await strict.input(medias.Media(data=encoded("WEBP")), "references")
    assert (reason_name(caught.value.reason), caught.value.field) == ("unsupported", "references")


async def test_a_picture_that_is_as_it_should_be_is_not_touched(bench: SharedBench) -> None:
    """Byte for byte, and nothing is told."""
    call = Call(bench, Model("m"), requests.ImageRequest(edit=requests.Edit()))
    data = encoded("JPEG", icc_profile=PROFILE)
    assert (await call.input(medias.Media(data=data))).data == data
    assert call.adjustments == []


@pytest.mark.parametrize("padding", [0, 2_000_000])
async def test_metadata_is_taken_out_and_told(bench: SharedBench, padding: int) -> None:
    """On the spot where it is little, in a worker where it is much."""
    call = Call(bench, Model("m"), requests.ImageRequest(edit=requests.Edit()))
    info = text()
    info.add_text("Padding", "x" * padding)
    data = encoded("PNG", pnginfo=info)
    assert (await call.input(medias.Media(data=data))).data == encoded("PNG")
    (told,) = call.adjustments
    assert (told.parameter, told.requested, told.mode) == ("image", "metadata", EMULATED)


@pytest.mark.parametrize("operation", ["upscale", "segment", "outpaint"])
async def test_a_picture_whose_pixels_are_counted_is_not_scaled_down(bench: SharedBench, operation: str) -> None:
    """A point in it would be elsewhere."""
    request = requests.ImageRequest()
    getattr(request, operation).SetInParent()
    with pytest.raises(MeshError, match="500") as caught:
        await Call(bench, SMALL_ONLY, request).input(medias.Media(data=encoded("PNG")))
    assert reason_name(caught.value.reason) == "unsupported"


async def test_a_mask_fits_a_picture_that_was_turned_and_scaled(bench: SharedBench) -> None:
    """It is drawn on what the caller sees."""
    mask = Image.new("L", (24, 40), 0)
    mask.paste(255, (0, 0, 24, 20))
    image = medias.Media(data=encoded("JPEG", exif=exif(8)))
    edit = requests.Edit(image=image, mask=medias.Media(data=encoded("PNG", mask)))
    call = Call(bench, SMALL_ONLY, requests.ImageRequest(edit=edit))
    sent = await call.input(image)
    shaped = await call.mask(MaskForm.WHITE_REPAINTS, sent)
    assert shaped is not None
    with Image.open(io.BytesIO(shaped)) as shown:
        assert shown.size == (sent.shape.width_px, sent.shape.height_px) == (17, 28)
        assert (shown.getpixel((8, 2)), shown.getpixel((8, 25))) == (255, 0)
