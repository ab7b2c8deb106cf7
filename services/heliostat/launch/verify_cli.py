"""`heliostat verify fal --live --max-cost 0.10`: an adapter against its real provider."""

import argparse
import asyncio
import math
import os
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from heliostat.chassis.settings import Secret, read_tree, refused
from heliostat.launch import folders
from heliostat.launch.targets import adapter_kinds

_MICROS = 1_000_000
_CENT = 10_000


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `verify` to the command line."""
    parser = commands.add_parser("verify", help="try an adapter against the real provider, under a cap on its cost")
    parser.add_argument("provider", help="such as fal: the adapter, with its key in the environment")
    parser.add_argument("--live", action="store_true", help="really ask the provider; without it the plan is printed")
    parser.add_argument("--max-cost", default="", metavar="USD", help="nothing is bought beyond this, such as 0.10")
    parser.add_argument("--model", default="", help="the provider's own model name; the cheapest one by default")
    parser.add_argument("--price", default="", metavar="USD", help="what a picture costs, where no list says it")
    parser.add_argument("--config", default=None, help="configuration whose adapters section is used")
    parser.add_argument(
        "--record", default="", metavar="FOLDER", help="also write verified.json there: the adapter's own folder"
    )
    parser.set_defaults(command=lambda given: asyncio.run(verify(_wish(given), folders.meant(given))))


@dataclass(frozen=True)
class Wish:
    """What is asked for on the command line; amounts as they were typed."""

    provider: str
    live: bool = False
    max_cost: str = ""
    model: str = ""
    price: str = ""
    config: str | None = None
    record: str = ""


def _wish(given: argparse.Namespace) -> Wish:
    return Wish(given.provider, given.live, given.max_cost, given.model, given.price, given.config, given.record)


async def verify(wish: Wish, state_dir: Path) -> int:
    """Tries the provider and says what was found; 0 where every rule is kept, 2 where nothing was asked.

    Raises INVALID_FIELD for what cannot be begun.
    """
    from heliostat.launch.verification import trial
    from heliostat.launch.verification.candidates import live_candidate
    from heliostat.launch.verification.purse import Purse

    section = read_tree(wish.config, os.environ).get("adapters", {}).get(wish.provider) or {}
    if not section and wish.provider not in (kinds := adapter_kinds()):
        raise refused(f"There is no adapter {wish.provider[:64]!r}; there are {', '.join(kinds)}.")
    candidate = live_candidate(wish.provider, section, wish.model)
    with tempfile.TemporaryDirectory() as folder:
        model, micros = await trial.cheapest(candidate, Path(folder))
    each = _micros("--price", wish.price) if wish.price else micros
    if not each:
        raise refused(f"Nobody knows what a picture of {model} costs; say it with --price.")
    whole = each * trial.PICTURES / _MICROS
    print(
        f"{wish.provider}, model {model}: up to {trial.PICTURES} pictures at {each / _MICROS:g} USD each, "
        f"{whole:g} USD at most."
    )
    key = _missing_key(candidate.module, section)
    if not wish.live:
        print("Nothing was asked. To ask the real provider:\n")
        cents = math.ceil(each * trial.PICTURES / _CENT)
        variable = f"{key}=… " if key and "/" not in key else ""
        print(f"  {variable}heliostat verify {wish.provider} --live --max-cost {cents / 100:.2f}")
        return 2
    if key:
        raise refused(f"The provider's key is not there: set {key}.")
    purse = Purse(_micros("--max-cost", wish.max_cost), each)
    if not purse.room_for(1):
        raise refused(f"One picture costs more than --max-cost {wish.max_cost}; raise it, or name a cheaper --model.")
    findings = await _findings(wish.provider, candidate, model, purse)
    for line in findings.lines():
        print(line)
    await asyncio.to_thread(_write, findings, state_dir, wish.record)
    return 0 if findings.passed else 1


async def _findings(provider: str, candidate: Any, model: str, purse: Any) -> Any:
    """The trial of the real provider, then of the emulated one, and what is different."""
    from dataclasses import replace

    from heliostat.conformance.recording import differences
    from heliostat.launch.verification import trial
    from heliostat.launch.verification.candidates import emulated_candidate
    from heliostat.launch.verification.report import Findings

    candidate = replace(candidate, model=model)
    with tempfile.TemporaryDirectory() as folder:
        verdicts, told = await trial.tried(candidate, purse, Path(folder))
        async with emulated_candidate(provider, candidate, Path(folder)) as twin:
            unlimited = type(purse)(cap_micros=1 << 62, each_micros=0)
            emulated = (await trial.tried(twin, unlimited, Path(folder)))[1] if twin is not None else told
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return Findings(provider, model, day, verdicts, told, differences(told, emulated), purse)


def _write(findings: Any, state_dir: Path, record: str) -> None:
    import orjson

    folder = state_dir / "verified"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{findings.provider}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    file.write_bytes(orjson.dumps(findings.recording(), option=orjson.OPT_INDENT_2))
    print(f"\nThe recording (shapes, no contents) is in {file}.")
    if record:
        (Path(record) / "verified.json").write_bytes(
            orjson.dumps(findings.summary(), option=orjson.OPT_INDENT_2) + b"\n"
        )


def _micros(option: str, text: str) -> int:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount <= 0:
        raise refused(f"{option} must be an amount in US dollars above 0, such as 0.10; it is {text!r}.")
    return int(amount * _MICROS)


def _missing_key(module: Any, section: Any) -> str:
    """The variable or file where the provider's key would be; empty where it is there, or none is needed."""
    key = getattr(module.settings.model_validate(section), "api_key", None)
    return key.reference.partition(":")[2] if isinstance(key, Secret) and not key.present() else ""
