"""The sandbox's controls over a whole mesh and real emulators: faults bite, bills are counted, nobody else has them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.api.sandbox.v1.sandbox_pb2_grpc import SandboxServiceStub
from heliostat.chassis.calls import call, stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros
from heliostat.chassis.settings import MeshSettings
from heliostat.launch import sandbox
from heliostat.launch.config import configure
from heliostat.launch.process import Process
from heliostat.launch.supervisor import Supervisor
from heliostat.rehearsal.processes import Processes
from tests.support.mesh import Mesh, free_port, mesh, open_rows

_WITHIN_S = 40.0


@asynccontextmanager
async def rehearsed(folder: Path) -> AsyncIterator[tuple[Mesh, SandboxServiceStub]]:
    """A mesh with the controls, behind its operators' door."""
    port = free_port()
    section = {"emulators": f"http://127.0.0.1:{port}", "providers": {"fal": "fal", "compat": "compat"}}
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(mesh(folder, over={"rehearsal": section}, emulator_port=port))
        channels = Channels(MeshSettings())
        stack.push_async_callback(channels.close)
        door = running.processes[0].addresses["admin"][0]
        yield running, SandboxServiceStub(channels.channel(door))


async def counted(
    stub: SandboxServiceStub, pictures: int, without_gateway: int, repeats: int = 0
) -> sandbox_pb2.Counters:
    """The counters, once they say so. Raises TimeoutError."""
    wanted = pictures, without_gateway, repeats
    async with asyncio.timeout(_WITHIN_S), stream(stub.WatchSandbox, sandbox_pb2.WatchSandboxRequest()) as messages:
        async for message in messages:
            told = message.counters
            if (told.billed.picture_count, told.without_gateway.picture_count, told.repeat_count) == wanted:
                return sandbox_pb2.Counters.FromString(told.SerializeToString())
    raise AssertionError("the stream ended")


def set_fault(provider: str, kind: "sandbox_pb2.FaultKind") -> sandbox_pb2.SetFaultRequest:
    """Asks for a fault."""
    return sandbox_pb2.SetFaultRequest(provider=provider, fault=sandbox_pb2.Fault(kind=kind))


async def test_a_provider_that_is_down_is_passed_by_and_comes_back(tmp_path: Path) -> None:
    """The button's whole way: contract, controls, emulator, router, bill."""
    async with rehearsed(tmp_path) as (running, stub):
        asked = set_fault("fal", sandbox_pb2.FAULT_KIND_DOWN)
        told = await call(stub.SetFault, asked, timeout_s=_WITHIN_S)
        assert told.provider.fault.kind == sandbox_pb2.FAULT_KIND_DOWN
        answer = await running.generate(model="flux-schnell", prompt="a fox")
        assert answer.json()["metadata"]["provider"] == "compat"
        await call(stub.ClearFaults, sandbox_pb2.ClearFaultsRequest(provider="fal"), timeout_s=_WITHIN_S)
        answer = await running.generate(model="flux-dev", prompt="a hare")
        assert answer.json()["metadata"]["provider"] == "fal"
        counters = await counted(stub, 2, 2)
        journal = await running.journal()
        assert to_micros(counters.billed.cost) == sum(entry["cost_micros"] for entry in journal["entries"])
        listed = await call(stub.ListProviders, sandbox_pb2.ListProvidersRequest(), timeout_s=_WITHIN_S)
        assert [(each.name, each.bill.picture_count) for each in listed.providers] == [("compat", 1), ("fal", 1)]
        assert not any(each.HasField("fault") or each.killable for each in listed.providers)


async def test_a_call_that_is_sent_three_times_is_billed_once_and_counted_three_times(tmp_path: Path) -> None:
    """A library's retries, one while the call is under way and one after it; and a key that is sent again."""
    async with rehearsed(tmp_path) as (running, stub):
        body = {"model": "flux-schnell", "prompt": "a heron"}
        await running.script("fal", {"path": "status", "match": {}, "body": {"status": "IN_PROGRESS"}})
        first = asyncio.create_task(running.generate(**body, headers={"x-stainless-retry-count": "0"}))
        async with asyncio.timeout(_WITHIN_S):
            while not open_rows(running.state_dir):
                await asyncio.sleep(0.02)
        again = asyncio.create_task(running.generate(**body, headers={"x-stainless-retry-count": "1"}))
        await counted(stub, 1, 2, repeats=1)
        await running.script("fal")
        await asyncio.gather(first, again)
        await running.generate(**body, headers={"x-stainless-retry-count": "2"})
        counters = await counted(stub, 1, 3, repeats=2)
        assert to_micros(counters.without_gateway.cost) == 3 * to_micros(counters.billed.cost) > 0
        for _ in range(2):
            await running.generate(model="flux-schnell", prompt="a crane", headers={"idempotency-key": "k"})
        counters = await counted(stub, 2, 5, repeats=3)
        assert (
            counters == (await call(stub.GetCounters, sandbox_pb2.GetCountersRequest(), timeout_s=_WITHIN_S)).counters
        )


async def test_strangers_and_nonsense_are_refused(tmp_path: Path) -> None:
    """Unknown providers, kinds and adapters that are no processes; by reason and field."""
    async with rehearsed(tmp_path) as (_, stub):
        for method, asked, reason, field in (
            (
                stub.SetFault,
                set_fault("x/../fal", sandbox_pb2.FAULT_KIND_DOWN),
                reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
                "provider",
            ),
            (
                stub.SetFault,
                set_fault("fal", sandbox_pb2.FAULT_KIND_SCRIPTED),
                reasons.ERROR_REASON_INVALID_FIELD,
                "fault.kind",
            ),
            (
                stub.ClearFaults,
                sandbox_pb2.ClearFaultsRequest(provider="nobody"),
                reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
                "provider",
            ),
            (
                stub.KillAdapter,
                sandbox_pb2.KillAdapterRequest(adapter="fal"),
                reasons.ERROR_REASON_INVALID_FIELD,
                "adapter",
            ),
        ):
            with pytest.raises(MeshError) as refused:
                await call(method, asked, timeout_s=_WITHIN_S)
            assert (refused.value.reason, refused.value.field) == (reason, field)


async def test_outside_of_a_sandbox_it_does_not_exist(tmp_path: Path) -> None:
    """The target refuses to start, and no other configuration than a sandbox's has the section."""
    tree = {"state_dir": str(tmp_path), "rehearsal": {}, "adapters": {"mock": {}}}
    with pytest.raises(MeshError, match="for a sandbox only"):
        await Process(configure(tree, "all")).start()
    without = {**tree, "rehearsal": None}
    assert "rehearsal" not in [part.name for part in configure(without, "all").parts]


def test_a_sandbox_with_a_console_has_them_and_a_mesh_tells_its_processes(tmp_path: Path) -> None:
    """In one process beside the ledger; in a mesh in the core's process, with the file of process ids."""
    tree = sandbox.tree(tmp_path, sandbox.Ports(8080, 50051, 8090, 8081), "env:X")
    parts = [part.name for part in configure(tree, "all").parts]
    assert parts[-5:] == ["router", "ledger", "rehearsal", "console", "edge"]
    supervisor = Supervisor(tree, tmp_path / "mesh")
    assert supervisor.children["ledger,router"].arguments[-1] == "--target=ledger,router,rehearsal"
    assert supervisor.tree["rehearsal"]["processes_file"] == str(tmp_path / "mesh" / "processes.json")
    assert supervisor.tree["console"]["sandbox_controls"] == supervisor.tree["console"]["ledger_admin"]


def test_killing_an_adapter_kills_its_process(tmp_path: Path) -> None:
    """By the file's id; a name that is not in the file is refused."""
    file = tmp_path / "processes.json"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        file.write_text(json.dumps({"adapter-fal": child.pid, "edge": os.getpid()}))
        with pytest.raises(MeshError, match="No adapter of this name"):
            Processes(str(file)).kill("edge")
        Processes(str(file)).kill("fal")
        assert child.wait(_WITHIN_S) == -signal.SIGKILL
