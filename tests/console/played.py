"""A playground over a whole mesh with emulated providers, and somebody who fills it in."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.loopback import PLAIN
from tests.support.mesh import KEY, Mesh, free_port, mesh
from tests.support.toll import Toll

PROMPT = "A red circle over a green meadow"
CHAIN = "play-0123456789abcdef"


@dataclass
class Played:
    """A console's playground. `toll` stands between it and the ledger where a test asked for that."""

    url: str
    mesh: Mesh
    client: httpx.AsyncClient
    toll: Toll | None = None
    _token: str = ""

    async def page(self, query: str = "", status: int = 200) -> str:
        """The markup of the page."""
        answer = await self.client.get(f"/playground{query}")
        assert answer.status_code == status, answer.text
        return answer.text

    async def headers(self) -> dict[str, str]:
        """What a change carries."""
        if not self._token:
            found = re.search(r'data-csrf="([^"]+)"', (await self.client.get("/street")).text)
            assert found
            self._token = found[1]
        return {"x-csrf-token": self._token, "hx-request": "true"}

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """A change, as the page's script sends it: JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body)
        return await self.client.post(f"/playground/{path}", content=content, headers=await self.headers(), **options)

    async def look(self, **values: Any) -> str:
        """The estimate and the programs."""
        answer = await self.post("look", values)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def run(self, **values: Any) -> list[tuple[str, dict[str, Any]]]:
        """The events of a run: names and what they tell."""
        body = {"chain": CHAIN, "key": f"key{len(values)}{abs(hash(json.dumps(values, sort_keys=True)))}", **values}
        answer = await self.post("runs", body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [frame(part) for part in answer.text.split("\n\n") if part]

    async def drawn(self, **values: Any) -> dict[str, Any]:
        """The last event of a run that made something."""
        name, told = (await self.run(**{"model": "studio", "prompt": PROMPT, **values}))[-1]
        assert name == "done", told
        return told

    async def copy(self, media_id: str) -> str:
        """A picture of a step before, as a file for the next one."""
        answer = await self.post("files", b"", params={"media": media_id})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])


def frame(text: str) -> tuple[str, dict[str, Any]]:
    """One server-sent event."""
    found = re.fullmatch(r"event: (\w+)\ndata: (.*)", text)
    assert found, text
    return found[1], json.loads(found[2])


def media_of(html: str) -> list[str]:
    """Ids of the pictures of a result, in their order."""
    return re.findall(r'data-media="([^"]+)"', html)


@asynccontextmanager
async def played(
    folder: Path, *, over: Mapping[str, Any] | None = None, tolled: bool = False, with_key: bool = True
) -> AsyncIterator[Played]:
    """Starts both. `over`: settings of the console."""
    async with AsyncExitStack() as stack:
        console: dict[str, Any] = {"host": "127.0.0.1", "port": 0, **(over or {})}
        if with_key:
            console["playground_key"] = f"file:{folder}/key"
        tree: dict[str, Any] = {"console": console}
        toll = None
        if tolled:
            port = free_port()
            tree["ledger"] = {"listen": [f"127.0.0.1:{port}"]}
            toll = await stack.enter_async_context(Toll.to(("127.0.0.1", port)))
            console["core"] = f"127.0.0.1:{toll.port}"
        running = await stack.enter_async_context(mesh(folder, over=tree))
        url = running.processes[0].console_url()
        client = await stack.enter_async_context(httpx.AsyncClient(verify=PLAIN, base_url=url, timeout=60))
        yield Played(url, running, client, toll)


__all__ = ["CHAIN", "KEY", "PROMPT", "Played", "frame", "media_of", "played"]
