"""`heliostat admin …` about routing: look at targets, change them, watch them, and see who changed what."""

import argparse
import getpass
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import admin_pb2, admin_pb2_grpc
from heliostat.api.router.v1 import router_pb2 as estimates
from heliostat.launch.arms_cli import explain_past
from heliostat.launch.ranges import BILLION, above_zero, whole
from heliostat.launch.tables import table

TIMEOUT_S = 10.0
OPERATOR = "heliostat-operator"
HEAD = (
    "ROUTE",
    "TARGET",
    "PRIORITY",
    "WEIGHT",
    "ADMIN",
    "HEALTH",
    "BACK IN",
    "IN FLIGHT",
    "OK",
    "P50",
    "P95",
    "WHY OUT",
)
_PAGE = 1000
_STATES = {
    "enabled": admin_pb2.ADMIN_STATE_ENABLED,
    "draining": admin_pb2.ADMIN_STATE_DRAINING,
    "disabled": admin_pb2.ADMIN_STATE_DISABLED,
}


def list_targets(channel: grpc.Channel, route: str) -> str:
    """Targets with their state and why they are out; a * marks what an operator changed."""
    found = targets(channel, route)
    if route and not found:
        return f'There is no route "{route[:100]}"; `heliostat admin targets` lists all.'
    return shown(found, time.time())


def targets(channel: grpc.Channel, route: str = "") -> Sequence[admin_pb2.Target]:
    """Targets of a route, or of all."""
    answer = _stub(channel).ListTargets(admin_pb2.ListTargetsRequest(route=route), timeout=TIMEOUT_S)
    found: Sequence[admin_pb2.Target] = answer.targets
    return found


def shown(targets: Iterable[admin_pb2.Target], now: float) -> str:
    """Targets as a table. Pure."""
    rows = [_row(target, now) for target in targets]
    if not rows:
        return "No targets. Routes come from the configuration, or from what adapters know (router.auto_routes)."
    star = any(row[4].endswith("*") for row in rows)
    note = "\n\n* changed by an operator; `heliostat admin set ROUTE TARGET --clear` goes back to the configuration."
    return table(HEAD, rows) + (note if star else "")


def _row(target: admin_pb2.Target, now: float) -> tuple[str, ...]:
    left_s = target.return_time.ToMicroseconds() / 1e6 - now if target.HasField("return_time") else 0.0
    asked = target.p50_seconds > 0 or target.success_ratio < 1
    return (
        target.route,
        target.name,
        str(target.priority),
        f"{target.weight:g}",
        _word(admin_pb2.AdminState.Name(target.admin_state)) + ("*" if target.overridden else ""),
        _word(admin_pb2.HealthState.Name(target.health_state)),
        f"{max(left_s, 0):.0f} s" if target.HasField("return_time") else "",
        str(target.in_flight_count),
        f"{target.success_ratio:.0%}" if asked and target.success_ratio else "",
        f"{target.p50_seconds:.2f} s" if target.p50_seconds else "",
        f"{target.p95_seconds:.2f} s" if target.p95_seconds else "",
        target.why_out,
    )


def _word(name: str) -> str:
    return name.removeprefix("ADMIN_STATE_").removeprefix("HEALTH_STATE_").lower()


def explain(channel: grpc.Channel, model: str) -> str:
    """Why each target of a model is or is not eligible, in order; of a request of the past by its id, why it was."""
    if model.startswith("req_"):
        return explain_past(channel, model)
    request = admin_pb2.ExplainRequestRequest(image=request_pb2.ImageRequest(model=model, prompt="explain"))
    answer = _stub(channel).ExplainRequest(request, timeout=TIMEOUT_S)
    rows = [
        (
            str(place),
            estimate.target,
            str(estimate.priority),
            f"{estimate.weight:g}",
            _price(estimate),
            estimate.excluded_because or "eligible",
        )
        for place, estimate in enumerate(answer.targets, 1)
    ]
    return table(("#", "TARGET", "PRIORITY", "WEIGHT", "COST USD", "WHY"), rows)


def _price(estimate: estimates.TargetEstimate) -> str:
    cost = estimate.cost
    if not cost.HasField("amount"):
        return "?"
    return f"{cost.amount.units + cost.amount.nanos / 1e9:.6f}".rstrip("0").rstrip(".") or "0"


def update(channel: grpc.Channel, target: admin_pb2.Target, paths: Sequence[str], *, clear: bool = False) -> str:
    """Changes a target, on its route or (without one) on all; gives its state after the change."""
    request = admin_pb2.UpdateTargetRequest(target=target, update_mask=FieldMask(paths=paths), clear_override=clear)
    answer = _stub(channel).UpdateTarget(request, timeout=TIMEOUT_S, metadata=_who())
    output = shown(answer.targets, time.time())
    drained = {each.route for each in answer.targets if _is_out(each)} if paths else set()
    for route in sorted(drained):
        left = _stub(channel).ListTargets(admin_pb2.ListTargetsRequest(route=route), timeout=TIMEOUT_S).targets
        if all(_is_out(each) for each in left):
            output += f'\n\nRoute "{route}" has no target left: its requests fail until one is back.'
    return output


def _is_out(target: admin_pb2.Target) -> bool:
    return target.weight == 0 or target.admin_state in (
        admin_pb2.ADMIN_STATE_DRAINING,
        admin_pb2.ADMIN_STATE_DISABLED,
    )


def reset(channel: grpc.Channel, name: str) -> str:
    """Forgets failures and pauses of a target; gives its state."""
    request = admin_pb2.ResetTargetRequest(name=name)
    return shown(_stub(channel).ResetTarget(request, timeout=TIMEOUT_S, metadata=_who()).targets, time.time())


def audit(channel: grpc.Channel, target: str, most: int) -> str:
    """Who changed what, the newest first."""
    rows: list[tuple[str, ...]] = []
    token = ""
    while len(rows) < most:
        request = admin_pb2.ListTargetChangesRequest(
            target=target, page_size=min(_PAGE, most - len(rows)), page_token=token
        )
        answer = _stub(channel).ListTargetChanges(request, timeout=TIMEOUT_S)
        rows += [
            (
                _time(change.time.ToMicroseconds() / 1e6),
                change.who,
                change.what,
                change.route or "all",
                change.target,
                change.before,
                change.after,
            )
            for change in answer.changes
        ]
        token = answer.next_page_token
        if not token:
            break
    if not rows:
        return "Nobody has changed anything."
    return table(("TIME (UTC)", "WHO", "WHAT", "ROUTE", "TARGET", "BEFORE", "AFTER"), rows)


def watch(channel: grpc.Channel, route: str, seconds: float | None, write: Callable[[str], object]) -> str:
    """Writes targets, then changes and events as they come: until Ctrl+C, or for some seconds."""
    request = admin_pb2.WatchTargetsRequest(route=route)
    messages = _stub(channel).WatchTargets(request, timeout=seconds)
    try:
        first = next(messages, None)
        write(shown(first.targets if first is not None else (), time.time()) + "\n")
        for message in messages:
            for line in _news(message):
                write(line)
    except grpc.RpcError as error:
        if seconds is None or error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
            raise
    except KeyboardInterrupt:
        messages.cancel()
    return ""


def _news(message: admin_pb2.WatchTargetsResponse) -> Iterator[str]:
    for event in message.events:
        about = f"{event.target}: " if event.target else ""
        yield f"{_time(event.time.ToMicroseconds() / 1e6)}  {event.kind:<16}  {about}{event.message}"
    now = time.time()
    for target in message.targets:
        _, _, priority, weight, admin, health, back, *_ = _row(target, now)
        when = f", back in {back}" if back else ""
        yield (
            f"{_time(now)}  {'target':<16}  {target.route} {target.name}: {health}{when}; "
            f"priority {priority}, weight {weight}, {admin}{'  ' + target.why_out if target.why_out else ''}"
        )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _stub(channel: grpc.Channel) -> admin_pb2_grpc.RouterAdminServiceStub:
    return admin_pb2_grpc.RouterAdminServiceStub(channel)


def _who() -> list[tuple[str, str]]:
    """Who asks, for the list of changes. The door is a socket of its owner: it takes our word."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "somebody"
    told = f"{user}@{socket.gethostname()}"
    return [(OPERATOR, told.encode("ascii", "replace").decode())]


def add_commands(admin: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands below `admin`."""
    targets = admin.add_parser("targets", help="targets with their state")
    targets.add_argument("route", nargs="?", default="", help="only those of this route")
    targets.set_defaults(admin=lambda channel, given: list_targets(channel, given.route))
    why = admin.add_parser("explain", help="why each target of a model is or is not eligible, in order")
    why.add_argument("model", metavar="MODEL|REQUEST", help="a model, or the id of a request of the past: req_…")
    why.set_defaults(admin=lambda channel, given: explain(channel, given.model))
    _add_changes(admin)
    seen = admin.add_parser("watch", help="targets as they change, and what happens to them")
    seen.add_argument("route", nargs="?", default="", help="only those of this route")
    seen.add_argument(
        "--seconds", type=above_zero(BILLION), default=None, help="end after so many seconds, not at Ctrl+C"
    )
    seen.set_defaults(admin=lambda channel, given: watch(channel, given.route, given.seconds, _write))
    changes = admin.add_parser("audit", help="who changed what, the newest first")
    changes.add_argument("target", nargs="?", default="", help="only changes of this target")
    changes.add_argument("--most", type=whole(1, 1000), default=50, help="as many at most (default: 50)")
    changes.set_defaults(admin=lambda channel, given: audit(channel, given.target, given.most))


def _add_changes(admin: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    change = admin.add_parser("set", help="change priority, weight or state of a target, at every replica")
    _add_place(change)
    change.add_argument("--priority", type=whole(0, 1000), help="0 is asked first")
    change.add_argument("--weight", type=float, help="share within the priority; 0 takes it out")
    change.add_argument("--state", choices=_STATES, help="draining finishes what it has and takes nothing new")
    change.add_argument("--clear", action="store_true", help="back to the configuration")
    change.set_defaults(admin=_set)
    for name, state, what in (
        ("drain", admin_pb2.ADMIN_STATE_DRAINING, "let a target finish what it has and take nothing new"),
        ("undrain", admin_pb2.ADMIN_STATE_ENABLED, "let a target take requests again"),
    ):
        command = admin.add_parser(name, help=what)
        _add_place(command)
        command.set_defaults(
            admin=lambda channel, given, state=state: update(
                channel, admin_pb2.Target(name=given.target, route=given.route, admin_state=state), ["admin_state"]
            )
        )
    forget = admin.add_parser("reset", help="forget failures and pauses of a target, at every replica")
    forget.add_argument("target")
    forget.set_defaults(admin=lambda channel, given: reset(channel, given.target))


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("route", nargs="?", default="", help="on this route only; on all that have it where absent")
    command.add_argument("target")


def _set(channel: grpc.Channel, given: argparse.Namespace) -> str:
    wanted = admin_pb2.Target(name=given.target, route=given.route)
    paths = []
    if given.priority is not None:
        wanted.priority = given.priority
        paths.append("priority")
    if given.weight is not None:
        wanted.weight = given.weight
        paths.append("weight")
    if given.state is not None:
        wanted.admin_state = _STATES[given.state]
        paths.append("admin_state")
    return update(channel, wanted, paths, clear=given.clear)


def _write(line: str) -> None:
    print(line, flush=True)
