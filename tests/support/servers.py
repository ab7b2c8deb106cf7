"""One service at any kind of address, with the channel that leads to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from heliostat.chassis.channels import Channels
from heliostat.chassis.local import LocalServer
from heliostat.chassis.modules import Service
from heliostat.chassis.server import MeshServer
from heliostat.chassis.settings import MeshSettings

KINDS = ("local", "unix", "dns")


@asynccontextmanager
async def served(
    kind: str, services: list[Service], folder: Path, mesh: MeshSettings | None = None
) -> AsyncIterator[Any]:
    """Serves `services` at an address of `kind` and gives the channel to them; stops both in the same loop."""
    mesh = mesh or MeshSettings()
    channels, local, server = Channels(mesh), LocalServer(), MeshServer(services, mesh)
    for service in services:
        service.add(service.servicer, local)
    channels.offer("part", local)
    address = "local:part"
    if kind == "unix":
        address = await server.listen(f"unix:{folder}/part.sock")
    elif kind == "dns":
        address = "dns:///" + (await server.listen("127.0.0.1:0")).replace("127.0.0.1", "localhost")
    server.ready()
    try:
        yield channels.channel(address)
    finally:
        await channels.close()
        await server.stop(1)
        await local.stop(1)
