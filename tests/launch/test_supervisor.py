"""Which processes `heliostat mesh` starts, by what names they are found, and what follows if one does not start."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from heliostat.launch import sandbox
from heliostat.launch.supervisor import Supervisor, spread
from heliostat.launch.targets import adapter_kinds, package_of, processes_of

PORTS = sandbox.Ports(8080, 50051, 8090, 8081)


def described() -> list[str]:
    """The shipped providers that mapping files describe."""
    return [kind for kind, package in package_of().items() if kind != package]


def test_described_providers_share_a_process_and_each_keeps_its_address(tmp_path: Path) -> None:
    """They are one adapter: a process for each would be nine times the same code in memory."""
    supervisor = Supervisor(sandbox.tree(tmp_path, PORTS, "env:X"), tmp_path)
    adapters = [name.split(",") for name in supervisor.children if name.startswith("adapter-")]
    assert [names for names in adapters if len(names) > 1] == [[f"adapter-{kind}" for kind in described()]]
    assert sum(len(names) for names in adapters) == len([*adapter_kinds(), "compat"])
    places = [supervisor.tree["adapters"][kind]["listen"] for kind in described()]
    assert len({place for (place,) in places}) == len(described()) > 1


@pytest.mark.parametrize(
    ("sections", "processes"),
    [
        ({"luma": None}, [["luma"]]),
        ({"luma": {}, "fal": {}, "minimax": None}, [["luma", "minimax"], ["fal"]]),
        ({"starlight": {"kind": "mapped", "mappings": "."}, "luma": {}}, [["starlight", "luma"]]),
        ({"one": {"kind": "luma"}, "two": {"kind": "luma"}}, [["one", "two"]]),
        ({"openai": {}, "compat": {"kind": "openai"}}, [["openai"], ["compat"]]),
        ({"nobody": {}}, [["nobody"]]),
    ],
)
def test_sections_by_process(sections: dict[str, Any], processes: list[list[str]]) -> None:
    """By what serves them, whatever they are called; two sections of a deep adapter do not share one."""
    assert processes_of(sections) == processes


def test_an_adapter_that_somebody_else_runs_is_left_to_them(tmp_path: Path) -> None:
    """One in another language, say: it keeps its address and gets no process."""
    tree = sandbox.tree(tmp_path, PORTS, "env:X")
    tree["adapters"] = {"fal": {}, "recraft_go": {"address": "dns:///127.0.0.1:9000"}}
    assert spread(tree)["adapters"]["recraft_go"] == {"address": "dns:///127.0.0.1:9000"}
    assert list(Supervisor(tree, tmp_path).children) == ["adapter-fal", "ledger,router", "console", "edge"]


async def test_each_adapter_of_a_shared_process_is_found_by_its_own_name(tmp_path: Path) -> None:
    """By operators, and in the file for the sandbox's controls; all of them serve, and stop together."""
    tree = sandbox.tree(tmp_path, sandbox.Ports(0, 0, 0, 0), sandbox.key_reference(tmp_path, {}))
    tree["adapters"] = {"luma": {}, "minimax": {}, "mock": {}}
    tree["router"] = {"routes": []}
    supervisor = Supervisor(tree, tmp_path, tmp_path / "s")
    try:
        await supervisor.start()
        assert supervisor.pid("adapter-luma") == supervisor.pid("adapter-minimax") != supervisor.pid("adapter-mock")
        told = json.loads((tmp_path / "processes.json").read_text())
        assert told["adapter-minimax"] == supervisor.pid("adapter-minimax") > 0
        for name in ("luma", "minimax", "mock"):
            _, writer = await asyncio.open_unix_connection(str(tmp_path / "s" / f"adapter-{name}.sock"))
            writer.close()
    finally:
        await supervisor.stop()
    assert not any(supervisor.pid(name) for name in supervisor.children)


async def test_a_part_that_does_not_start_ends_the_start(tmp_path: Path) -> None:
    """By its name, and nothing is left running."""
    tree = sandbox.tree(tmp_path, PORTS, "env:X")
    tree["adapters"] = {"nobody": {}}
    supervisor = Supervisor(tree, tmp_path)
    try:
        with pytest.raises(RuntimeError, match="adapter-nobody did not start"):
            await supervisor.start()
    finally:
        await supervisor.stop()
    assert not any(supervisor.pid(name) for name in supervisor.children)
