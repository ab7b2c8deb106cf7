"""`heliostat doctor`: what is in the way of pictures, and what to do; with a request's id, what became of it."""

import argparse
import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from heliostat.chassis import settings
from heliostat.chassis.errors import MeshError
from heliostat.launch import collector, folders, live, sandbox
from heliostat.launch.config import Configuration, admin_socket, configure, configured
from heliostat.launch.findings import Finding, Grade, bad, note, ok, shown
from heliostat.launch.overrides import overridden
from heliostat.launch.remedies import TO_DO

if TYPE_CHECKING:
    import grpc

    from heliostat.api.ledger.v1 import admin_pb2
    from heliostat.api.router.v1 import admin_pb2 as router_admin

_MOST_TOLD = 5


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `doctor` to the command line."""
    doctor = commands.add_parser("doctor", help="what is in the way of pictures, and what to do about it")
    doctor.add_argument("request", nargs="?", default="", help="id of a request, req_…: what became of it, and why")
    doctor.add_argument("--config", default="", help=f"{folders.DEFAULT_FILE} where it exists, else the sandbox")
    doctor.add_argument("--live", action="store_true", help="look at what `serve --live` would run")
    doctor.add_argument("--offline", action="store_true", help="call nobody outside of this machine")
    doctor.set_defaults(command=lambda given: _doctor(given, folders.meant(given)))


def _doctor(given: argparse.Namespace, folder: Path) -> int:
    if given.request:
        from heliostat.launch import admin_cli

        print(admin_cli.run(given.address or admin_socket(folder), lambda channel: diagnosis(channel, given.request)))
        return 0
    with collector.at_rest():
        found = list(examined(given, folder))
    wrong = sum(each.grade is Grade.BAD for each in found)
    verdict = f"In the way of pictures: {wrong}." if wrong else "Nothing stands in the way of pictures."
    print(f"{shown(found)}\n\n{verdict}")
    return 1 if wrong else 0


def examined(given: argparse.Namespace, folder: Path) -> Iterator[Finding]:
    """Everything that is looked at, from the configuration outwards."""
    from heliostat.launch import checks

    try:
        configuration, name = _configuration(given, folder)
    except MeshError as error:
        yield bad("config", error.message, "do what the sentence says, and look again")
        return
    yield ok("config", f"{name}: parts {len(configuration.parts)}, adapters among them {len(configuration.adapters)}")
    running = list(_running(given.address or configuration.process.admin.listen, configuration.state_dir))
    yield from checks.keys(configuration)
    yield from checks.disk(configuration)
    yield from checks.database(configuration)
    yield from checks.ports(configuration, running=running[0].grade is Grade.OK)
    yield from _reached(configuration, is_offline=given.offline)
    yield from running


def _configuration(given: argparse.Namespace, folder: Path) -> tuple[Configuration, str]:
    """The configuration that is meant, and what it is called. Raises INVALID_FIELD with what is wrong with it."""
    file = given.config or (folders.DEFAULT_FILE if Path(folders.DEFAULT_FILE).is_file() and not given.live else "")
    if file:
        return configured(file, settings.read_text(file), "all", os.environ), file
    ports = sandbox.Ports.from_environment(os.environ)
    if given.live:
        folder = Path(given.state_dir) if given.state_dir else folders.state_dir("live")
        tree, name = live.tree(folder, ports, os.environ), "live"
    else:
        sandbox.provide_key()
        tree, name = sandbox.tree(folder, ports, f"file:{folder / 'sandbox_key'}"), "the sandbox"
    return configure(overridden(tree, os.environ, folder), "all"), name


def _reached(configuration: Configuration, *, is_offline: bool) -> Iterator[Finding]:
    from heliostat.launch import checks, reach

    urls = {name: getattr(own, "base_url", "") for name, own in checks.adapters(configuration)}
    urls = {name: url for name, url in urls.items() if url}
    emulator = None
    if configuration.process.sandbox:
        emulator = ("127.0.0.1", sandbox.Ports.from_environment(os.environ).emulator)
    if is_offline:
        urls = {name: url for name, url in urls.items() if (reach.place_of(url) or ("",))[0] in ("127.0.0.1", "::1")}
        yield note("addresses", "not tried but on this machine (--offline)")
    if urls:
        yield from asyncio.run(reach.addresses(urls, emulator=emulator))
        yield from reach.clock(url for url in urls.values() if not is_offline)


def _running(listen: str, folder: Path) -> Iterator[Finding]:
    """Whether it runs, and which targets are out."""
    from heliostat.launch import admin_cli

    address = listen or admin_socket(folder)
    answered: list[Finding] = []

    def look(channel: "grpc.Channel") -> str:
        answered.extend(standing(channel))
        return ""

    try:
        admin_cli.run(address, look)
    except MeshError as error:
        told = "it does not run" if not error.reason else error.message
        yield note("running", told, "start it, such as by `make run`; or name its folder with --state-dir")
        return
    yield ok("running", f"it answers at {address}")
    yield from answered


def standing(channel: "grpc.Channel") -> Iterator[Finding]:
    """How the targets of a running core stand: those that are out, each with what to do."""
    from heliostat.launch import routing_cli

    targets = routing_cli.targets(channel)
    out = {target.name: target for target in targets if target.why_out}
    for target in list(out.values())[:_MOST_TOLD]:
        yield note("targets", f"{target.name} is out: {target.why_out}", _remedy(target))
    if len(out) > _MOST_TOLD:
        yield note("targets", f"{len(out) - _MOST_TOLD} more are out", "see `heliostat admin targets`")
    if not out:
        yield ok("targets", f"all {len({target.name for target in targets})} take requests")


def _remedy(target: "router_admin.Target") -> str:
    from heliostat.chassis.errors import from_status, reason_name

    reason = reason_name(from_status(target.last_error).reason) if target.HasField("last_error") else ""
    return TO_DO.get(reason, "`heliostat admin explain` with its route tells more")


def diagnosis(channel: "grpc.Channel", request_id: str) -> str:
    """What became of a request: its state, its attempts with the decisions before them, and a fix for each reason."""
    from heliostat.launch.arms_cli import past, told_past

    answer = past(channel, request_id)
    reasons = "\n".join(f"  {reason}: {TO_DO[reason]}" for reason in _reasons(answer))
    parts = [_headline(answer), told_past(answer) if answer.request.attempts else "Nobody was asked for it."]
    return "\n\n".join([*parts, f"What to do:\n{reasons}" if reasons else "Nothing went wrong."])


def _headline(answer: "admin_pb2.GetDecisionsResponse") -> str:
    from heliostat.api.ledger.v1 import ledger_pb2
    from heliostat.chassis.errors import from_status, reason_name
    from heliostat.chassis.money import to_micros, usd

    request = answer.request
    state = ledger_pb2.RequestState.Name(request.state).removeprefix("REQUEST_STATE_").lower().replace("_", " ")
    when = request.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S UTC")
    told = f"{request.request_id}: {request.operation or 'text_to_image'} by {request.model}, {when}: {state}"
    if request.HasField("error"):
        error = from_status(request.error)
        told += f", {reason_name(error.reason)}: {error.message}"
    cost = f"It cost {usd(to_micros(request.cost)):.6f} USD"
    held = to_micros(request.reserved)
    cost += f"; {usd(held):.6f} USD stay reserved until it is known what was bought." if held else "."
    left = " Its caller had left before the end." if request.client_gone else ""
    return f"{told}\n{cost}{left}" + (f"\nTrace {request.trace_id}" if request.trace_id else "")


def _reasons(answer: "admin_pb2.GetDecisionsResponse") -> list[str]:
    """Why the request and its attempts failed, each reason once, the request's own first."""
    from heliostat.chassis.errors import from_status, reason_name

    failed = [answer.request, *answer.request.attempts]
    statuses = [getattr(each, "error" if each is answer.request else "status") for each in failed]
    told = [reason_name(from_status(status).reason) for status in statuses if status.code]
    return [reason for reason in dict.fromkeys(told) if reason in TO_DO]
