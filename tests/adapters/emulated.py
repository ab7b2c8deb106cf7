"""An adapter over the emulated provider of its name, with the provider's controls."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from heliostat.adapters.sdk import Call, Model
from heliostat.adapters.sdk.masks import MaskOrder, ShapedMask
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.modules import Exchange
from heliostat.emulators import EmulatorServer, create_app
from heliostat.emulators.app import samples
from heliostat.launch.targets import ADAPTER, load
from tests.adapters.served import Room, served, wish
from tests.emulators.conftest import PlainEasel
from tests.support.loopback import PLAIN


@dataclass
class EmulatedProvider:
    """The adapter, the controls of its provider, and a listener that stands for the edge."""

    name: str
    base: str
    room: Room
    http: httpx.AsyncClient
    taken: "asyncio.Queue[tuple[dict[str, str], bytes]]"

    async def script(self, *steps: Mapping[str, Any]) -> None:
        """What the provider does to the next requests."""
        answer = await self.http.put(f"/{self.name}/_emulator/script", json=list(steps))
        assert answer.status_code == 200, answer.text

    async def journal(self, kind: str = "submit") -> list[dict[str, Any]]:
        """What it was asked of one kind."""
        entries = (await self.http.get(f"/{self.name}/_emulator/journal")).json()["entries"]
        return [entry for entry in entries if entry["kind"] == kind]

    async def deliver(self, headers: Mapping[str, str], body: bytes) -> str:
        """Hands a callback over: "found", "not found", or the reason of its refusal."""
        request = adapter_pb2.DeliverWebhookRequest(body=body)
        for name, value in headers.items():
            request.headers.add(name=name, value=value)
        try:
            answer = await call(self.room.stub.DeliverWebhook, request, timeout_s=30)
        except MeshError as error:
            return reason_name(error.reason)
        return "found" if answer.found else "not found"


@asynccontextmanager
async def running(
    name: str,
    folder: Path,
    *,
    job_seconds: float = 0.0,
    callbacks: bool = False,
    tap: Callable[[Exchange], None] | None = None,
    **settings: Any,
) -> AsyncIterator[EmulatedProvider]:
    """The adapter `name` over an emulator whose jobs take `job_seconds`; with `callbacks` it asks for them. `tap` is
    told what the adapter sends and gets."""
    taken: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
        taken.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(take, "127.0.0.1", 0)
    edge = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    server = EmulatorServer(create_app(PlainEasel(), job_seconds=job_seconds, scripts={name: ()}))
    base = await server.start()
    own = {"base_url": base + samples()[name].path, "webhook_url": edge if callbacks else "", **settings}
    module = load(ADAPTER + name)
    try:
        async with (
            served(module, folder, own, tap=tap) as room,
            httpx.AsyncClient(verify=PLAIN, base_url=base, trust_env=False) as http,
        ):
            yield EmulatedProvider(name, base, room, http, taken)
    finally:
        await server.stop()
        listener.close()
        await listener.wait_closed()


class _Bench:
    clock = Clock()
    dice = random.Random(7)

    async def shape_mask(self, mask: bytes, order: MaskOrder) -> ShapedMask:
        return ShapedMask(mask, "white", "", (order.width_px, order.height_px), 1.0)


def call_of(model: Model, **fields: Any) -> Call:
    """A call as the kit would make it, where nothing is fetched and masks stay as they are."""
    return Call(cast(Any, _Bench()), model, wish(**fields))
