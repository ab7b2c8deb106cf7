"""What is measured, and how each is started, asked and stopped."""

import asyncio
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmarks import proc
from benchmarks.heliostat_config import (
    API_KEY_VARIABLE,
    PROVIDER_KEY_VARIABLE,
    Surroundings,
    heliostat_all_config,
    heliostat_mesh_configs,
)
from benchmarks.peers import AbsentError, litellm_program, portkey_program
from benchmarks.ports import free_port

MODELS = ["small", "b1", "b4", "small-d50", "small-d2000", "b1-d500"]
KEY = "sk-benchmark-0123456789abcdef"
START_LIMIT_S = 90.0
STOP_LIMIT_S = 8.0
POLL_S = 0.01
ANSWER_LIMIT_S = 10.0
LOG_TAIL = 600


class StartError(Exception):
    """A target did not come to serve; the text ends with its last words."""


@dataclass(frozen=True)
class Setting:
    """What a target finds around it: the mock provider, a span collector, a folder of its own and the peers' cache."""

    mock_port: int
    otlp_port: int
    folder: Path
    cache: Path

    @property
    def mock_url(self) -> str:
        """The provider's address without a path."""
        return f"http://127.0.0.1:{self.mock_port}"


@dataclass(frozen=True)
class Command:
    """One process of a target; it gets no environment but `env` and a plain PATH, HOME and LANG."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How to start a target and how to ask it: its processes in order, its port, its headers, its extra body fields.

    `small_fields` go into requests whose answer is a URL, `picture_fields` into those whose answer is the bytes.
    """

    port: int
    commands: list[Command]
    headers: dict[str, str] = field(default_factory=dict)
    small_fields: dict[str, str] = field(default_factory=dict)
    picture_fields: dict[str, str] = field(default_factory=dict)

    def request(self, model: str) -> str:
        """A whole HTTP/1.1 request for one picture of `model`."""
        fields = {"model": model, "prompt": "A sunset over mountains", "size": "1024x1024"}
        extra = self.small_fields if model.startswith("small") else self.picture_fields
        body = json.dumps({**fields, **extra, "n": 4 if model.startswith("b4") else 1})
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST /v1/images/generations HTTP/1.1\r\n{lines}\r\n{body}"


async def plan_direct(setting: Setting) -> Plan:
    """No gateway at all: the mock provider itself, the base of every added latency."""
    return Plan(setting.mock_port, [])


async def plan_all(setting: Setting) -> Plan:
    """Heliostat in one process."""
    _require_heliostat()
    port = free_port()
    config = heliostat_all_config(_surroundings(setting), port)
    return _heliostat_plan(port, [_heliostat_command(setting.folder, "all", config)])


async def plan_mesh(setting: Setting) -> Plan:
    """Heliostat as edge, core and adapter, each a process of its own."""
    _require_heliostat()
    port = free_port()
    configs = heliostat_mesh_configs(_surroundings(setting), port, free_port(), free_port())
    return _heliostat_plan(
        port, [_heliostat_command(setting.folder, target, config) for target, config in configs.items()]
    )


def _surroundings(setting: Setting) -> Surroundings:
    return Surroundings(setting.mock_url, f"http://127.0.0.1:{setting.otlp_port}", setting.folder, MODELS)


def _require_heliostat() -> None:
    try:
        spec = importlib.util.find_spec("heliostat.launch.__main__")
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise AbsentError("heliostat is not installed in this environment")


def _heliostat_plan(port: int, commands: list[Command]) -> Plan:
    headers = {"Authorization": f"Bearer {KEY}"}
    return Plan(port, commands, headers, {"delivery": "provider_url"}, {"response_format": "b64_json"})


def _heliostat_command(folder: Path, target: str, config: dict[str, object]) -> Command:
    file = folder / f"{target.replace(',', '-')}.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    argv = [sys.executable, "-m", "heliostat.launch", "serve", "--config", str(file)]
    if target != "all":
        argv.append(f"--target={target}")
    return Command(argv, {API_KEY_VARIABLE: KEY, PROVIDER_KEY_VARIABLE: "sk-provider"})


async def plan_litellm(setting: Setting) -> Plan:
    """LiteLLM's proxy: one worker, a master key, no database, telemetry off, its bundled price list."""
    program = await litellm_program(setting.cache)
    port = free_port()
    config = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {
                    "model": f"openai/{model}",
                    "api_base": f"{setting.mock_url}/v1",
                    "api_key": "sk-provider",
                },
                "model_info": {"mode": "image_generation"},
            }
            for model in MODELS
        ],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"master_key": KEY},
    }
    file = setting.folder / "litellm.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    argv = [str(program), "--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "DO_NOT_TRACK": "1"}
    return Plan(port, [Command(argv, env)], {"Authorization": f"Bearer {KEY}"})


async def plan_portkey(setting: Setting) -> Plan:
    """Portkey's gateway without its console, told by headers where the provider is."""
    node, script = await portkey_program(setting.cache)
    port = free_port()
    argv = [str(node), str(script), "--headless", f"--port={port}"]
    headers = {
        "Authorization": "Bearer sk-provider",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"{setting.mock_url}/v1",
    }
    return Plan(port, [Command(argv, {"NODE_ENV": "production"})], headers)


PLANS: dict[str, Callable[[Setting], Awaitable[Plan]]] = {
    "direct": plan_direct,
    "all": plan_all,
    "mesh": plan_mesh,
    "litellm": plan_litellm,
    "portkey": plan_portkey,
}
OURS = ("all", "mesh")
PEERS = ("litellm", "portkey")


class Target:
    """A target that serves, until `stop`."""

    def __init__(self, name: str, plan: Plan, folder: Path) -> None:
        self.name = name
        self.plan = plan
        self.start_s = 0.0
        self._folder = folder
        self._processes: list[asyncio.subprocess.Process] = []

    @classmethod
    async def start(cls, name: str, plan: Plan, folder: Path) -> "Target":
        """Start all processes and ask until the first answer is served; `start_s` is how long that took.

        Raises StartError when a process ends, when nothing is served in time, or when the port is somebody else's.
        """
        target = cls(name, plan, folder)
        if plan.commands and proc.listeners(plan.port):
            raise StartError(f"port {plan.port} is served by somebody else")
        started = time.perf_counter()
        try:
            for index, command in enumerate(plan.commands):
                await target._spawn(index, command)
            await asyncio.wait_for(target._first_answer(), START_LIMIT_S)
            target.start_s = time.perf_counter() - started
            target._check_owner()
        except BaseException as error:
            await target.stop()
            if isinstance(error, TimeoutError):
                raise StartError(f"nothing served within {START_LIMIT_S:.0f} s: {target._last_words()}") from None
            raise
        return target

    @property
    def roots(self) -> list[int]:
        """The ids of the processes started, without their descendants; empty for `direct`."""
        return [process.pid for process in self._processes]

    async def _spawn(self, index: int, command: Command) -> None:
        plain = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), "LANG": "C.UTF-8"}
        with (self._folder / f"{index}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                env=plain | command.env,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)

    async def _first_answer(self) -> None:
        request = self.plan.request("small").encode("latin-1")
        while not await _answers(self.plan.port, request):
            if any(process.returncode is not None for process in self._processes):
                raise StartError(f"a process ended before it served: {self._last_words()}")
            await asyncio.sleep(POLL_S)

    def _check_owner(self) -> None:
        if self._processes and not proc.listeners(self.plan.port) & set(proc.tree(self.roots)):
            raise StartError(f"port {self.plan.port} is served by somebody else")

    def _last_words(self) -> str:
        logs = (self._folder / f"{index}.log" for index in range(len(self._processes)))
        return " | ".join(text[-LOG_TAIL:] for log in logs if (text := log.read_text(errors="replace").strip()))

    async def stop(self) -> None:
        """End every process of the target: politely at first, then its whole session by the ids we started."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self._processes:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _answers(port: int, request: bytes) -> bool:
    """True when one request on a fresh connection gets status 200."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(request)
        line = await asyncio.wait_for(reader.readline(), ANSWER_LIMIT_S)
        return line.startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
