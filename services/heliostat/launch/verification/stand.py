"""One adapter alone, served near: for whoever wants to try it without a mesh around it."""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from heliostat.chassis.blobs import Blobs
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import Clock
from heliostat.chassis.local import LocalServer
from heliostat.chassis.modules import Exchange, Module, Part, Surroundings
from heliostat.chassis.settings import MeshSettings

NAME = "subject"


@asynccontextmanager
async def standing(
    module: Module,
    settings: Mapping[str, Any],
    folder: Path,
    *,
    tap: Callable[[Exchange], None] | None = None,
    through: Callable[[Any], Any] = lambda servicer: servicer,
) -> AsyncIterator[Any]:
    """The adapter, running; gives the channel to it. Its state goes to `folder`, it has no database and no peers.

    `through` may put a servicer of its own before the adapter's. Raises INVALID_FIELD for settings that are none.
    """
    async with AsyncExitStack() as stack:
        channels = Channels(MeshSettings())
        stack.push_async_callback(channels.close)
        part: Part = module.build(
            module.settings.model_validate(settings), _surroundings(module, channels, folder, tap)
        )
        server = LocalServer()
        for service in part.services:
            service.add(through(service.servicer), server)
        channels.offer(NAME, server)
        stack.push_async_callback(server.stop, 1)
        stack.push_async_callback(part.stop)
        await part.start()
        yield channels.channel(f"local:{NAME}")


def _surroundings(
    module: Module, channels: Channels, folder: Path, tap: Callable[[Exchange], None] | None
) -> Surroundings:
    return Surroundings(
        name=module.name,
        channel=channels.channel,
        adapters={},
        blobs=Blobs("memory://"),
        database=cast(Any, None),
        clock=Clock(),
        dice=random.Random(7),
        state_dir=folder,
        sandbox=False,
        secret=lambda _: bytes(32),
        draining=lambda: False,
        tap=tap,
    )
