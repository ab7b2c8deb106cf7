"""The configuration as a whole: which parts run here, where the others are, and what is refused."""

import socket
from pathlib import Path
from typing import Any

import pytest

from heliostat.chassis.errors import MeshError
from heliostat.chassis.http_server import listen
from heliostat.launch import live, sandbox, targets
from heliostat.launch.config import configure, printed
from heliostat.launch.supervisor import spread
from heliostat.launch.targets import adapter_kinds

PORTS = sandbox.Ports(http=8080, grpc=50051, emulator=8090)


def tree() -> dict[str, Any]:
    """The sandbox's configuration."""
    return sandbox.tree(Path("state"), PORTS, "env:HELIOSTAT_API_KEY")


def names(tree: dict[str, Any], target: str) -> list[str]:
    """The parts that a target runs, in starting order."""
    return [part.name for part in configure(tree, target).parts]


ADAPTERS = [f"adapter-{name}" for name in tree()["adapters"]]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("all", [*ADAPTERS, "router", "ledger", "edge"]),
        ("edge", ["edge"]),
        ("ledger,router", ["router", "ledger"]),
        ("adapter-openai,adapter-compat", ["adapter-openai", "adapter-compat"]),
    ],
)
def test_a_target_chooses_parts(target: str, expected: list[str]) -> None:
    """Whoever is called starts before whoever calls."""
    assert names(tree(), target) == expected


def test_the_sandbox_has_every_adapter_that_needs_no_real_provider() -> None:
    """Those whose provider is emulated are found by their folders; no list is edited for a new one."""
    assert set(ADAPTERS) == {*(f"adapter-{kind}" for kind in adapter_kinds()), "adapter-compat"}
    assert {"adapter-replicate", "adapter-bfl"} < set(ADAPTERS)


def test_an_adapter_with_an_address_runs_elsewhere() -> None:
    """`all` leaves it out and calls it where it is."""
    there = tree()
    there["adapters"]["fal"]["address"] = "dns:///fal:9000"
    configuration = configure(there, "all")
    assert "adapter-fal" not in [part.name for part in configuration.parts]
    assert configuration.adapters["fal"] == "dns:///fal:9000"
    assert configuration.adapters["mock"] == "local:adapter-mock"


def test_the_ledger_does_not_journal_ahead_of_a_router_elsewhere() -> None:
    """Write-ahead per attempt is exact in one process only."""
    alone = tree()
    alone["ledger"]["router"] = "dns:///router:1"
    with pytest.raises(MeshError, match="run --target=ledger,router"):
        configure(alone, "ledger")
    alone["ledger"]["write_ahead"] = "request"
    assert names(alone, "ledger") == ["ledger"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"edgy": {}}, "edgy: unknown key"),
        ({"edge": {"prot": 1}}, "edge.prot: unknown key"),
        ({"adapters": {"openai": {"api_key": "sk-1234"}}}, "never in the configuration itself"),
        ({"adapters": {"nobody": {}}}, "no adapter 'nobody'. `heliostat list-targets` prints"),
        ({"adapters": {"fall": {}}}, "no adapter 'fall'; did you mean 'fal'"),
        ({"adapters": {"mine": {"kind": "replicat"}}}, "no adapter 'replicat'; did you mean 'replicate'"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], sentence: str) -> None:
    """Everything is checked before anything starts."""
    with pytest.raises(MeshError, match=sentence):
        configure({**tree(), **change}, "all")


def test_an_unknown_target_is_refused() -> None:
    """The sentence says where to look."""
    with pytest.raises(MeshError, match="no target 'wharf'; `heliostat list-targets`"):
        configure(tree(), "edge,wharf")


def test_what_is_printed_holds_references_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check-config` can be pasted into an issue."""
    monkeypatch.setenv("HELIOSTAT_API_KEY", "the-secret-itself")
    text = printed(configure(tree(), "all"))
    assert "env:HELIOSTAT_API_KEY" in text
    assert "the-secret-itself" not in text


def test_adapters_are_found_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new provider edits no shared file: a folder is enough."""
    import heliostat.adapters

    package = tmp_path / "earthlight"
    package.mkdir()
    (package / "__init__.py").write_text("from heliostat.adapters.mock import MODULE as MODULE\n")
    monkeypatch.setattr(heliostat.adapters, "__path__", [*heliostat.adapters.__path__, str(tmp_path)])
    assert "earthlight" in targets.adapter_kinds()
    assert names({**tree(), "router": {}, "adapters": {"earthlight": {}}}, "all")[0] == "adapter-earthlight"


def test_a_mesh_has_an_address_for_everything(tmp_path: Path) -> None:
    """Spread over processes, nobody is local to anybody but core to itself."""
    mesh = spread(tree(), tmp_path)
    assert all(section["address"] == section["listen"][0] for section in mesh["adapters"].values())
    assert mesh["edge"]["router"] in mesh["ledger"]["listen"]


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"HELIOSTAT_HTTP_PORT": "eighty"}, "HELIOSTAT_HTTP_PORT must be a port"),
        ({"HELIOSTAT_GRPC_PORT": "99999"}, "0 to 65535"),
    ],
)
def test_ports_that_are_none_are_refused(environment: dict[str, str], sentence: str) -> None:
    """The sentence names the variable."""
    with pytest.raises(MeshError, match=sentence):
        sandbox.Ports.from_environment(environment)


def test_the_sandbox_never_names_a_providers_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pasted curl cannot spend money: providers' variables are not even referred to."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    text = printed(configure(tree(), "all"))
    assert "OPENAI_API_KEY" not in text
    assert "FAL_KEY" not in text
    assert "127.0.0.1:8090" in text


def test_the_sandbox_keeps_its_key(tmp_path: Path) -> None:
    """A key that was pasted somewhere is still good after a restart; the environment wins."""
    reference = sandbox.key_reference(tmp_path, {})
    first = Path(reference.removeprefix("file:")).read_text()
    assert sandbox.key_reference(tmp_path, {}) == reference
    assert Path(reference.removeprefix("file:")).read_text() == first
    assert sandbox.key_reference(tmp_path, {"HELIOSTAT_API_KEY": "mine"}) == "env:HELIOSTAT_API_KEY"


class TestLive:
    """`make live`: the providers whose keys are in the environment, under a cap."""

    @pytest.fixture(autouse=True)
    def _no_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("OPENAI_API_KEY", "FAL_KEY", "COMFYUI_API_KEY"):
            monkeypatch.delenv(name, raising=False)

    def test_no_key_is_said(self) -> None:
        """And the way without a key is named."""
        with pytest.raises(MeshError, match="make run"):
            live.tree(Path("s"), PORTS, {})

    def test_keys_that_are_found_are_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One key is enough, and its adapter is all there is."""
        monkeypatch.setenv("FAL_KEY", "id:secret")
        assert live.found_keys() == {"fal": "FAL_KEY"}
        found = live.tree(Path("s"), PORTS, {})
        assert list(found["adapters"]) == ["fal"]
        assert found["ledger"]["spend_cap_usd"] == 1
        assert names(found, "all") == ["adapter-fal", "router", "ledger", "edge"]

    @pytest.mark.parametrize("kind", ["comfyui", "automatic1111"])
    def test_an_engine_of_ones_own_is_found_by_its_address(self, kind: str) -> None:
        """It needs no key."""
        found = live.tree(Path("s"), PORTS, {f"{kind.upper()}_URL": "http://127.0.0.1:8188"})
        assert found["adapters"] == {kind: {"base_url": "http://127.0.0.1:8188"}}

    def test_a_key_alone_is_no_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody knows where it stands."""
        monkeypatch.setenv("COMFYUI_API_KEY", "key")
        monkeypatch.setenv("AUTOMATIC1111_AUTH", "user:password")
        assert live.found_keys() == {}

    @pytest.mark.parametrize("address", ["gpu:8188", "http://", "http://a:secret@gpu:8188", "http://gpu/?key=1"])
    def test_what_is_no_address_is_refused(self, address: str) -> None:
        """And not told again: a password may stand in it."""
        with pytest.raises(MeshError, match="COMFYUI_URL must be an address") as refusal:
            live.tree(Path("s"), PORTS, {"COMFYUI_URL": address})
        assert "secret" not in refusal.value.message

    @pytest.mark.parametrize("cap", ["nothing", "-1", "0", "NaN"])
    def test_a_cap_that_is_none_is_refused(self, cap: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A typing error must not lift the cap."""
        monkeypatch.setenv("FAL_KEY", "id:secret")
        with pytest.raises(MeshError, match="HELIOSTAT_SPEND_CAP_USD must be an amount"):
            live.tree(Path("s"), PORTS, {"HELIOSTAT_SPEND_CAP_USD": cap})


@pytest.mark.parametrize(("key", "variable"), [("edge.port", "HTTP_PORT"), ("console.port", "CONSOLE_PORT")])
def test_a_taken_port_is_told_with_its_variable_where_no_file_has_its_key(key: str, variable: str) -> None:
    """`make run` and `make live` have no configuration file to choose another one in."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(MeshError) as refusal:
            listen("127.0.0.1", port, key)
    assert f"choose another {key}" in refusal.value.message
    assert sandbox.with_variable(refusal.value).message == (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use; set HELIOSTAT_{variable} to a free port, "
        "or end the process that holds it."
    )
