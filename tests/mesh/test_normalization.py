"""What REST asks and what comes: every difference is told, nothing is padded, and what is told was measured."""

import base64
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from tests.support.mesh import Mesh, mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES = [
    {"model": "drawn", "targets": [{"target": "fal/fal-ai/flux/schnell"}, {"target": "compat/any", "priority": 1}]},
    {"model": "few", "targets": [{"target": "mock/mock-few"}]},
    {"model": "few-then-more", "targets": [{"target": "mock/mock-few"}, {"target": "studio/studio", "priority": 1}]},
    {"model": "single", "targets": [{"target": "bfl/flux-2-pro"}]},
    {"model": "plain", "targets": [{"target": "mock/mock-image"}, {"target": "studio/studio", "priority": 1}]},
    {"model": "studio", "targets": [{"target": "studio/studio"}]},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """One mesh for all tests of this file; its checker runs at the end."""
    over = {"router": {"routes": ROUTES}, "adapters": {"mock": {"one_colour_warning": True}}}
    async with mesh(tmp_path_factory.mktemp("normalization"), over=over) as started:
        yield started


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def behaving(running: Mesh) -> None:
    """No script of another test is left."""
    for provider in ("fal", "bfl", "compat"):
        await running.script(provider)


def told(body: dict[str, Any], parameter: str) -> dict[str, Any]:
    """The one adjustment of a parameter."""
    (found,) = [one for one in body["metadata"]["adjustments"] if one["parameter"] == parameter]
    return dict(found)


def bill(journal: dict[str, Any]) -> int:
    """What a provider has charged, in micro-dollars."""
    return sum(entry["cost_micros"] for entry in journal["entries"])


def png(image: Image.Image) -> bytes:
    """The picture as a PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("output_format", [None, "webp", "jpeg", "avif", "gif"])
async def test_what_metadata_says_of_a_picture_is_what_is_behind_its_link(
    running: Mesh, output_format: str | None
) -> None:
    """Width, height, format, bytes and hash, measured and not believed."""
    answer = await running.generate(model="drawn", prompt="a boat", n=2, size="512x768", output_format=output_format)
    body = answer.json()
    assert len(body["data"]) == len(body["metadata"]["images"]) == 2
    for entry, image in zip(body["data"], body["metadata"]["images"], strict=True):
        data = (await running.http.get(entry["url"])).content
        with Image.open(io.BytesIO(data)) as picture:
            assert (image["width"], image["height"]) == picture.size == (512, 768)
            assert image["format"] == (picture.format or "").lower()
        assert (image["bytes"], image["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert image["provenance"] == "none"


async def test_a_replayed_answer_says_the_same_of_its_pictures(running: Mesh) -> None:
    """What was measured is kept with the request."""
    headers = {"Idempotency-Key": "normalized-once"}
    first, again = [await running.generate(headers, model="plain", prompt="x", output_format="webp") for _ in range(2)]
    assert again.headers["idempotent-replayed"] == "true"
    for part in ("images", "adjustments"):
        assert again.json()["metadata"][part] == first.json()["metadata"][part]


async def test_a_partial_success_has_its_true_count_and_says_so(running: Mesh) -> None:
    """Two pictures are not padded to three."""
    answer = await running.generate(model="few", prompt="x", n=3)
    body = answer.json()
    assert (answer.status_code, len(body["data"]), body["metadata"]["missing_images"]) == (200, 2, 1)
    assert {key: told(body, "n")[key] for key in ("requested", "sent", "delivered", "mode")} == {
        "requested": "3",
        "sent": "3",
        "delivered": "2",
        "mode": "converted",
    }


async def test_u25_missing_pictures_come_from_the_next_provider(running: Mesh) -> None:
    """All three are there, none is a copy that only fills the row, and both providers are told."""
    body = (await running.generate(model="few-then-more", prompt="a boat", n=3, size="64x64")).json()
    assert len(body["data"]) == 3
    assert "missing_images" not in body["metadata"]
    assert [attempt["provider"] for attempt in body["metadata"]["attempts"]] == ["mock", "studio"]
    assert (told(body, "n")["sent"], told(body, "n")["mode"]) == ("3 + 1", "emulated")


async def test_one_picture_a_call_becomes_as_many_calls_and_some_may_fail(running: Mesh) -> None:
    """The cost is that of what was bought, and the provider's journal agrees."""
    before = bill(await running.journal("bfl"))
    await running.script("bfl", {"path": "submit", "status": 500, "times": 1})
    answer = await running.generate(model="single", prompt="a boat", n=3, size="512x512")
    body = answer.json()
    assert (answer.status_code, len(body["data"]), body["metadata"]["missing_images"]) == (200, 2, 1)
    assert told(body, "n")["reason"] == "1 of 3 pictures could not be made: provider_unavailable."
    bought = bill(await running.journal("bfl")) - before
    assert round(body["metadata"]["cost"] * 1e6) == bought > 0


async def test_an_unknown_field_is_passed_on_and_on_failover_dropped(running: Mesh) -> None:
    """It never makes another provider fail."""
    body = (await running.generate(model="drawn", prompt="a boat", tomorrow={"a": 1})).json()
    assert body["metadata"]["provider"] == "fal"
    assert (told(body, "tomorrow")["mode"], told(body, "tomorrow")["sent"]) == ("passthrough", "as given")
    await running.script("fal", {"path": "submit", "status": 503})
    body = (await running.generate(model="drawn", prompt="a boat", tomorrow={"a": 1})).json()
    assert body["metadata"]["provider"] == "compat"
    assert (told(body, "tomorrow")["mode"], told(body, "tomorrow")["requested"]) == ("dropped", "given")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tomorrow": 1}, "tomorrow"),
        ({"size": "500x777"}, "size"),
        ({"style": "vivid"}, "style"),
        ({"negative_prompt": "cats"}, "negative_prompt"),
    ],
)
@pytest.mark.parametrize("by_header", [False, True])
async def test_a_strict_request_is_refused_before_anything_is_bought(
    running: Mesh, fields: dict[str, Any], param: str, by_header: bool
) -> None:
    """By a header or by a field; the error names what cannot be honoured, and the journal has nothing new."""
    before = len((await running.journal("fal"))["entries"])
    headers = {"x-heliostat-strict": "refuse"} if by_header else {}
    strict = {} if by_header else {"strict": "refuse"}
    provider = {"only": ["fal"]}
    answer = await running.generate(headers, model="drawn", prompt="a boat", provider=provider, **fields, **strict)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert len((await running.journal("fal"))["entries"]) == before


async def test_strict_off_says_nothing_and_report_says_it(running: Mesh) -> None:
    """The picture is the same."""
    wish: dict[str, Any] = {"model": "plain", "prompt": "x", "style": "vivid", "size": "5000x5000"}
    silent = (await running.generate(**wish, strict="off")).json()
    loud = (await running.generate(**wish, strict="report")).json()
    assert silent["metadata"]["adjustments"] == []
    assert {one["parameter"] for one in loud["metadata"]["adjustments"]} == {"style", "size"}
    assert told(loud, "size")["delivered"] == loud["size"] == silent["size"]


async def test_a_required_parameter_leads_past_a_target_that_lacks_it(running: Mesh) -> None:
    """The mock knows no style; the studio does."""
    wish: dict[str, Any] = {"model": "plain", "prompt": "a boat", "style": "watercolour", "size": "64x64"}
    assert (await running.generate(**wish)).json()["metadata"]["provider"] == "mock"
    required = (await running.generate(**wish, required_parameters=["style"])).json()
    assert required["metadata"]["provider"] == "studio"
    alone = await running.generate(**wish, required_parameters=["style"], provider={"only": ["mock"]})
    assert alone.status_code == 400


async def edit(running: Mesh, image: bytes, mask: bytes, **fields: str) -> dict[str, Any]:
    """One edit by the studio."""
    files = {"image": ("a", image, "image/png"), "mask": ("m", mask, "image/png")}
    words = {"model": "studio", "prompt": "a red circle", **fields}
    answer = await running.http.post("/v1/images/edits", data=words, files=files)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_ambiguous_mask_is_read_by_one_rule_and_reported(running: Mesh) -> None:
    """RGBA without anything transparent: its white part is repainted, unless mask_mode says otherwise."""
    ground = png(Image.new("RGB", (64, 64), "navy"))
    mask = Image.new("RGBA", (32, 32), "black")
    mask.paste("white", (0, 0, 16, 32))
    body = await edit(running, ground, png(mask))
    assert (told(body, "mask_mode")["requested"], told(body, "mask_mode")["sent"]) == ("auto", "white")
    assert (told(body, "mask")["requested"], told(body, "mask")["sent"]) == ("32x32", "64x64")
    assert "mask_mode" not in str((await edit(running, ground, png(mask), mask_mode="black"))["metadata"])


async def test_a_picture_lying_on_its_side_is_worked_on_upright(running: Mesh) -> None:
    """And where it was taken is not told to anybody."""
    lying = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32), "navy").save(lying, "JPEG", exif=exif)
    body = await edit(running, lying.getvalue(), png(Image.new("L", (32, 64), 255)))
    assert body["size"] == "32x64"
    assert told(body, "image")["sent"] == "upright"


async def test_a_dry_run_shows_the_mask_as_it_is_understood(running: Mesh) -> None:
    """One channel of the picture's size, white where it is drawn anew; with what is to be told of it, and for free."""
    mask = Image.new("RGBA", (32, 32), "black")
    mask.paste((0, 0, 0, 0), (0, 0, 16, 32))
    files = {
        "image": ("a", png(Image.new("RGB", (64, 64), "navy")), "image/png"),
        "mask": ("m", png(mask), "image/png"),
    }
    words = {"model": "studio", "prompt": "a red circle"}
    answer = await running.http.post("/v1/images/edits?dryRun=true&maskPreview=true", data=words, files=files)
    assert answer.status_code == 200, answer.text
    head, _, shown = answer.json()["mask_preview"].partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(shown))) as preview:
        assert (preview.mode, preview.size) == ("L", (64, 64))
        assert preview.crop((0, 0, 32, 64)).getextrema() == (255, 255)
        assert preview.crop((32, 0, 64, 64)).getextrema() == (0, 0)
    assert told(answer.json(), "mask")["sent"] == "64x64"
    plain = await running.http.post("/v1/images/edits?dryRun=true", data=words, files=files)
    assert "mask_preview" not in plain.json()
    broken = {**files, "mask": ("m", png(Image.new("L", (64, 20))), "image/png")}
    refused = await running.http.post("/v1/images/edits?dryRun=true&maskPreview=true", data=words, files=broken)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "mask")


async def test_u23_a_picture_of_one_colour_is_told_as_odd_wherever_it_is_told(running: Mesh) -> None:
    """In a header, in the answer, in a stored answer, in the record of the request; and it is delivered."""
    wish = {"model": "plain", "prompt": "A sunset", "n": 2, "size": "64x64", "provider": {"only": ["mock"]}}
    key = {"idempotency-key": "a-picture-of-one-colour"}
    for _ in range(2):
        answer = await running.generate(key, **wish)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-heliostat-warning"] == "one_colour; image=0, one_colour; image=1"
        assert [image["warnings"] for image in answer.json()["metadata"]["images"]] == [["one_colour"]] * 2
    assert answer.headers["idempotent-replayed"] == "true"
    record = (await running.http.get(f"/v1/requests/{answer.json()['id']}")).json()
    assert [media["warnings"] for media in record["media"]] == [["one_colour"]] * 2


async def test_u23_a_picture_that_shows_something_is_not_told_as_odd(running: Mesh) -> None:
    """No header, no word."""
    answer = await running.generate(model="studio", prompt="A sunset", size="256x256")
    assert answer.status_code == 200, answer.text
    assert "x-heliostat-warning" not in answer.headers
    assert "warnings" not in answer.json()["metadata"]["images"][0]
