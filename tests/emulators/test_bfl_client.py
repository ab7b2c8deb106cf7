"""Black Forest Labs' own client against the emulated API."""

from __future__ import annotations

import asyncio
import base64
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import requests.adapters

from tests.emulators.conftest import Bench, decoded, picture

with warnings.catch_warnings():
    # Its types say "example" to pydantic in a way of long ago.
    warnings.simplefilter("ignore")
    client_module: Any = import_module("blackforest.client")
    ClientConfig: Any = import_module("blackforest.types.general.client_config").ClientConfig

WAITING = {"sync": True, "polling_interval": 0.1, "max_retries": 50}


def bare(data: bytes) -> str:
    """Encode a picture as the API wants it."""
    return base64.b64encode(data).decode()


class Below(requests.adapters.HTTPAdapter):
    """The client asks at the root of a host; the emulated API is below a path of its own."""

    def send(self, request: requests.PreparedRequest, *args: Any, **how: Any) -> requests.Response:
        if "/bfl/" not in str(request.url):
            request.url = str(request.url).replace("/v1/", "/bfl/v1/", 1)
        return super().send(request, *args, **how)


@pytest.fixture
def client(bench: Bench) -> Iterator[Any]:
    """The makers' client."""
    client = client_module.BFLClient(api_key="a-key", base_url=bench.base)
    client.session.trust_env = False
    client.session.mount("http://", Below())
    yield client
    client.session.close()


@pytest.mark.parametrize(
    ("model", "inputs", "size"),
    [
        ("flux-dev", {"prompt": "a boat", "width": 512, "height": 256, "seed": 7}, (512, 256)),
        ("flux-pro-1.1", {"prompt": "a boat", "width": 512, "height": 768, "output_format": "png"}, (512, 768)),
        ("flux-pro-1.1-ultra", {"prompt": "a boat", "aspect_ratio": "1:1"}, (2048, 2048)),
        ("flux-kontext-pro", {"prompt": "red", "input_image": bare(picture((128, 128)))}, (1024, 1024)),
        ("flux-pro-1.0-fill", {"prompt": "red", "image": bare(picture()), "mask": bare(picture())}, (64, 64)),
        ("flux-pro-1.0-expand", {"image": bare(picture((256, 256))), "left": 64}, (320, 256)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_makers_client_takes_it_for_the_real_thing(
    bench: Bench, client: Any, model: str, inputs: dict[str, Any], size: tuple[int, int]
) -> None:
    """It submits what its own types allow, follows the address that it is given, and finds the picture."""
    done = await asyncio.to_thread(client.generate, model, inputs, ClientConfig(**WAITING))
    assert decoded((await bench.http.get(done.result.sample)).content).size == size
    assert (await bench.journal("bfl"))["billable"] == 1


async def test_the_makers_client_looks_later(bench: Bench, client: Any) -> None:
    """By the address that the submit told."""
    task = await asyncio.to_thread(client.generate, "flux-dev", {"prompt": "a boat"}, ClientConfig(sync=False))
    assert task.polling_url.startswith(bench.base)
    async with asyncio.timeout(30):
        while (state := await asyncio.to_thread(client.get_task_status, task.id)).status != "Ready":
            continue
    assert state.result["sample"]


async def test_the_makers_client_reads_the_errors(client: Any) -> None:
    """As an error of its own."""
    client.session.headers["x-key"] = "bad"
    with pytest.raises(client_module.BFLError, match="API request failed"):
        await asyncio.to_thread(client.generate, "flux-dev", {"prompt": "x"}, ClientConfig(sync=False))
