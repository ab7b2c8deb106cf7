"""/, /docs and /openapi.json: the API telling about itself."""

import functools
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import orjson
from starlette.requests import Request

from heliostat.edge.desk import Desk
from heliostat.edge.docs_page import HEADERS, page
from heliostat.edge.openapi import description
from heliostat.edge.visit import Reply


@functools.cache
def described() -> dict[str, Any]:
    """The OpenAPI document of this version; made at first use, because it is not needed to start."""
    try:
        return description(version("heliostat"))
    except PackageNotFoundError:
        return description("0")


class Pages:
    """Serves the descriptions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def root(self, request: Request) -> Reply:
        """Where to go on: to the console, where there is one."""
        del request
        told = {"name": "heliostat", "docs": "/docs", "openapi": "/openapi.json", "models": "/v1/models"}
        console = self._desk.settings.console_url
        if not console:
            return Reply(200, [orjson.dumps(told)])
        return Reply(302, [orjson.dumps({**told, "console": console})], headers={"location": console})

    async def openapi(self, request: Request) -> Reply:
        """The description for machines."""
        del request
        return Reply(200, [orjson.dumps(described())])

    async def docs(self, request: Request) -> Reply:
        """The description for people."""
        del request
        base = self._desk.settings.public_url.rstrip("/") or self._desk.listening_on
        return Reply(200, [page(described(), base)], "text/html; charset=utf-8", HEADERS)
