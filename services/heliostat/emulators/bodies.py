"""The body of a request: JSON, or a form with files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

TEXT_PART_BYTES = 32 * 1024 * 1024


@dataclass
class Body:
    """What the client sent."""

    fields: dict[str, Any] = field(default_factory=dict)
    """JSON members, or the form's text parts (strings; the last of equal names counts)."""
    files: dict[str, list[bytes]] = field(default_factory=dict)
    """The form's files by name; `image[]` is kept as `image`."""
    is_form: bool = False
    fault: str = ""
    """Why the body could not be read; empty when it could."""

    def text(self, name: str) -> str:
        """Give a field if it is text, else the empty string: for the journal, before anything was checked."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


async def read_body(request: Request) -> Body:
    """Read the whole body. Raises ClientDisconnect when the client goes first."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _read_form(request)
    try:
        fields = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return Body(fault="the body is not JSON")
    if not isinstance(fields, dict):
        return Body(fault="the body is not a JSON object")
    return Body(fields)


async def _read_form(request: Request) -> Body:
    body = Body(is_form=True)
    try:
        async with request.form(max_files=64, max_fields=256, max_part_size=TEXT_PART_BYTES) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    body.files.setdefault(name.removesuffix("[]"), []).append(await value.read())
                else:
                    body.fields[name] = value
    except HTTPException as error:
        return Body(is_form=True, fault=error.detail)
    return body
