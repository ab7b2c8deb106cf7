"""An application: plain HTTP to the gateway, and the stock library's way with time-outs."""

import asyncio
import base64
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

_PATIENCE_S = 60.0
# The stock library's own figures: two retries, half a second before the first, twice as long before the next.
_RETRIES = 2
_FIRST_PAUSE_S = 0.5
_LOOK_S = 0.05
_QUEUE_DEPTH = re.compile(r"^heliostat_queue_depth [1-9]", re.MULTILINE)


@dataclass(frozen=True)
class Attempt:
    """One provider that was asked."""

    provider: str
    reason: str
    """Why it failed; empty where it delivered."""
    billed: str
    """yes, no or unknown."""


@dataclass(frozen=True)
class Answer:
    """Pictures, and where they came from."""

    request_id: str
    pictures: tuple[bytes, ...]
    labels: tuple[str, ...]
    model: str
    provider: str
    micros: int
    seconds: float
    attempts: tuple[Attempt, ...]


class Application:
    """Asks the gateway."""

    def __init__(self, url: str, key: str) -> None:
        self._metrics = f"{url}/metrics"
        self._http = httpx.AsyncClient(
            base_url=f"{url}/v1/images", headers={"authorization": f"Bearer {key}"}, timeout=_PATIENCE_S
        )

    async def close(self) -> None:
        """Lets the connections go."""
        await self._http.aclose()

    async def draw(self, **words: Any) -> Answer:
        """A picture from words. Raises RuntimeError with the gateway's sentence."""
        return await self._post("/generations", json=_asked(words))

    async def work(self, path: str, pictures: Mapping[str, bytes], **words: Any) -> Answer:
        """Work on a picture: "edits", "segments", "upscales" or "styles". Raises RuntimeError."""
        files: Sequence[tuple[str, Any]] = [(name, (f"{name}.png", data)) for name, data in pictures.items()]
        return await self._post(f"/{path}", data=_asked(words), files=files)

    async def draw_like_the_stock_library(self, timeout_s: float, told: Any, **words: Any) -> Answer:
        """A picture, with a time-out, and the retries that the vendor's library makes of itself.

        `told` is called with each time-out's ordinal. Raises TimeoutError where the last retry takes too long as well.
        """
        pause_s, began = _FIRST_PAUSE_S, time.monotonic()
        for retry in range(_RETRIES + 1):
            headers = {"x-stainless-lang": "python", "x-stainless-retry-count": str(retry)}
            try:
                answer = await self._post("/generations", json=_asked(words), headers=headers, timeout=timeout_s)
                return replace(answer, seconds=time.monotonic() - began)
            except httpx.TimeoutException:
                told(retry + 1)
            if retry < _RETRIES:
                await asyncio.sleep(pause_s)
                pause_s *= 2
        raise TimeoutError("the last retry timed out as well")

    async def until_one_waits(self) -> None:
        """Returns when a request waits in line for a provider that said to come back later. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                if _QUEUE_DEPTH.search((await self._http.get(self._metrics)).text):
                    return
                await asyncio.sleep(_LOOK_S)

    async def _post(self, path: str, **content: Any) -> Answer:
        began = time.monotonic()
        answer = await self._http.post(path, **content)
        body = answer.json()
        if answer.status_code != 200:
            raise RuntimeError(body["error"]["message"])
        return _read(body, time.monotonic() - began)


def _asked(words: Mapping[str, Any]) -> dict[str, Any]:
    return {"response_format": "b64_json", **words}


def _read(body: Mapping[str, Any], seconds: float) -> Answer:
    told = body["metadata"]
    attempts = tuple(Attempt(each["provider"], each.get("reason") or "", each["billed"]) for each in told["attempts"])
    return Answer(
        request_id=told["request_id"],
        pictures=tuple(base64.b64decode(each["b64_json"]) for each in body["data"]),
        labels=tuple(each.get("label", "") for each in body["data"]),
        model=told["model"],
        provider=told["provider"],
        micros=round(told["cost"] * 1e6),
        seconds=seconds,
        attempts=attempts,
    )
