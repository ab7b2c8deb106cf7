"""The console on the command line and in the configuration: its password, where it runs, and whom it asks."""

import io
from pathlib import Path

import httpx
import pytest

from heliostat.chassis.errors import MeshError
from heliostat.console.passwords import is_hash
from heliostat.launch import live, sandbox
from heliostat.launch.__main__ import main
from heliostat.launch.config import configure
from heliostat.launch.process import Process
from heliostat.launch.supervisor import Supervisor, spread
from heliostat.launch.targets import chosen

PORTS = sandbox.Ports(http=8080, grpc=50051, emulator=8090, console=8081)


def test_a_password_becomes_a_hash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Read from standard input; the password itself is not printed."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
    assert main(["console-password"]) == 0
    printed = capsys.readouterr().out
    assert is_hash(printed.strip())
    assert "long enough" not in printed


def test_a_short_password_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the sentence that says how long it has to be."""
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["console-password"]) == 2
    assert "10 to 1024 characters" in capsys.readouterr().err


def test_the_sandbox_has_a_console_that_its_edge_leads_to(tmp_path: Path) -> None:
    """On loopback, at the port of HELIOSTAT_CONSOLE_PORT, 8081 by default."""
    assert sandbox.Ports.from_environment({}).console == 8081
    assert sandbox.Ports.from_environment({"HELIOSTAT_CONSOLE_PORT": "9"}).console == 9
    tree = sandbox.tree(tmp_path, PORTS, "env:HELIOSTAT_API_KEY")
    assert tree["console"]["host"] == "127.0.0.1"
    assert tree["console"]["port"] == 8081
    assert tree["edge"]["console_url"] == "http://127.0.0.1:8081"
    parts = [part.name for part in configure(tree, "all").parts]
    assert parts[-5:] == ["router", "ledger", "rehearsal", "console", "edge"]


def test_all_runs_a_console_where_the_configuration_has_one() -> None:
    """Without a section there is none: it wants to be asked for, and given a login."""
    assert "console" not in chosen("all", [])
    assert "console" not in chosen("all", [], ["edge"])
    assert "console" in chosen("all", [], ["console"])
    assert chosen("console", []) == ["console"]


@pytest.mark.parametrize("listen", ["", "127.0.0.1:7001"])
def test_in_a_mesh_the_console_asks_the_operators_door(tmp_path: Path, listen: str) -> None:
    """It is a process of its own, between core and edge."""
    tree = sandbox.tree(tmp_path, PORTS, "env:HELIOSTAT_API_KEY")
    tree["admin"] = {"listen": listen}
    console = spread(tree)["console"]
    door = listen or f"unix:{tmp_path.resolve()}/admin.sock"
    assert (console["ledger_admin"], console["router_admin"]) == (door, door)
    assert console["core"] == spread(tree, tmp_path)["edge"]["router"] or console["core"].startswith("127.0.0.1:")
    supervisor = Supervisor(tree, tmp_path)
    assert list(supervisor.children)[-3:] == ["ledger,router", "console", "edge"]


def test_live_has_a_console_where_its_password_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real providers cost money: it never stands open."""
    monkeypatch.setenv("FAL_KEY", "x")
    assert "console" not in live.tree(tmp_path, PORTS, {})
    environment = {"HELIOSTAT_CONSOLE_PASSWORD_HASH": "$argon2id$"}
    console = live.tree(tmp_path, PORTS, environment)["console"]
    assert console == {"port": 8081, "password_hash": "env:HELIOSTAT_CONSOLE_PASSWORD_HASH"}


async def test_a_whole_process_with_a_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The street knows the adapters, / of the edge leads there, and all of it stops in order."""
    monkeypatch.setenv("HELIOSTAT_API_KEY", "a-key-of-a-test")
    tree = sandbox.tree(tmp_path, sandbox.Ports(0, 0, 1, console=0), "env:HELIOSTAT_API_KEY")
    tree["adapters"] = {"mock": {}}
    tree["router"] = {"auto_routes": True}
    tree["edge"]["console_url"] = "http://127.0.0.1:8081"
    process = Process(configure(tree, "all"))
    await process.start()
    try:
        async with httpx.AsyncClient(timeout=20) as client:
            root = await client.get(f"{process.http_url()}/")
            assert (root.status_code, root.headers["location"]) == (302, "http://127.0.0.1:8081")
            assert root.json()["docs"] == "/docs"
            headers = {"authorization": "Bearer a-key-of-a-test"}
            body = {"model": "mock-image", "prompt": "x"}
            made = await client.post(f"{process.http_url()}/v1/images/generations", json=body, headers=headers)
            assert made.status_code == 200
            street = await client.get(f"{process.console_url()}/street")
            assert "<bdi>mock</bdi>" in street.text
            listed = await client.get(f"{process.console_url()}/requests")
            picture = listed.text.partition('src="/media/')[2].partition("/small")[0]
            kept = await client.get(f"{process.console_url()}/media/{picture}")
            assert kept.headers["content-type"] == "image/png"
            assert kept.content.startswith(b"\x89PNG")
            small = await client.get(f"{process.console_url()}/media/{picture}/small")
            assert small.headers["content-type"] == "image/webp"
    finally:
        await process.stop(1)


async def test_a_console_without_a_login_does_not_start_outside_of_a_sandbox(tmp_path: Path) -> None:
    """It says what to set."""
    tree = {"state_dir": str(tmp_path), "console": {"port": 0}, "adapters": {"mock": {}}}
    with pytest.raises(MeshError, match=r"console\.password_hash"):
        await Process(configure(tree, "console")).start()
