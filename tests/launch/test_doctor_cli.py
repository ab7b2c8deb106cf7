"""`heliostat doctor`: what it finds, the one thing to do about each, and what it says of a request of the past."""

import argparse
import asyncio
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import admin_pb2 as router_admin
from heliostat.chassis.errors import MeshError, reason_name, to_status
from heliostat.chassis.money import to_money
from heliostat.launch import checks, doctor_cli, reach
from heliostat.launch.__main__ import main
from heliostat.launch.config import Configuration, configure
from heliostat.launch.findings import Finding, Grade, bad, note, shown
from heliostat.launch.remedies import TO_DO
from tests.support.mesh import free_port
from tests.support.scripted_channel import KEYS, TARGETS, played


@pytest.fixture
def taken() -> Any:
    """A port on loopback that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def configuration(folder: Path, adapters: dict[str, Any] | None = None, **sections: Any) -> Configuration:
    """A configuration with one adapter that needs no key."""
    tree = {"state_dir": str(folder), "adapters": {"studio": {}} if adapters is None else adapters, **sections}
    return configure(tree, "all")


def graded(findings: list[Finding]) -> list[tuple[Grade, str]]:
    """How each stands, and what to do about it."""
    return [(each.grade, each.fix) for each in findings]


def test_every_reason_has_one_thing_to_do() -> None:
    """The table is the contract's list, no more and no less, and nothing in it is empty."""
    named = {reason_name(number) for number in reasons.ErrorReason.values() if number}
    assert TO_DO.keys() == named
    assert all(TO_DO.values())


def test_a_finding_is_a_line_and_its_fix_the_next() -> None:
    """Aligned, the bad ones in capitals."""
    assert shown([bad("keys", "none", "set it"), note("clock", "unknown")]).splitlines() == [
        "BAD   keys        none",
        "                  -> set it",
        "note  clock       unknown",
    ]


@pytest.mark.parametrize(
    ("adapters", "fix"),
    [
        ({}, "add one under adapters, such as `adapters: {fal: {}}`"),
        ({"fal": {"api_key": "env:NO_SUCH_KEY"}}, "set it, or remove adapters.fal"),
        ({"azure_openai": {}}, "set adapters.azure_openai.base_url"),
        ({"comfyui": {}}, "set it where the engine asks for a key"),
        ({"studio": {}}, ""),
    ],
)
def test_adapters_without_what_they_need_are_told(adapters: dict[str, Any], fix: str, tmp_path: Path) -> None:
    """With the variable, and never with what is in it."""
    (found,) = checks.keys(configuration(tmp_path, adapters))
    assert (found.fix, found.grade is Grade.OK) == (fix, not fix)


def test_one_account_without_a_key_is_worth_knowing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one serves."""
    monkeypatch.setenv("KEY_A", "a-secret")
    accounts = {"a": {"api_key": "env:KEY_A"}, "b": {"api_key": "env:NO_SUCH_KEY"}}
    (found,) = checks.keys(configuration(tmp_path, {"fal": {"accounts": accounts}}))
    assert (found.grade, found.told) == (Grade.NOTE, "fal: nothing at env:NO_SUCH_KEY")


def test_ports_are_free_taken_or_served(tmp_path: Path, taken: int) -> None:
    """What listens there is ours while it runs, else another program."""
    ours = configuration(tmp_path, edge={"port": taken})
    assert graded(checks.ports(ours, running=False)) == [(Grade.BAD, "end it, or change edge.port")]
    assert graded(checks.ports(ours, running=True)) == [(Grade.OK, "")]
    idle = configuration(tmp_path, edge={"port": free_port()}, ledger={"listen": ["127.0.0.1:0"]})
    assert graded(checks.ports(idle, running=False)) == [(Grade.OK, "")]
    assert [each.grade for each in checks.ports(idle, running=True)] == [Grade.NOTE]


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    """Also where the folder is made later."""
    usual = configuration(tmp_path / "later" / "still")
    assert [each.grade for each in checks.disk(usual)] in ([Grade.OK], [Grade.NOTE])
    greedy = configuration(tmp_path, blobs={"min_free_mb": 2**40})
    assert graded(checks.disk(greedy)) == [(Grade.BAD, "make room: nothing new is taken on (blobs.min_free_mb)")]


@pytest.mark.parametrize(
    ("content", "grade"), [(None, Grade.OK), (b"SQLite format 3\x00rest", Grade.OK), (b"not a database", Grade.BAD)]
)
def test_a_database_file_is_looked_at(content: bytes | None, grade: Grade, tmp_path: Path) -> None:
    """One that is not there yet is made."""
    if content is not None:
        (tmp_path / "heliostat.db").write_bytes(content)
    (found,) = checks.database(configuration(tmp_path))
    assert found.grade is grade


def test_a_databases_password_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its host is."""
    monkeypatch.setenv("DATABASE", "postgresql://name:hidden@db.example/heliostat")
    (found,) = checks.database(configuration(tmp_path, database={"url_secret": "env:DATABASE"}))
    assert found.told == "PostgreSQL at db.example:5432"


async def test_addresses_are_tried_once_each(taken: int) -> None:
    """Those that refuse are told with who needs them; the sandbox's own are no fault of the network."""
    refusing = free_port()
    urls = {"a": f"http://127.0.0.1:{taken}/a", "b": f"http://127.0.0.1:{taken}", "c": f"http://127.0.0.1:{refusing}"}
    wrong, count = await reach.addresses(urls)
    assert (wrong.grade, wrong.told) == (Grade.BAD, f"127.0.0.1:{refusing} (c) refuses the connection")
    assert count.told == "1 of 2 places can be reached"
    first, _ = await reach.addresses(urls, emulator=("127.0.0.1", refusing))
    assert (first.grade, first.topic) == (Grade.NOTE, "emulators")
    assert [each.grade for each in await reach.addresses({"c": urls["c"]})] == [Grade.BAD]


@pytest.mark.parametrize(
    ("told", "grade"),
    [
        (lambda: formatdate(time.time(), usegmt=True), Grade.OK),
        (lambda: formatdate(time.time() - 3600, usegmt=True), Grade.BAD),
        (lambda: formatdate(time.time() + 3600, usegmt=True), Grade.BAD),
        (lambda: "", Grade.NOTE),
        (lambda: "yesterday", Grade.NOTE),
    ],
)
def test_the_clock_is_compared_with_a_providers(told: Callable[[], str], grade: Grade) -> None:
    """Half a minute is borne: signatures bear five."""
    (found,) = reach.clock(["https://api.example/v1"], lambda url: told())
    assert found.grade is grade


async def test_a_date_is_asked_for_without_a_key() -> None:
    """HEAD of the root, no header of ours; a port that answers nonsense tells nothing."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 No\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        (found,) = await asyncio.to_thread(reach.clock, [f"http://127.0.0.1:{port}/v1"])
    assert found.grade is Grade.BAD
    assert heard[0].startswith(b"HEAD / HTTP/1.1")
    assert b"uthorization" not in heard[0]


def test_a_wrong_configuration_is_all_that_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its line and what to write; exit code 1."""
    file = tmp_path / "heliostat.yaml"
    file.write_text("router:\n  routes:\n  - model: m\n    targets: [{target: fal/x, weight: -1}]\n", encoding="utf-8")
    assert main(["doctor", "--config", str(file)]) == 1
    told = capsys.readouterr().out
    assert f"BAD   config      The configuration is refused. {file}:4:" in told
    assert told.endswith("In the way of pictures: 1.\n")


def test_an_installation_that_does_not_run_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made by looking."""
    file = tmp_path / "heliostat.yaml"
    state = tmp_path / "state"
    file.write_text(
        f"state_dir: {state}\nedge: {{port: {free_port()}}}\nadapters: {{studio: {{}}}}\n", encoding="utf-8"
    )
    assert main(["doctor", "--config", str(file), "--offline"]) == 0
    told = capsys.readouterr().out
    assert "note  running     it does not run" in told
    assert told.endswith("Nothing stands in the way of pictures.\n")
    assert not state.exists()


def test_targets_that_are_out_are_told_with_what_to_do() -> None:
    """By the reason of their last error; a long list is cut."""
    answer = router_admin.ListTargetsResponse()
    refused = to_status(MeshError(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, "No."))
    answer.targets.add(name="a/m", why_out="It refuses our key.", last_error=refused)
    answer.targets.add(name="b/m", why_out="It is drained.")
    answer.targets.add(name="c/m")
    for number in range(4):
        answer.targets.add(name=f"d{number}/m", why_out="It is drained.")
    output, _ = played(lambda channel: shown(doctor_cli.standing(channel)), (TARGETS, "ListTargets", answer))
    lines = output.splitlines()
    assert lines[0] == "note  targets     a/m is out: It refuses our key."
    assert lines[1].endswith(f"-> {TO_DO['provider_auth_failed']}")
    assert lines[3].endswith("-> `heliostat admin explain` with its route tells more")
    assert lines[-2] == "note  targets     1 more are out"
    fine = router_admin.ListTargetsResponse(targets=[router_admin.Target(name="a/m"), router_admin.Target(name="b/m")])
    output, _ = played(lambda channel: shown(doctor_cli.standing(channel)), (TARGETS, "ListTargets", fine))
    assert output == "ok    targets     all 2 take requests"


def answer_of(*failures: "reasons.ErrorReason", error: "reasons.ErrorReason | None" = None) -> Any:
    """A request with attempts that failed so, and its own error."""
    answer = admin_pb2.GetDecisionsResponse()
    request = answer.request
    request.request_id, request.model, request.operation = "req_1", "flux", "edit"
    request.create_time.CopyFrom(Timestamp(seconds=1_700_000_000))
    request.state = ledger_pb2.REQUEST_STATE_FAILED if error else ledger_pb2.REQUEST_STATE_SUCCEEDED
    request.cost.CopyFrom(to_money(40_000))
    for place, reason in enumerate(failures):
        attempt = request.attempts.add(attempt_id=f"req_1/0/{place}", target=f"t{place}/m")
        attempt.outcome = event_pb2.OUTCOME_REFUSED
        attempt.status.CopyFrom(to_status(MeshError(reason, "No.")))
        answer.decisions.add(attempt_id=attempt.attempt_id)
    if error:
        request.error.CopyFrom(to_status(MeshError(error, "It failed.")))
    return answer


def test_a_failed_request_is_told_with_a_fix_for_each_reason() -> None:
    """Its state, its cost, who was asked and how that ended; each reason once, the request's own first."""
    answer = answer_of(
        reasons.ERROR_REASON_RATE_LIMITED,
        reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
        reasons.ERROR_REASON_RATE_LIMITED,
        error=reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
    )
    output, (asked,) = played(lambda channel: doctor_cli.diagnosis(channel, "req_1"), (KEYS, "GetDecisions", answer))
    assert asked.request_id == "req_1"
    head, cost, *_ = output.splitlines()
    assert head == "req_1: edit by flux, 2023-11-14 22:13:20 UTC: failed, provider_auth_failed: It failed."
    assert cost == "It cost 0.040000 USD."
    assert output.splitlines()[-3:] == [
        "What to do:",
        f"  provider_auth_failed: {TO_DO['provider_auth_failed']}",
        f"  rate_limited: {TO_DO['rate_limited']}",
    ]
    assert "t1/m" in output


def test_what_unknown_attempts_keep_reserved_is_told() -> None:
    """And that the caller had left; a request that nobody was asked for says so."""
    answer = answer_of()
    answer.request.reserved.CopyFrom(to_money(30_000))
    answer.request.client_gone = True
    answer.request.trace_id = "ab" * 16
    output, _ = played(lambda channel: doctor_cli.diagnosis(channel, "req_1"), (KEYS, "GetDecisions", answer))
    assert "0.030000 USD stay reserved until it is known what was bought. Its caller had left before the end." in output
    assert f"Trace {'ab' * 16}" in output
    assert "Nobody was asked for it." in output
    assert output.endswith("Nothing went wrong.")


def test_the_sandbox_is_examined_where_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every emulated provider is among its adapters, and none lacks a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELIOSTAT_EMULATOR_PORT", str(free_port()))
    for name in ("HELIOSTAT_HTTP_PORT", "HELIOSTAT_GRPC_PORT", "HELIOSTAT_CONSOLE_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    monkeypatch.setenv("HELIOSTAT_SANDBOX_PROVIDER_KEY", "sandbox")
    given = argparse.Namespace(config="", live=False, offline=False, address="", state_dir="")
    found = list(doctor_cli.examined(given, tmp_path / "sandbox"))
    assert not [each for each in found if each.grade is Grade.BAD]
    assert [each.topic for each in found if each.grade is Grade.NOTE] == ["emulators", "clock", "running"]


@pytest.mark.parametrize("is_live", [False, True], ids=["sandbox", "live"])
def test_what_the_environment_says_above_the_configuration_is_examined(
    is_live: bool, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `serve --sandbox` and `serve --live` start with it: here fal is somewhere else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAL_KEY", "any")
    monkeypatch.setenv("HELIOSTAT_SANDBOX_PROVIDER_KEY", "sandbox")
    monkeypatch.setenv("HELIOSTAT_EMULATOR_PORT", str(free_port()))
    monkeypatch.setenv("HELIOSTAT__ADAPTERS__FAL__BASE_URL", f"http://127.0.0.1:{taken}/fal")
    given = argparse.Namespace(config="", live=is_live, offline=True, address="", state_dir="")
    found = list(doctor_cli.examined(given, tmp_path / "state"))
    told = [each.told for each in found if each.topic == "addresses"]
    assert f"1 of {1 if is_live else 2} places can be reached" in told
