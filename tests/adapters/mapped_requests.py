"""Mapped providers at their emulated APIs, and requests for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.files import shipped
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import media, plain

NINE = ("clipdrop", "cloudflare", "deepinfra", "leonardo", "luma", "minimax", "novita", "photoroom", "segmind")
PUBLIC = media_pb2.Media(uri="https://pictures.example/cat.png")
CF = "@cf/black-forest-labs/"


@asynccontextmanager
async def at(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[EmulatedProvider]:
    """The provider of a mapping at its emulated API, with a key."""
    monkeypatch.setenv(shipped(name).auth.key, "key-0123456789")
    async with running(name, folder, **settings) as one:
        yield one


EVERY = [
    (name, model.name, operation)
    for name in NINE
    for model in models_of(shipped(name))
    for operation in model.operations
]


def base(code: int) -> dict[str, Any]:
    """A MiniMax answer with a code."""
    return {"base_resp": {"status_code": code, "status_msg": "so it is"}}


def work(operation: str, *, address: bool = False, masked: bool = False) -> dict[str, Any]:
    """A request for an operation on a picture."""
    picture = PUBLIC if address else media(plain(96, 64))
    mask = media(plain(96, 64, "white")) if masked else None
    made: dict[str, Any] = {
        "text_to_image": {},
        "edit": {"edit": requests.Edit(image=picture, mask=mask)},
        "variation": {"variation": requests.Variation(image=picture)},
        "upscale": {"upscale": requests.Upscale(image=picture, factor=2)},
        "remove_background": {"remove_background": requests.RemoveBackground(image=picture)},
        "outpaint": {"outpaint": requests.Outpaint(image=picture, left_px=32)},
    }
    fields: dict[str, Any] = made[operation]
    return fields
