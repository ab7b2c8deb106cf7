"""C16 and C17 through a whole mesh: what a caller names as the address of a picture opens nothing inside, and buys
nothing.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pybase64
import pytest

from heliostat.painting.blank import blank_png
from tests.adapters.raw_server import Exchange, RawServer, raw_server
from tests.adapters.test_guard import BOMBS, ELSEWHERE, HERE
from tests.support.mesh import Mesh, mesh

PICTURE = blank_png(64, 64)
BLANK = "data:image/png;base64," + pybase64.b64encode(PICTURE).decode()
BOMB, _ = BOMBS["a PNG of 400 Mpx in a megabyte"]
MODELS = ("studio", "flux-fill-pro", "gpt-image-2")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Mesh]:
    """A whole mesh over emulated providers, all of it on loopback."""
    async with mesh(tmp_path) as started:
        yield started


@pytest.fixture
async def inside() -> AsyncIterator[RawServer]:
    """A server that nobody outside may reach, and that would answer with something."""

    async def fine(exchange: Exchange) -> None:
        await exchange.answer(200, b"secret")

    async with raw_server(fine) as server:
        yield server


async def edited(running: Mesh, model: str, **pictures: Any) -> httpx.Response:
    """POST /v1/images/edits, with pictures by their addresses."""
    body = {"model": model, "prompt": "a red circle", **pictures}
    return await running.http.post("/v1/images/edits", json=body)


def refused(answer: httpx.Response) -> bool:
    """Whether the caller was told that it is the address; neither a failure of ours nor of a provider."""
    return answer.status_code == 400 and answer.json()["error"]["code"] in ("input_unreadable", "invalid_field")


async def test_c16_no_address_inside_is_asked_for_a_callers_picture(running: Mesh, inside: RawServer) -> None:
    """Every way to write one, at every place that takes one: refused, nothing connected to, nothing bought."""
    port = inside.base.rpartition(":")[2]
    for address in HERE + ELSEWHERE:
        answer = await edited(running, "studio", images=[{"image_url": address.replace("{port}", port)}])
        assert refused(answer), (address, answer.text)
    assert inside.connections == 0


@pytest.mark.parametrize("model", MODELS)
async def test_c16_the_meshs_own_ports_are_not_asked(running: Mesh, inside: RawServer, model: str) -> None:
    """Its own faces and its emulated providers, whichever adapter would fetch; no other target is tried."""
    for base in (running.url, running.emulators, f"http://{running.grpc_address()}", inside.base):
        for pictures in ({"images": [f"{base}/readyz"]}, {"images": [BLANK], "mask": f"{base}/readyz"}):
            answer = await edited(running, model, **pictures)
            assert refused(answer), (pictures, answer.text)
    assert inside.connections == 0
    assert (await running.journal())["billable"] == 0


async def test_c17_what_is_sent_instead_of_a_picture_is_refused(running: Mesh) -> None:
    """HTML, a bomb and half a picture, as data: refused by the head, and nothing is bought."""
    for data in (b"<html></html>", BOMB, PICTURE[:-20]):
        answer = await running.http.post(
            "/v1/images/edits", data={"model": "flux-fill-pro", "prompt": "x"}, files={"image": ("a.png", data)}
        )
        assert refused(answer), answer.text
    assert (await running.journal())["billable"] == 0


async def test_a_link_of_ours_is_a_picture_and_nobody_fetches_it(running: Mesh) -> None:
    """The address of an answer goes into the next request as it is; a changed one is an address like any other."""
    drawn = (await running.generate(model="studio", prompt="a red circle", size="256x256")).json()
    link = drawn["data"][0]["url"]
    for pictures in ({"images": [{"image_url": link}]}, {"image": link}, {"images": [link], "mask": link}):
        answer = await edited(running, "studio", **pictures)
        assert answer.status_code == 200, answer.text
    other = link.replace("sig=", "sig=0")
    hosted_elsewhere = link.replace(running.url, "https://evil.example")
    assert refused(await edited(running, "studio", images=[other]))
    assert (await edited(running, "studio", images=[hosted_elsewhere])).status_code == 200
    doubled = link.replace("/v1/media/", "/v1/media/v1/media/")
    assert refused(await edited(running, "studio", images=[doubled]))
