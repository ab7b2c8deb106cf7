"""`heliostat emulate fal`: one provider's API alone on loopback, for applications that are built against it."""

import argparse
import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.chassis.lines import Lines
from heliostat.chassis.settings import Fault, read_text, refused
from heliostat.chassis.tether import end_with_starter
from heliostat.chassis.yaml_text import values_of
from heliostat.launch.ranges import above_zero, whole

DEFAULT_PORT = 8091
_MOST_TOLD = 10

_OPENAI = 'openai.OpenAI(base_url="{base}", api_key="{key}")'
# How the vendor's own client is pointed at the emulated provider; others take its address as it is.
_CLIENTS: Mapping[str, str] = {
    "openai": f"export OPENAI_BASE_URL={{base}} OPENAI_API_KEY={{key}}\n{_OPENAI}",
    "compat": 'openai.OpenAI(base_url="{server}/compat/v1", api_key="any")',
    "azure_openai": 'openai.AzureOpenAI(azure_endpoint="{server}/azure_openai", api_key="{key}",\n'
    '                   api_version="2025-04-01-preview")',
    "seedream": _OPENAI,
    "xai": _OPENAI,
    "recraft": _OPENAI,
    "replicate": 'replicate.Client(api_token="{key}", base_url="{server}/replicate")',
    "together": 'together.Together(api_key="{key}", base_url="{server}/together")',
    "gemini": 'genai.Client(api_key="{key}", http_options=types.HttpOptions(base_url="{base}"))',
    "bedrock": 'boto3.client("bedrock-runtime", endpoint_url="{base}", region_name="us-east-1")',
    "fal": "fal-client speaks https only: put a proxy with TLS before {base}, and name it in FAL_RUN_HOST and\n"
    "FAL_QUEUE_RUN_HOST. Plain HTTP works as it is:\n"
    "curl {base}/{model} -H 'Authorization: Key {key}' -d '{{\"prompt\": \"a lighthouse\"}}'",
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `emulate` to the command line."""
    emulate = commands.add_parser("emulate", help="run one provider's API alone on loopback: no key, no bill")
    emulate.add_argument("provider", help="such as fal; a wrong name prints those there are")
    emulate.add_argument(
        "--port", type=whole(0, 65_535), default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)"
    )
    emulate.add_argument(
        "--script", default="", metavar="FILE", help="what it does wrong: a list of steps, JSON or YAML"
    )
    emulate.add_argument(
        "--job-seconds", type=above_zero(3600), default=1.0, help="how long a queued job takes (default: 1)"
    )
    emulate.set_defaults(command=_emulate)


def _emulate(given: argparse.Namespace) -> int:
    from heliostat.emulators.app import provider_names

    names = provider_names()
    if given.provider not in names:
        raise refused(f"There is no emulated provider {given.provider[:64]!r}; there are {', '.join(names)}.")
    steps = read_script(given.script) if given.script else []
    end_with_starter()
    asyncio.run(_serve(given.provider, given.port, steps, given.job_seconds))
    return 0


def read_script(file: str) -> list[Any]:
    """The steps of a file. Raises INVALID_FIELD with the line of everything that is wrong."""
    import yaml
    from pydantic import ValidationError

    from heliostat.emulators.controls import STEPS

    text = read_text(file)
    try:
        return STEPS.validate_python(values_of(text) or [])
    except yaml.YAMLError as error:
        raise refused(f"{file} is neither JSON nor YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        lines = Lines(text)
        faults = [Fault(each["loc"], each["msg"].removeprefix("Value error, ")) for each in error.errors()]
        told = [f"{file}:{lines.of(each.place) or 1}: {each}" for each in faults[:_MOST_TOLD]]
        raise refused("; ".join(told)) from None


async def _serve(provider: str, port: int, steps: Sequence[Any], job_seconds: float) -> None:
    from heliostat.emulators.app import create_app, samples
    from heliostat.emulators.server import EmulatorServer
    from heliostat.painting import Easel

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    easel = Easel()
    app = create_app(easel, job_seconds=job_seconds, openai_legacy=True, scripts={provider: steps})
    server = EmulatorServer(app, port=port)
    try:
        address = await server.start()
    except OSError:
        await easel.aclose()
        raise refused(f"Port {port} is taken: name another one with --port, or 0 for any.") from None
    print(greeting(provider, address, samples().get(provider)), flush=True)
    await stopped.wait()
    await server.stop()
    await easel.aclose()


def greeting(provider: str, server: str, sample: Any) -> str:
    """What is printed at the start: where it listens, and how clients are pointed at it. Pure.

    `sample` is the `Sample` of the emulated provider, None where it has none.
    """
    base = server + (sample.path if sample else f"/{provider}")
    key, model = (sample.key, sample.model) if sample else ("any", "any")
    how = _CLIENTS.get(provider, "Any HTTP client: {base}, with the key {key}")
    own = f"adapters: {{{provider}: {{base_url: {base}, api_key: env:EMULATED_KEY}}}}   # EMULATED_KEY={key}"
    parts = [
        f"{provider} is emulated at {base}: no key of yours, no network, no bill.",
        "",
        *(f"  {line}" for line in how.format(server=server, base=base, key=key, model=model).splitlines()),
        "",
        f"  Heliostat   {own}" if sample else "",
        f"  Model       {model}",
        f"  Journal     curl {server}/{provider}/_emulator/journal",
        f'  Faults      curl -X PUT {server}/{provider}/_emulator/script -d \'[{{"status": 429, "times": 1}}]\'',
        "",
        "Ctrl+C ends it.",
    ]
    return "\n".join(parts)
