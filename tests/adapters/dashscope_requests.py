"""Requests for DashScope's models."""

from typing import Any

from heliostat.api.image.v1 import request_pb2 as requests
from tests.adapters.served import media, plain

KEY = "sk-secret-0123456789"
WAN, WAN_PRO, WAN_22, WAN_EDIT = "wan2.7-image", "wan2.7-image-pro", "wan2.2-t2i-flash", "wan2.5-i2i-preview"
QWEN, QWEN_2, QWEN_EDIT, Z = "qwen-image", "qwen-image-2.0", "qwen-image-edit-plus", "z-image-turbo"


def edit(width: int = 64, height: int = 64, **fields: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **fields)}
