"""Requests for Bedrock's models, and who asks them."""

from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.bedrock.catalog import models_of
from heliostat.api.image.v1 import request_pb2 as requests
from tests.adapters.served import media, plain

KEY = "bedrock-api-key-secret-0123456789"
# Put together, for they look like somebody's.
IDENTITY, TEMPORARY, EXTENDED = "AK" + "IA0123456789ABCDEF", "AS" + "IA0123456789ABCDEF", "AK" + "IAEXT123456789ABCD"
MODELS = models_of(legacy=True)
CORE, ULTRA, LARGE = (
    "stability.stable-image-core-v1:1",
    "stability.stable-image-ultra-v1:1",
    "stability.sd3-5-large-v1:0",
)
INPAINT, ERASE = "stability.stable-image-inpaint-v1:0", "stability.stable-image-erase-object-v1:0"
FAST, CAREFUL, CREATIVE = (f"stability.stable-{word}-upscale-v1:0" for word in ("fast", "conservative", "creative"))


def signing(monkeypatch: pytest.MonkeyPatch, identity: str, secret: str = "", token: str = "") -> None:
    """An access key in the environment, and no API key."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", identity)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret or f"secret-of-{identity}")
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)


def edit(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **more)}


def masked(width: int = 64, height: int = 64) -> dict[str, Any]:
    """The same with a mask whose left half is white."""
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, (0, 0, width // 2, height))
    return edit(width, height, mask=media(mask))


def upscale(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An enlargement of a blue picture."""
    return {"upscale": requests.Upscale(image=media(plain(width, height)), **more)}
