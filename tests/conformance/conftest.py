"""Every installed adapter, or a foreign one: `pytest tests/conformance --adapter-address=dns:///host:port`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from heliostat.api.adapter.v1 import adapter_pb2_grpc
from heliostat.chassis.channels import Channels
from heliostat.chassis.modules import Module
from heliostat.chassis.settings import MeshSettings
from heliostat.conformance.subject import Subject
from heliostat.conformance.suite import RULES
from heliostat.emulators.app import samples
from heliostat.emulators.provider import Sample
from heliostat.launch.targets import ADAPTER, adapter_kinds, load
from heliostat.launch.verification.stand import standing
from tests.conformance import record
from tests.conformance.subject import Emulated, EmulatedStage
from tests.emulators.conftest import Bench
from tests.emulators.conftest import opened as emulators

FOREIGN = "foreign"


def installed() -> list[str]:
    """The adapters that stand beside the kit, those of mapping files too."""
    return adapter_kinds()


def _emulated(name: str, sample: Sample) -> Emulated:
    key = load(ADAPTER + name).settings.model_fields["api_key"].default
    return Emulated(name, sample.path, key.reference.removeprefix("env:"), sample.model, sample.key)


EMULATED = {name: _emulated(name, sample) for name, sample in samples().items() if name in installed()}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of this suite."""
    parser.addoption("--adapter-address", default="", help="try the adapter at this gRPC address only")
    parser.addoption("--conformance-record", action="store_true", help="write tests/conformance/record.json anew")
    parser.addoption(
        "--adapter-emulator", default="", help="the emulated provider that the adapter at the address asks"
    )
    parser.addoption("--emulator-port", type=int, default=0, help="where that emulated provider shall listen")
    parser.addoption("--adapter-model", default="", help="provider model to ask it for; the first one by default")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each rule for each adapter."""
    if "adapter_name" not in metafunc.fixturenames:
        return
    foreign = metafunc.config.getoption("--adapter-address", default="")
    metafunc.parametrize("adapter_name", [FOREIGN] if foreign else installed())


_seen: dict[str, dict[str, str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gathers the cells, from all workers."""
    for name, value in report.user_properties:
        if name == "conformance" and report.when == "call":
            adapter, run, outcome = cast(tuple[str, str, str], value)
            _seen.setdefault(adapter, {})[run] = outcome


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Writes the cells down where that was asked for and everything passed."""
    if session.config.getoption("--conformance-record") and not hasattr(session.config, "workerinput"):
        if exitstatus != 0:
            session.config.get_terminal_writer().line("Nothing was recorded: not every rule is kept.", red=True)
            return
        record.write(_seen, installed(), [run for rule in RULES for run, _ in rule.runs()])


@pytest.fixture
async def subject(
    adapter_name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Subject]:
    """The adapter under test, running; with its emulated provider where there is one."""
    async with AsyncExitStack() as stack:
        channels = Channels(MeshSettings())
        stack.push_async_callback(channels.close)
        if adapter_name == FOREIGN:
            address = request.config.getoption("--adapter-address")
            stub = adapter_pb2_grpc.AdapterServiceStub(channels.channel(address))
            theirs = await _foreign_stage(request.config, stack)
            model = request.config.getoption("--adapter-model") or (samples()[theirs.provider].model if theirs else "")
            yield await Subject.of(stub, model=model, stage=theirs)
            return
        emulated = EMULATED.get(adapter_name)
        # The emulated painter paints in one colour: each picture would be decoded, by a process of its own.
        settings: dict[str, Any] = {"one_colour_warning": False}
        stage: EmulatedStage | None = None
        if emulated is not None:
            monkeypatch.setenv(emulated.variable, emulated.key)
            bench = await anext(running := emulators(job_seconds=0, scripts={emulated.provider: ()}))
            stack.push_async_callback(_finish, running)
            stage = EmulatedStage(bench, emulated.provider, emulated.key)
            settings["base_url"] = f"{bench.base}{emulated.path}"
        module: Module = load(ADAPTER + adapter_name)
        channel = await stack.enter_async_context(standing(module, settings, tmp_path))
        stub = adapter_pb2_grpc.AdapterServiceStub(channel)
        yield await Subject.of(stub, model=emulated.model if emulated else "", stage=stage)


async def _foreign_stage(config: pytest.Config, stack: AsyncExitStack) -> EmulatedStage | None:
    """The emulated provider of an adapter that runs elsewhere and was told its address; none where none is named."""
    provider = config.getoption("--adapter-emulator")
    if not provider:
        return None
    port = config.getoption("--emulator-port")
    bench = await anext(running := emulators(job_seconds=0, scripts={provider: ()}, port=port))
    stack.push_async_callback(_finish, running)
    return EmulatedStage(bench, provider, samples()[provider].key)


async def _finish(running: AsyncIterator[Bench]) -> None:
    """Lets the emulators' generator run to its end."""
    await anext(running, None)
