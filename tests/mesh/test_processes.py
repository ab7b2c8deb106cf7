"""The mesh as processes of their own: a killed adapter, one trace over all of them."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.api.sandbox.v1.sandbox_pb2_grpc import SandboxServiceStub
from heliostat.chassis.calls import call
from heliostat.chassis.channels import Channels
from heliostat.chassis.errors import MeshError
from heliostat.chassis.failpoints import POINTS
from heliostat.chassis.settings import MeshSettings
from heliostat.launch.file_watch import FileWatch
from heliostat.launch.supervisor import Supervisor
from tests.support.collector import Collector
from tests.support.mesh import KEY, PROVIDER_KEY, Mesh
from tests.support.processes import installed

SUNSET = {"model": "flux-schnell", "prompt": "A sunset over mountains", "size": "16:9"}


@asynccontextmanager
async def supervised(
    folder: Path, over: dict[str, Any] | None = None, environment: dict[str, str] | None = None
) -> AsyncIterator[tuple[Mesh, Supervisor]]:
    """An installation, as its client sees it, and its supervisor; what a failpoint kills loses its spans."""
    async with installed(folder, over, environment) as running:
        running.killed = bool(environment)
        yield running, running.mesh_of_processes


async def submitted(running: Mesh, provider: str) -> None:
    """Returns when the provider has been asked for a picture; gives up after thirty seconds."""
    async with asyncio.timeout(30):
        while not (await running.journal(provider))["entries"]:
            await asyncio.sleep(0.02)


async def test_a_killed_adapter_costs_its_requests_only(tmp_path: Path) -> None:
    """kill -9 in the middle: the request ends in a terminal state, and the adapter serves again once it is back."""
    async with supervised(tmp_path) as (running, supervisor):
        await running.script("fal", {"path": "submit", "delay_s": 8}, {"ok": True})
        under_way = asyncio.create_task(running.generate(**SUNSET))
        await submitted(running, "fal")
        first = supervisor.pid("adapter-fal")
        os.kill(first, signal.SIGKILL)
        running.facts["spans_may_be_lost"] = True
        answer = await under_way
        assert answer.status_code == 200, answer.text
        attempts = answer.json()["metadata"]["attempts"]
        assert [attempt["provider"] for attempt in attempts] == ["fal", "compat"]
        assert attempts[0]["billed"] == "unknown"
        await supervisor.started_again("adapter-fal", 1, 30)
        assert supervisor.pid("adapter-fal") != first
        async with asyncio.timeout(30):
            while (again := (await running.generate(**SUNSET)).json())["metadata"]["provider"] != "fal":
                await asyncio.sleep(0.05)
        assert len(again["data"]) == 1


async def test_the_sandboxs_controls_kill_an_adapter_which_comes_back(tmp_path: Path) -> None:
    """They know its process by the supervisor's file, which names the new one as soon as it serves."""
    async with supervised(tmp_path, {"rehearsal": {"providers": {"fal": "fal"}}}) as (running, supervisor):
        channels = Channels(MeshSettings())
        try:
            controls = SandboxServiceStub(channels.channel(f"unix:{running.state_dir}/admin.sock"))
            listed = await call(controls.ListProviders, sandbox_pb2.ListProvidersRequest(), timeout_s=30)
            assert [(each.name, each.killable) for each in listed.providers] == [("fal", True)]
            first = supervisor.pid("adapter-fal")
            await call(controls.KillAdapter, sandbox_pb2.KillAdapterRequest(adapter="fal"), timeout_s=30)
            running.killed = True
            await supervisor.started_again("adapter-fal", 1, 30)
            assert supervisor.pid("adapter-fal") != first
            with pytest.raises(MeshError, match="No adapter of this name"):
                await call(controls.KillAdapter, sandbox_pb2.KillAdapterRequest(adapter="edge"), timeout_s=30)
        finally:
            await channels.close()
        answer = await running.generate(**SUNSET)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", ["adapter-fal", "ledger,router", "edge"])
async def test_a_stopped_process_finishes_what_it_has(name: str, tmp_path: Path) -> None:
    """SIGTERM in the middle of a request: it is answered, by the provider that was asked, and bought once."""
    async with supervised(tmp_path, {"mesh": {"drain_s": 60}}) as (running, supervisor):
        await running.script("fal", {"path": "submit", "delay_s": 1}, {"ok": True})
        under_way = asyncio.create_task(running.generate(**SUNSET))
        await submitted(running, "fal")
        os.kill(supervisor.pid(name), signal.SIGTERM)
        answer = await under_way
        assert answer.status_code == 200, answer.text
        assert [attempt["provider"] for attempt in answer.json()["metadata"]["attempts"]] == ["fal"]
        assert (await running.journal())["billable"] == 1


async def test_one_trace_from_rest_to_the_provider(tmp_path: Path) -> None:
    """The caller's traceparent is taken up, and every process adds its spans to the one tree."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with installed(tmp_path) as running:
        headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
        answer = await running.generate(headers, **SUNSET)
        assert answer.json()["metadata"]["trace_id"] == trace_id
    check_tree(running.collector, trace_id)
    check_secrets(running.collector)


def check_tree(collector: Collector, trace_id: str) -> None:
    """The blueprint's tree: edge, run, attempt, adapter, HTTP, each the parent of the next."""
    spans = collector.trace(trace_id)
    chain = []
    parent = "b7ad6b7169203331"
    while found := [span for span in spans if span.parent_id == parent]:
        span = max(found, key=lambda each: sum(child.parent_id == each.span_id for child in spans))
        chain.append((span.service, span.name))
        parent = span.span_id
    expected = [
        ("heliostat-edge", r"POST /v1/images/generations"),
        ("heliostat-core", r"generate flux-schnell"),
        ("heliostat-core", r"attempt 1 fal/fal-ai/flux/schnell"),
        ("heliostat-adapter-fal", r".*generate.*"),
        ("heliostat-adapter-fal", r"(POST|GET).*"),
    ]
    assert len(chain) == len(expected), chain
    for (service, name), (wanted, pattern) in zip(chain, expected, strict=True):
        assert service == wanted, chain
        assert re.fullmatch(pattern, name), chain


def check_secrets(collector: Collector) -> None:
    """No prompt and no key in any span."""
    told = repr(collector.spans)
    assert "mountains" not in told
    assert KEY not in told
    assert PROVIDER_KEY not in told


@pytest.mark.parametrize("point", POINTS)
async def test_m06_the_invariants_hold_when_a_process_dies_at_a_commit_point(point: str, tmp_path: Path) -> None:
    """Stopped by SIGKILL at each commit point of a request, then started again: the checker finds no fault."""
    async with supervised(tmp_path, {}, {"HELIOSTAT_FAILPOINT": point}) as (running, supervisor):
        with suppress(httpx.TransportError):
            answer = await running.generate(**SUNSET)
            assert answer.status_code in (200, 500, 502, 503, 504), answer.text
        dead = "ledger,router" if point.startswith(("ledger", "router")) else "adapter-fal"
        await supervisor.started_again(dead, 1, 30)
        await running.quiet(30)


async def test_a_changed_file_reaches_every_process(tmp_path: Path) -> None:
    """`heliostat mesh --config FILE`: new routes are served without a restart, a broken file changes nothing."""
    file = tmp_path / "mesh.yaml"

    def put(text: str) -> None:
        new = file.with_suffix(".new")
        new.write_text(text)
        new.replace(file)

    async with supervised(tmp_path) as (running, supervisor):
        pids = {name: supervisor.pid(name) for name in supervisor.children}
        targets = [{"target": "compat/flux-schnell"}]
        watch = FileWatch(str(file), "", poll_s=0.02)
        following = asyncio.create_task(supervisor.follow(str(file), watch, {}))
        try:
            put("router: [")
            put(yaml.safe_dump({"router": {"routes": [{"model": "added", "targets": targets}]}}))
            async with asyncio.timeout(30):
                while (await running.generate(model="added", prompt="a boat")).status_code != 200:
                    await asyncio.sleep(0.1)
        finally:
            following.cancel()
        assert {name: supervisor.pid(name) for name in supervisor.children} == pids
