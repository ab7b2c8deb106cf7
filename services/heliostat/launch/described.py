"""What adapters say of themselves, without a process around them: nothing is started, nobody is called."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.clock import Clock
from heliostat.chassis.modules import Surroundings
from heliostat.launch.targets import ADAPTER, adapter_kinds, load

# Providers that stand for no company.
_NONE = frozenset({"mock"})


async def described() -> list[adapter_pb2.DescribeResponse]:
    """What every adapter says of itself with the settings that it has by itself; none is started."""
    return [await describe(kind) for kind in adapter_kinds() if kind not in _NONE]


async def describe(kind: str) -> adapter_pb2.DescribeResponse:
    """What one adapter says of itself, whatever the environment holds."""
    module = load(ADAPTER + kind)
    part = module.build(module.settings(), _nowhere(ADAPTER + kind))
    (service,) = part.services
    told: adapter_pb2.DescribeResponse = await service.servicer.Describe(adapter_pb2.DescribeRequest(), None)
    # Which keys are at hand is no matter of the adapter.
    del told.accounts[:]
    return told


def _nowhere(name: str) -> Surroundings:
    """A process with nothing in it."""
    refuse: Callable[..., Any] = partial(_refuse, name)
    return Surroundings(
        name=name,
        channel=refuse,
        adapters={},
        blobs=Blobs("memory://"),
        database=refuse,
        clock=Clock(),
        dice=random.Random(0),
        state_dir=Path(),
        sandbox=False,
        secret=refuse,
        draining=lambda: False,
    )


def _refuse(name: str, *_: object) -> Any:
    raise RuntimeError(f"{name} asks for its process while it only describes itself")
