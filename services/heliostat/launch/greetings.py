"""What is said on the terminal once everything runs."""

import os
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliostat.chassis.settings import Secret
from heliostat.launch.sandbox import Ports

if TYPE_CHECKING:
    from heliostat.launch.process import Process


def say_ready() -> None:
    """One line that a supervisor waits for; people read the log."""
    if os.environ.get("HELIOSTAT_READY_LINE"):
        print("ready", flush=True)


def greet_sandbox(running: "Process", ports: Ports, state_dir: Path, reference: str) -> None:
    """Where the sandbox is, its key, and a command to try."""
    http = running.http_url() or f"http://127.0.0.1:{ports.http}"
    key = Secret(reference).reveal()
    print(
        f"""
Heliostat runs in its sandbox: emulated providers, no keys, no network, no bill.

{_console_line(running.console_url())}  REST    {http}/v1        docs: {http}/docs
  gRPC    {", ".join(running.addresses.get("ledger", []))}
  Key     {key}
  Log     {state_dir / "heliostat.log"}
  Faults  http://127.0.0.1:{ports.emulator}/_emulator/journal

Try it from another terminal:

  export KEY={key}
  curl {http}/v1/images/generations -H "Authorization: Bearer $KEY" \\
    -d '{{"model":"flux-schnell","prompt":"A sunset over mountains","size":"16:9","output_format":"webp"}}'

Ctrl+C ends it.
""",
        flush=True,
    )
    say_ready()


def greet_live(running: "Process", asked: Iterable[str], cap_usd: float, state_dir: Path) -> None:
    """Where it is, who is asked for money, and how much at most. `asked` are lines, one for each provider."""
    http = running.http_url()
    print("\nHeliostat is live. These calls cost money, up to the cap.\n")
    for line in asked:
        print(f"  {line}")
    print(f"\n{_console_line(running.console_url())}  REST    {http}/v1        docs: {http}/docs")
    print(f"  gRPC    {', '.join(running.addresses['ledger'])}")
    print(f"  Cap     {cap_usd:g} USD in all (HELIOSTAT_SPEND_CAP_USD)")
    print(f'  Models  curl {http}/v1/models -H "Authorization: Bearer $KEY"')
    print(f"\nMake a key in another terminal: {sys.argv[0]} --state-dir {state_dir} keys create\n", flush=True)
    say_ready()


def greet_mesh(edge: Mapping[str, Any], reference: str, processes: Mapping[str, int]) -> None:
    """Where the mesh is, the sandbox's key where there is one, and the process id of each of its processes."""
    print(f"\nThe mesh runs: REST on http://{edge.get('host', '127.0.0.1')}:{edge.get('port', 8080)}/v1")
    print(_console_line(edge.get("console_url", "")), end="")
    if reference:
        print(f"  Key     {Secret(reference).reveal()}")
    for name, pid in processes.items():
        line = f"{name.replace(',', ', '):<22} pid {pid}"
        print(textwrap.fill(line, 100, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
    print("\nCtrl+C ends it.\n", flush=True)
    say_ready()


def _console_line(url: str) -> str:
    return f"  Console {url}\n" if url else ""
