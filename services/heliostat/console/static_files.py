"""What pages load beside pictures: a handful of files, held in memory and told apart by what they hold."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    """A file, as it is and packed."""

    media_type: str
    plain: bytes
    packed: bytes
    digest: str


class StaticFiles:
    """The files of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: _read(path) for path in folder.iterdir() if path.suffix in _TYPES}

    def address(self, name: str) -> str:
        """Such as "/static/console.css?v=1f2e3d4c": a browser may keep for ever what it finds there."""
        return f"{PATH}/{name}?v={self._files[name].digest}"

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [Route(f"{PATH}/{{name}}", self.show)]

    async def show(self, request: Request) -> Response:
        """A file, packed where the browser unpacks it."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        kept = request.url.query == f"v={file.digest}"
        headers = {"cache-control": _FOR_EVER if kept else "no-cache", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, headers={**headers, "content-encoding": "gzip"}, media_type=file.media_type)
        return Response(file.plain, headers=headers, media_type=file.media_type)


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    return _File(_TYPES[path.suffix], plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:8])
