"""Every operation on pictures through the whole mesh, done by the studio, as multipart and as JSON."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from PIL import Image, ImageChops, ImageDraw

from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from tests.support.mesh import KEY, Mesh, mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUDIO = {"model": "studio", "response_format": "b64_json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """One mesh for all tests of this file."""
    async with mesh(tmp_path_factory.mktemp("operations")) as started:
        yield started


def png(image: Image.Image) -> bytes:
    """The picture as a PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def a_ball() -> bytes:
    """A red ball on blue, 96 x 64 pixels."""
    image = Image.new("RGB", (96, 64), (20, 60, 200))
    ImageDraw.Draw(image).ellipse((32, 16, 64, 48), fill=(230, 20, 20))
    return png(image)


BALL = a_ball()
STYLE = png(Image.new("RGB", (48, 48), (240, 200, 40)))


def pictures(body: dict[str, Any]) -> list[Image.Image]:
    """The pictures of an answer, wholly decoded."""
    found: list[Image.Image] = []
    for entry in body["data"]:
        image = Image.open(io.BytesIO(base64.b64decode(entry["b64_json"])))
        image.load()
        found.append(image)
    return found


def data_url(data: bytes) -> str:
    """A PNG as a data URL."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


# path, words, further pictures, size of what comes
WORK: list[tuple[str, dict[str, Any], dict[str, bytes], tuple[int, int]]] = [
    ("edits", {"prompt": "a yellow moon"}, {}, (96, 64)),
    ("edits", {"scale_factor": 2}, {}, (192, 128)),
    ("variations", {"similarity": 0.5}, {}, (96, 64)),
    ("upscales", {"scale_factor": 1.5}, {}, (144, 96)),
    ("upscales", {"size": "200x140"}, {}, (200, 140)),
    ("upscales", {}, {}, (192, 128)),
    ("backgrounds", {}, {}, (96, 64)),
    ("segments", {"points": "[[48, 32]]"}, {}, (96, 64)),
    ("styles", {"style": "watercolour"}, {}, (96, 64)),
    ("styles", {"strength": 0.4}, {"style_image": STYLE}, (96, 64)),
    ("outpaints", {"left": 16, "bottom": 32}, {}, (112, 96)),
]


@pytest.mark.parametrize("as_json", [False, True], ids=["multipart", "json"])
@pytest.mark.parametrize(("path", "words", "beside", "size"), WORK, ids=lambda value: str(value)[:30])
async def test_every_operation(
    running: Mesh,
    path: str,
    words: dict[str, Any],
    beside: dict[str, bytes],
    size: tuple[int, int],
    as_json: bool,
) -> None:
    """Each answers in the shape of the images API, with pictures of the size that was asked for."""
    route = f"/v1/images/{path}"
    if as_json:
        if "points" in words:
            words = {**words, "points": [{"x": 48, "y": 32}]}
        named = {name: data_url(data) for name, data in beside.items()}
        answer = await running.http.post(route, json={**STUDIO, **words, **named, "images": [data_url(BALL)]})
    else:
        files = {name: ("p.png", data, "image/png") for name, data in {"image": BALL, **beside}.items()}
        answer = await running.http.post(route, data={**STUDIO, **words}, files=files)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {image.size for image in pictures(body)} == {size}
    assert body["metadata"]["provider"] == "studio"
    assert body["metadata"]["cost"] == 0


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        ({"labels": ["red"]}, ["red"]),
        ({"prompt": "blue"}, ["blue"]),
        ({"points": [[48, 32]]}, None),
        ({"boxes": [[28, 12, 68, 52]]}, None),
        ({}, None),
    ],
    ids=["label", "prompt", "point", "box", "everything"],
)
async def test_segments_are_masks_with_labels(running: Mesh, words: dict[str, Any], labels: list[str] | None) -> None:
    """One channel of 0 and 255 for each thing; its label stands beside it."""
    answer = await running.http.post("/openai/v1/images/segments", json={**STUDIO, **words, "image": data_url(BALL)})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    masks = pictures(body)
    assert masks
    assert {mask.mode for mask in masks} == {"L"}
    assert all(set(mask.tobytes()) <= {0, 255} for mask in masks)
    assert {image["role"] for image in body["metadata"]["images"]} == {"mask"}
    if labels is not None:
        assert [entry["label"] for entry in body["data"]] == labels


async def test_a_mask_found_is_a_mask_to_use(running: Mesh) -> None:
    """What a segment answers behind its link goes into an edit as it is: only there the picture changes."""
    words = {"model": "studio", "points": [[48, 32]], "image": data_url(BALL)}
    found = await running.http.post("/v1/images/segments", json=words)
    mask = (await running.http.get(found.json()["data"][0]["url"])).content
    edit = {**STUDIO, "prompt": "grass", "mask_mode": "white", "images": [data_url(BALL)], "mask": data_url(mask)}
    answer = await running.http.post("/v1/images/edits", json=edit)
    assert answer.status_code == 200, answer.text
    before, after = Image.open(io.BytesIO(BALL)).convert("RGB"), pictures(answer.json())[0].convert("RGB")
    inside = Image.open(io.BytesIO(mask)).convert("L")
    changed = {
        inside.getpixel((x, y))
        for x in range(96)
        for y in range(64)
        if before.getpixel((x, y)) != after.getpixel((x, y))
    }
    assert changed == {255}


async def test_the_sandboxs_second_provider_repaints_where_the_mask_is_white(running: Mesh) -> None:
    """Its server reads masks the other way round than OpenAI's; what is not marked stays, byte for byte in a PNG."""
    mask = Image.new("L", (96, 64), 0)
    mask.paste(255, (0, 0, 30, 64))
    edit = {"prompt": "grass", "mask_mode": "white", "response_format": "b64_json", "output_format": "png"}
    body = {"model": "compat/flux-schnell", **edit, "images": [data_url(BALL)], "mask": data_url(png(mask))}
    answer = await running.http.post("/v1/images/edits", json=body)
    assert answer.status_code == 200, answer.text
    after = pictures(answer.json())[0].convert("RGB")
    before = Image.open(io.BytesIO(BALL)).convert("RGB").resize(after.size)
    share = after.width / 96
    right = (round(36 * share), 0, after.width, after.height)
    assert ImageChops.difference(before.crop(right), after.crop(right)).getbbox() is None
    assert before.crop((0, 0, round(24 * share), after.height)) != after.crop((0, 0, round(24 * share), after.height))


@pytest.mark.parametrize(
    ("model", "path", "words"),
    [
        ("fal/fal-ai/esrgan", "upscales", {"scale_factor": 2}),
        ("replicate/nightmareai/real-esrgan", "upscales", {"scale_factor": 2}),
        ("fal/fal-ai/birefnet/v2", "backgrounds", {}),
        ("replicate/bria/remove-background", "backgrounds", {}),
        ("fal/fal-ai/evf-sam", "segments", {"labels": ["red"]}),
        ("replicate/bria/expand-image", "outpaints", {"left": 32}),
    ],
)
async def test_other_providers_do_them_too(running: Mesh, model: str, path: str, words: dict[str, Any]) -> None:
    """The same call in their dialects: whole pictures, and a cost where they charge."""
    body = {"model": model, "response_format": "b64_json", "image": data_url(BALL), **words}
    answer = await running.http.post(f"/v1/images/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert pictures(answer.json())
    assert answer.json()["metadata"]["executed_model"] == model
    assert answer.json()["metadata"]["cost"] > 0


@pytest.mark.parametrize("path", ["variations", "upscales", "backgrounds", "segments", "styles", "outpaints"])
async def test_a_dry_run_of_every_operation(running: Mesh, path: str) -> None:
    """The price of each is told, and no picture is made."""
    words = {"model": "studio", "image": data_url(BALL), "style": "ink", "left": 8}
    answer = await running.http.post(f"/v1/images/{path}?dryRun=true", json=words)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["object"], body["provider"], body["total_cost_micros"]) == ("image.estimate", "studio", 0)


async def test_a_model_that_cannot_is_refused_with_what_it_can_and_who_can(running: Mesh) -> None:
    """flux-schnell draws; asked to enlarge it says so, and which models enlarge."""
    answer = await running.http.post("/v1/images/upscales", json={"model": "flux-schnell", "image": data_url(BALL)})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "unsupported"
    assert "does not upscale, it can draw from words" in error["message"]
    assert error["message"].endswith(".")
    assert "These models can: " in error["message"]
    assert "clarity-upscaler" in error["message"].rpartition("These models can: ")[2]


async def test_a_file_is_used_by_many_requests(running: Mesh) -> None:
    """Sent once, then named by its id: in JSON and in a form, as picture, mask and style; then it is gone."""
    sent = await running.http.post(
        "/v1/files", data={"purpose": "vision"}, files={"file": ("b.png", BALL, "image/png")}
    )
    assert sent.status_code == 200, sent.text
    file = {"file_id": sent.json()["id"]}
    for path, words in (
        ("upscales", {"image": file, "scale_factor": 2}),
        ("edits", {"images": [file], "mask": file, "mask_mode": "white", "prompt": "x"}),
        ("styles", {"image": data_url(BALL), "style_image": file["file_id"]}),
    ):
        answer = await running.http.post(f"/v1/images/{path}", json={**STUDIO, **words})
        assert answer.status_code == 200, (path, answer.text)
    form = {**STUDIO, "image": file["file_id"]}
    answer = await running.http.post("/openai/v1/images/backgrounds", data=form, files={"x": ("", b"", "image/png")})
    assert answer.status_code == 200, answer.text
    assert (await running.http.get(f"/v1/files/{file['file_id']}/content")).content == BALL
    assert (await running.http.delete(f"/v1/files/{file['file_id']}")).json()["deleted"] is True
    answer = await running.http.post("/v1/images/upscales", json={**STUDIO, "image": file})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "file_id")


def _media(data: bytes = BALL) -> media_pb2.Media:
    return media_pb2.Media(data=data)


REQUESTS = {
    "edit": request_pb2.ImageRequest(prompt="x", edit=request_pb2.Edit(image=_media())),
    "variation": request_pb2.ImageRequest(variation=request_pb2.Variation(image=_media())),
    "upscale": request_pb2.ImageRequest(upscale=request_pb2.Upscale(image=_media(), factor=2)),
    "remove_background": request_pb2.ImageRequest(remove_background=request_pb2.RemoveBackground(image=_media())),
    "segment": request_pb2.ImageRequest(segment=request_pb2.Segment(image=_media(), labels=["red"])),
    "style_transfer": request_pb2.ImageRequest(
        style_transfer=request_pb2.StyleTransfer(image=_media(), style=_media(STYLE))
    ),
    "outpaint": request_pb2.ImageRequest(outpaint=request_pb2.Outpaint(image=_media(), left_px=8)),
}


@pytest.mark.parametrize("operation", REQUESTS)
async def test_every_operation_over_grpc(running: Mesh, operation: str) -> None:
    """The same contract without the edge: an operation's picture is whole and is what its events say of it."""
    image = request_pb2.ImageRequest()
    image.CopyFrom(REQUESTS[operation])
    image.model = "studio"
    events: list[event_pb2.ImageEvent] = []
    async with grpc.aio.insecure_channel(running.grpc_address()) as channel:
        router = router_pb2_grpc.RouterServiceStub(channel)
        ask = router_pb2.GenerateRequest(image=image)
        async for response in router.Generate(ask, metadata=[("authorization", f"Bearer {KEY}")]):
            events += response.events
    data = b"".join(event.media_chunk.data for event in events)
    (started,) = (event.media_started for event in events if event.HasField("media_started"))
    assert events[-1].completed.image_count == 1
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (started.width_px, started.height_px)
    assert (started.role, started.label) == ((2, "red") if operation == "segment" else (1, ""))


async def test_files_over_grpc(running: Mesh) -> None:
    """A file that came in pieces is used by its id, and read again."""

    async def pieces() -> AsyncIterator[ledger_pb2.UploadFileRequest]:
        yield ledger_pb2.UploadFileRequest(file=ledger_pb2.File(file_name="ball.png", purpose="vision"))
        for start in range(0, len(BALL), 100):
            yield ledger_pb2.UploadFileRequest(data=BALL[start : start + 100])

    key = [("authorization", f"Bearer {KEY}")]
    async with grpc.aio.insecure_channel(running.grpc_address()) as channel:
        ledger = ledger_pb2_grpc.LedgerServiceStub(channel)
        file = (await ledger.UploadFile(pieces(), metadata=key)).file
        ask = ledger_pb2.ReadMediaRequest(file_id=file.file_id)
        assert b"".join([each.chunk.data async for each in ledger.ReadMedia(ask, metadata=key)]) == BALL
        image = request_pb2.ImageRequest(model="studio")
        image.upscale.image.file_id = file.file_id
        router = router_pb2_grpc.RouterServiceStub(channel)
        answer = [each async for each in router.Generate(router_pb2.GenerateRequest(image=image), metadata=key)]
        assert answer[-1].events[-1].completed.image_count == 1


@pytest.mark.parametrize("kind", ["unix", "dns"])
async def test_large_files_between_processes(kind: str, tmp_path: Path) -> None:
    """A file of several messages goes up and comes back over wires as well, and an adapter elsewhere reads it."""
    noise = png(Image.effect_noise((1500, 1500), 90))
    assert len(noise) > 2_000_000
    async with mesh(tmp_path, kind) as started:
        sent = await started.http.post("/v1/files", files={"file": ("n.png", noise, "image/png")})
        assert sent.status_code == 200, sent.text
        assert (await started.http.get(f"/v1/files/{sent.json()['id']}/content")).content == noise
        words = {**STUDIO, "image": {"file_id": sent.json()["id"]}, "left": 8}
        answer = await started.http.post("/v1/images/outpaints", json=words, timeout=60)
        assert answer.status_code == 200, answer.text
        assert pictures(answer.json())[0].size == (1508, 1500)
