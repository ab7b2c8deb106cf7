"""Several keys of a provider through the whole mesh: who is asked, what is told, which process reads what."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliostat.launch import sandbox
from heliostat.launch.config import configure
from heliostat.launch.process import Process
from heliostat.launch.supervisor import spread
from tests.mesh.test_resume import BOAT, FAL_ALONE, accepted, job_of, rows
from tests.support.loopback import PLAIN
from tests.support.mesh import KEY, mesh, provide_keys
from tests.support.processes import installed

TARGET = "fal/fal-ai/flux/schnell"


def accounts(folder: Path, **keys: str) -> dict[str, Any]:
    """Accounts by name, each with its key in a file; the first one has nearly all of the share."""
    made: dict[str, Any] = {}
    for name, key in keys.items():
        (folder / f"fal_{name}").write_text(key)
        made[name] = {"api_key": f"file:{folder}/fal_{name}", "weight": 1e-9 if made else 1e9}
    return made


@pytest.mark.parametrize("kind", ["local", "unix"])
async def test_a_refused_key_is_followed_by_the_other_account(tmp_path: Path, kind: str) -> None:
    """The answer says whose attempt it was, the providers' page which account is out; no key is told anywhere."""
    keys = {"main": "bad-key-of-main", "spare": "good-key-of-spare"}
    over = {"adapters": {"fal": {"accounts": accounts(tmp_path, **keys)}}}
    async with mesh(tmp_path, kind, over) as running:
        answer = await running.generate(model=TARGET, prompt="a red boat", size="1024x1024", response_format="b64_json")
        assert answer.status_code == 200, answer.text
        attempts = answer.json()["metadata"]["attempts"]
        told = [(each["target"], each["account"], each["status"], each.get("reason")) for each in attempts]
        assert told == [
            ("fal@main/fal-ai/flux/schnell", "main", "failed", "provider_auth_failed"),
            ("fal@spare/fal-ai/flux/schnell", "spare", "succeeded", None),
        ]
        providers = await running.http.get("/v1/providers")
        (fal,) = [each for each in providers.json()["data"] if each["id"] == "fal"]
        states = {(each["account"], each["status"]) for each in fal["targets"] if each["target"].endswith("/schnell")}
        assert states == {("main", "down"), ("spare", "up")}
        models = await running.http.get("/v1/models")
        everything = answer.text + providers.text + models.text
        assert not any(key in everything for key in keys.values())
        assert "fal@" not in models.text


async def test_a_killed_core_goes_on_with_the_key_that_the_job_was_submitted_with(tmp_path: Path) -> None:
    """Every other key of the provider is refused."""
    (tmp_path / "refused").write_text("bad-key")
    fal = {
        "api_key": f"file:{tmp_path}/refused",
        "accounts": accounts(tmp_path, good="good-key", other="bad-other-key"),
    }
    over = {"router": FAL_ALONE, "adapters": {"fal": fal}}
    async with installed(tmp_path, over, job_seconds=3, adapters=("fal",)) as running:
        begun = await running.generate({"Prefer": "respond-async"}, **BOAT)
        assert begun.status_code == 202, begun.text
        await accepted(running)
        starts = running.kill("ledger,router")
        await running.mesh_of_processes.started_again("ledger,router", starts, 30)
        job = await job_of(running, begun.headers["location"].rpartition("/")[2])
        assert job["status"] == "completed", job
        assert {row["account"] for row in rows(running.state_dir, "attempts")} == {"good"}
        assert (await running.journal())["billable"] == 1


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """The files that this process opens meanwhile."""
    opened: list[str] = []
    listening = True

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open":
            opened.append(str(arguments[0]))

    sys.addaudithook(hear)
    try:
        yield opened
    finally:
        listening = False


async def test_a_providers_key_is_read_in_its_adapters_process_only(tmp_path: Path) -> None:
    """Edge and core start, describe and serve without opening it; the adapter opens it when it is first needed."""
    own = accounts(tmp_path, a="good-key-a", b="good-key-b")
    secrets = {str(tmp_path / f"fal_{name}") for name in own}
    (tmp_path / "state").mkdir()
    tree = sandbox.tree(tmp_path / "state", sandbox.Ports(0, 0, 1), provide_keys(tmp_path))
    tree["adapters"] = {"fal": {**tree["adapters"]["fal"], "accounts": own}}
    tree["router"] = FAL_ALONE
    tree = spread(tree, tmp_path)
    core = Process(configure({**tree, "admin": {"listen": f"unix:{tmp_path}/admin.sock"}}, "ledger,router"), seed=7)
    edge = Process(configure(tree, "edge"), seed=7)
    adapter = Process(configure(tree, "adapter-fal"), seed=7)
    with opened_files() as opened:
        await core.start()
        await edge.start()
        try:
            headers = {"Authorization": f"Bearer {KEY}"}
            async with httpx.AsyncClient(verify=PLAIN, base_url=edge.http_url(), headers=headers, timeout=30) as client:
                assert (await client.post("/v1/images/generations", json=BOAT)).status_code >= 500
                assert secrets.isdisjoint(opened)
                await adapter.start()
                try:
                    async with asyncio.timeout(20):
                        while '"account":"b"' not in (await client.get("/v1/providers")).text:
                            await asyncio.sleep(0.05)
                finally:
                    await adapter.stop(5)
        finally:
            await edge.stop(5)
            await core.stop(5)
        assert secrets <= set(opened)
