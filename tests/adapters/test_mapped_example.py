"""The mapping of docs/mapping_files.md, served as an operator would, over a provider that plays its part."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
from heliostat.chassis.money import to_micros
from heliostat.launch.targets import load
from heliostat.painting.blank import blank_png
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import Room, media, pixels, plain, served

PAGE = (Path(__file__).parents[2] / "docs" / "mapping_files.md").read_text(encoding="utf-8")


@dataclass
class Starlight:
    """The provider of the page: a job is over at the second look, and ends as its prompt says."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    cancelled: list[str] = field(default_factory=list)

    async def answer(self, exchange: Exchange) -> None:
        """Plays one request."""
        path, host = exchange.path, exchange.headers["host"]
        if path.endswith(".png"):
            given = self.jobs[-1]
            return await exchange.answer(
                200, blank_png(given.get("width", 64), given.get("height", 64)), content_type="image/png"
            )
        if exchange.headers.get("authorization") != "Bearer star-key":
            return await exchange.answer(401, b"{}")
        status, said = self._said(exchange, host)
        await exchange.answer(status, json.dumps(said).encode(), content_type="application/json", x_request_id="r-1")

    def _said(self, exchange: Exchange, host: str) -> tuple[int, dict[str, Any]]:
        if exchange.method == "POST":
            given = json.loads(exchange.body)["input"]
            if given["prompt"] == "no credit":
                return 403, {"error": {"code": "NO_CREDIT", "message": "top up"}}
            self.jobs.append(given)
            return 202, {"job": {"id": f"job-{len(self.jobs)}"}}
        if exchange.method == "DELETE":
            self.cancelled.append(exchange.path)
            return (200, {}) if exchange.path == "/v1/jobs/job-1" else (404, {})
        self.looks += 1
        if self.looks % 2:
            return 200, {"job": {"state": "running", "percent": 50}}
        ends = {"bad luck": ("broken", "it broke"), "something rude": ("blocked", "rude")}
        state, why = ends.get(self.jobs[-1]["prompt"], ("ready", ""))
        count = self.jobs[-1].get("count", 1)
        images = [{"url": f"http://{host}/{number}.png"} for number in range(count)]
        result = {"images": images, "seed": 11, "cost_cents": 2.5 * count}
        return 200, {"job": {"state": state, "reason": why}, "result": result}


@pytest.fixture
async def starlight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Room, Starlight]]:
    """The page's file in a folder, and the adapter that it makes."""
    text = re.findall(r"^```yaml\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "mapped.yaml").write_text(text.replace("provider: starlight", "provider: mapped"), encoding="utf-8")
    monkeypatch.setenv("STARLIGHT_API_KEY", "star-key")
    provider = Starlight()
    async with (
        raw_server(provider.answer) as server,
        served(load("adapter-x", "mapped"), tmp_path, {"mappings": str(tmp_path), "base_url": server.base}) as room,
    ):
        yield room, provider


async def test_pictures_come_with_what_is_told_of_them(starlight: tuple[Room, Starlight]) -> None:
    """Sizes, number and options in the provider's words; cost in cents, a seed, a job that is accepted."""
    room, provider = starlight
    answer = await room.ask("star-1", image_count=2, size=pixels(512, 768), seed=2**32)
    assert provider.jobs == [
        {
            "prompt": "a red boat",
            "width": 512,
            "height": 768,
            "count": 2,
            "seed": 0,
            "steps": 20,
            "watermark": False,
        }
    ]
    assert [event.percent for event in answer.of("progress")] == [50.0]
    assert (len(answer.pictures), answer.of("media_ended")[0].seed) == (2, 11)
    assert answer.of("provider_accepted")[0].provider_job_id == "job-1"
    assert to_micros(answer.result.cost.reported) == 50_000
    assert answer.adjusted("seed").sent == "0"
    assert to_micros((await room.estimate("star-1", image_count=2)).cost.amount) == 40_000


async def test_a_picture_is_changed_where_its_mask_is_white(starlight: tuple[Room, Starlight]) -> None:
    """Strength is brought to the provider's span; several pictures of an edit are refused, for no field asks them."""
    room, provider = starlight
    edit = requests.Edit(image=media(plain(64, 64)), mask=media(plain(64, 64, "white")), strength=0.5)
    answer = await room.ask("star-1", edit=edit)
    assert answer.result.image_count == 1
    (sent,) = provider.jobs
    assert sent["strength"] == 0.5
    assert sent["image"].startswith("data:image/png;base64,")
    assert sent["mask"].startswith("data:image/png;base64,")
    refused = await room.ask("star-1", edit=edit, image_count=2)
    assert (reason_name(refused.failure.reason), refused.failure.field) == ("unsupported", "n")


@pytest.mark.parametrize(
    ("prompt", "reason", "outcome", "billed"),
    [
        ("bad luck", "provider_unavailable", events.OUTCOME_REFUSED, events.BILLED_NO),
        ("something rude", "content_blocked", events.OUTCOME_REFUSED, events.BILLED_NO),
        ("no credit", "quota_exhausted", events.OUTCOME_REFUSED, events.BILLED_NO),
    ],
)
async def test_what_fails_is_told_by_the_mapping(
    prompt: str,
    reason: str,
    outcome: "events.Outcome",
    billed: "events.Billed",
    starlight: tuple[Room, Starlight],
) -> None:
    """`failed_is_free` stands in the file."""
    room, _ = starlight
    failure = (await room.ask("star-1", prompt=prompt)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.outcome, failure.failure.billed) == (reason, outcome, billed)


async def test_a_job_is_taken_back_by_the_mapping(starlight: tuple[Room, Starlight]) -> None:
    """Free, as the file says; an id that cannot be one is never asked about."""
    room, provider = starlight
    taken, unknown = await room.cancel("star-1", "job-1"), await room.cancel("star-1", "job-9")
    odd = await room.cancel("star-1", "../models")
    assert (taken.found, taken.free, unknown.found, odd.found) == (True, True, False, False)
    assert provider.cancelled == ["/v1/jobs/job-1", "/v1/jobs/job-9"]
