"""Limits of a key and its log over real sockets; the emulated providers' journal is the truth for what was bought."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx

from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.money import to_money
from tests.support.mesh import Mesh, mesh

ONE: dict[str, Any] = {"model": "one-fal", "targets": [{"target": "fal/fal-ai/flux/schnell"}]}
BODY = {"model": "one-fal", "prompt": "A boat", "size": "512x512"}


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Mesh, admin_pb2_grpc.LedgerAdminServiceStub]]:
    """A mesh in one process, and its operators' door."""
    async with mesh(folder, "local", {"router": {"routes": [ONE]}}) as started:
        (address,) = started.processes[0].addresses["admin"]
        async with grpc.aio.insecure_channel(address) as channel:
            yield started, admin_pb2_grpc.LedgerAdminServiceStub(channel)


async def new_key(admin: admin_pb2_grpc.LedgerAdminServiceStub, **limits: Any) -> tuple[str, dict[str, str]]:
    """Id of a new key, and the header of its caller."""
    key = admin_pb2.Key(limits=admin_pb2.KeyLimits(**limits))
    made = await admin.CreateKey(admin_pb2.CreateKeyRequest(key=key))
    return made.key.key_id, {"authorization": f"Bearer {made.secret}"}


async def draw(started: Mesh, header: dict[str, str], **body: Any) -> httpx.Response:
    """One picture for a caller."""
    return await started.http.post("/v1/images/generations", json={**BODY, **body}, headers=header)


async def test_c18_a_hundred_at_once_against_a_budget_for_ten(tmp_path: Path) -> None:
    """Ten are served and ten bought; ninety are told 402, which budget it was and when it starts anew."""
    async with running(tmp_path) as (started, admin):
        _, header = await new_key(admin)
        price = (await draw(started, header)).json()["metadata"]["cost"]
        key_id, header = await new_key(admin)
        budget = admin_pb2.Budget(key_id=key_id, window="month", limit=to_money(round(price * 10.5e6)))
        await admin.SetBudget(admin_pb2.SetBudgetRequest(budget=budget))
        answers = await asyncio.gather(*(draw(started, header, prompt=f"{n}") for n in range(100)))
        assert Counter(answer.status_code for answer in answers) == {200: 10, 402: 90}
        refused = next(answer.json() for answer in answers if answer.status_code == 402)
        assert (refused["error"]["code"], refused["metadata"]["reason"]) == ("insufficient_quota", "budget_exhausted")
        assert (refused["metadata"]["budget"]["window"], refused["metadata"]["budget"]["budget"]) == ("month", "key")
        submits = [entry for entry in (await started.journal("fal"))["entries"] if entry["kind"] == "submit"]
        assert len(submits) == 1 + 10
        (balance,) = (await started.http.get("/v1/balance", headers=header)).json()["data"]
        assert (balance["spent"], balance["reserved"]) == (round(10 * price, 6), 0)
        assert balance["left"] < price
        usage = (await started.http.get("/v1/usage?group_by=key,provider", headers=header)).json()["data"]
        told = {row["provider"]: (row["key"], row["requests"], row["succeeded"], row["cost"]) for row in usage}
        assert told == {"fal": (key_id, 10, 10, round(10 * price, 6)), "": (key_id, 90, 0, 0.0)}


async def test_limits_by_the_minute_and_at_once(tmp_path: Path) -> None:
    """What is left stands in the headers; 429 says which bound it was and when to come back."""
    async with running(tmp_path) as (started, admin):
        _, header = await new_key(admin, requests_per_minute=3, images_per_minute=4)
        first = await draw(started, header, n=2)
        assert first.headers["x-ratelimit-remaining-requests"] == "2"
        assert first.headers["ratelimit"].startswith('"requests";r=2;t=')
        assert (await draw(started, header, n=2)).headers["x-ratelimit-remaining-images"] == "0"
        over = await draw(started, header)
        assert (over.status_code, over.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 0 < int(over.headers["retry-after"]) <= 60
        assert over.headers["ratelimit-policy"] == '"images";q=4;w=60'
        _, single = await new_key(admin, concurrent_requests=1, models=["one-fal"], operations=["text_to_image"])
        answers = await asyncio.gather(*(draw(started, single, prompt=f"{n}") for n in range(8)))
        counted = Counter(answer.status_code for answer in answers)
        assert (counted[200] >= 1, counted[200] + counted[429]) == (True, 8)
        other = await draw(started, single, model="mock-image")
        assert (other.status_code, other.json()["error"]["param"]) == (403, "model")
        fallback = await draw(started, single, models=["mock-image"])
        assert (fallback.status_code, fallback.json()["error"]["code"]) == (403, "caller_forbidden")
        models = (await started.http.get("/v1/models", headers=single)).json()["data"]
        assert [model["id"] for model in models] == ["one-fal"]


async def test_the_log_of_a_key(tmp_path: Path) -> None:
    """Its own requests only, filtered, one by one and exported; a purge takes the picture and leaves the cost."""
    async with running(tmp_path) as (started, admin):
        _, mine = await new_key(admin)
        _, other = await new_key(admin)
        for tag in ("art", "art", "sales"):
            drawn = await draw(started, mine, tags={"team": tag}, session_id="s1")
        await draw(started, other)
        page = (await started.http.get("/v1/requests?tag=team:art&limit=1&status=completed", headers=mine)).json()
        assert (len(page["data"]), page["has_more"], page["summary"]["requests"]) == (1, True, 2)
        assert page["summary"]["success_rate"] == 1.0
        (attempt,) = page["data"][0]["attempts"]
        assert (attempt["provider"], attempt["billed"]) == ("fal", "yes")
        name = drawn.json()["id"]
        export = await started.http.get("/v1/requests", headers={**mine, "accept": "text/csv"})
        assert next(csv.DictReader(io.StringIO(export.text)))["id"] == name
        assert len(export.text.splitlines()) == 1 + 3
        purges = [(await started.http.delete(f"/v1/requests/{name}/payloads", headers=mine)).json() for _ in range(2)]
        assert [(each["before"], each["media"]) for each in purges] == [(False, 1), (True, 0)]
        told = (await started.http.get(f"/v1/requests/{name}", headers=mine)).json()
        assert (told["purged"], told["cost"] > 0, told["media"][0]["purged"]) == (True, True, True)


async def test_c15_what_is_anothers_does_not_exist(tmp_path: Path) -> None:
    """Requests and jobs of another key, ids beside them and ids of nobody: 404 with one body, whatever the verb."""
    async with running(tmp_path) as (started, admin):
        _, mine = await new_key(admin)
        _, other = await new_key(admin)
        name = (await draw(started, mine)).json()["id"]
        number = int(name.removeprefix("req_"), 16)
        beside = [f"req_{number + step:024x}" for step in (-1, 1)]
        bodies: dict[str, set[str]] = {}
        for each in (name, *beside, "req_" + "0" * 24, "%2e%2e", "x' OR 1=1"):
            for method, path in (
                ("GET", "/v1/requests/{}"),
                ("DELETE", "/v1/requests/{}/payloads"),
                ("GET", "/v1/jobs/{}"),
                ("DELETE", "/v1/jobs/{}"),
            ):
                answer = await started.http.request(method, path.format(each), headers=other)
                assert answer.status_code == 404
                bodies.setdefault(method + path, set()).add(answer.text)
        assert all(len(texts) == 1 for texts in bodies.values())
        assert (await started.http.get(f"/v1/requests?key={name}", headers=other)).status_code == 403
        assert (await started.http.get("/v1/requests", headers=other)).json()["data"] == []
        assert (await started.http.get(f"/v1/requests/{name}", headers=mine)).status_code == 200
