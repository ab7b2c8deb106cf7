"""`heliostat keys …`: make, list, change, renew and end API keys, with their limits and budgets."""

import argparse
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.money import to_micros, to_money, usd
from heliostat.launch.ranges import whole
from heliostat.launch.tables import table

TIMEOUT_S = 10.0
WINDOWS = ("day", "month", "total")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_COUNTS = ("requests_per_minute", "images_per_minute", "concurrent_requests")
_KEPT = ("media", "payload", "metadata")
_LIMIT = whole(0, 1_000_000)


def create_key(channel: grpc.Channel, key: admin_pb2.Key, budgets: Sequence[tuple[str, int]] = ()) -> str:
    """Makes a key with its budgets (window, micro-dollars), and tells its secret, this once."""
    stub = _stub(channel)
    answer = stub.CreateKey(admin_pb2.CreateKeyRequest(key=key), timeout=TIMEOUT_S)
    _set_budgets(stub, answer.key.key_id, budgets)
    return f"{answer.secret}\n\nThis is key {answer.key.key_id}. The secret is not shown again."


def update_key(
    channel: grpc.Channel, key: admin_pb2.Key, paths: Sequence[str], budgets: Sequence[tuple[str, int]] = ()
) -> str:
    """Changes what `paths` name of a key, and its budgets; gives the key after the change."""
    stub = _stub(channel)
    if paths:
        stub.UpdateKey(admin_pb2.UpdateKeyRequest(key=key, update_mask=FieldMask(paths=paths)), timeout=TIMEOUT_S)
    _set_budgets(stub, key.key_id, budgets)
    return f"Key {key.key_id} is changed. Other processes know it within five seconds."


def rotate_key(channel: grpc.Channel, key_id: str, overlap_s: int) -> str:
    """Gives a key another secret and tells it, this once."""
    request = admin_pb2.RotateKeyRequest(key_id=key_id, overlap=Duration(seconds=overlap_s))
    answer = _stub(channel).RotateKey(request, timeout=TIMEOUT_S)
    until = f"The old secret lets in for {overlap_s} s more." if overlap_s else "The old secret lets in no more."
    return f"{answer.secret}\n\nThis is key {answer.key.key_id}. The secret is not shown again. {until}"


def revoke_key(channel: grpc.Channel, key_id: str) -> str:
    """Ends a key at once."""
    _stub(channel).RevokeKey(admin_pb2.RevokeKeyRequest(key_id=key_id), timeout=TIMEOUT_S)
    return f"Key {key_id} is revoked."


def list_keys(channel: grpc.Channel, show_revoked: bool) -> str:
    """All keys as a table, newest first."""
    rows, token, now = [], "", time.time()
    while True:
        request = admin_pb2.ListKeysRequest(page_size=100, page_token=token, show_revoked=show_revoked)
        answer = _stub(channel).ListKeys(request, timeout=TIMEOUT_S)
        rows += [
            (key.key_id, _state(key, now), _moment(key.create_time), _end(key), limits_of(key), key.title)
            for key in answer.keys
        ]
        token = answer.next_page_token
        if not token:
            return table(("ID", "STATE", "MADE (UTC)", "ENDS (UTC)", "LIMITS", "TITLE"), rows)


def list_budgets(channel: grpc.Channel, key_id: str) -> str:
    """Budgets with what is left of them."""
    answer = _stub(channel).ListBudgets(admin_pb2.ListBudgetsRequest(key_id=key_id), timeout=TIMEOUT_S)
    rows = []
    for budget in answer.budgets:
        limit, spent, reserved = (
            to_micros(each) for each in (budget.limit, budget.balance.spent, budget.balance.reserved)
        )
        reset = _moment(budget.balance.reset_time) if budget.balance.HasField("reset_time") else ""
        amounts = (f"{usd(each):.6f}" for each in (limit, spent, reserved, max(0, limit - spent - reserved)))
        rows.append((budget.key_id or "all keys", budget.window, *amounts, reset))
    if not rows:
        return "No budgets: nothing bounds what is spent."
    return table(("KEY", "WINDOW", "LIMIT USD", "SPENT", "RESERVED", "LEFT", "ANEW (UTC)"), rows)


def set_budgets(channel: grpc.Channel, key_id: str, budgets: Sequence[tuple[str, int]]) -> str:
    """Sets budgets of a key, or of all keys together (""); gives those that stand then."""
    _set_budgets(_stub(channel), key_id, budgets)
    return list_budgets(channel, key_id)


def _set_budgets(stub: admin_pb2_grpc.LedgerAdminServiceStub, key_id: str, budgets: Sequence[tuple[str, int]]) -> None:
    for window, micros in budgets:
        budget = admin_pb2.Budget(key_id=key_id, window=window, limit=to_money(micros))
        stub.SetBudget(admin_pb2.SetBudgetRequest(budget=budget), timeout=TIMEOUT_S)


def limits_of(key: admin_pb2.Key) -> str:
    """A key's limits in a few words. Pure."""
    limits = key.limits
    words = [
        f"{count} {what}"
        for count, what in (
            (limits.requests_per_minute, "requests/min"),
            (limits.images_per_minute, "images/min"),
            (limits.concurrent_requests, "at once"),
        )
        if count
    ]
    for what, allowed in (("models", limits.models), ("only", limits.operations)):
        if allowed:
            words.append(f"{what} {','.join(allowed)}")
    return "; ".join(words)


def _state(key: admin_pb2.Key, now: float) -> str:
    if key.HasField("revoke_time"):
        return "revoked"
    return "expired" if key.HasField("expire_time") and key.expire_time.seconds <= now else "good"


def _end(key: admin_pb2.Key) -> str:
    return _moment(key.expire_time) if key.HasField("expire_time") else ""


def _moment(moment: Timestamp) -> str:
    return datetime.fromtimestamp(moment.seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _stub(channel: grpc.Channel) -> admin_pb2_grpc.LedgerAdminServiceStub:
    return admin_pb2_grpc.LedgerAdminServiceStub(channel)


# What people write


def seconds(text: str) -> int:
    """A time such as 90, 30s, 15m, 12h or 30d in seconds."""
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 30s, 15m, 12h or 30d")
    return int(match[1]) * _UNITS[match[2] or "s"]


def moment(text: str) -> float | None:
    """A time from now (30d), a date or time in UTC, or "never", as seconds since the epoch."""
    if text == "never":
        return None
    if re.fullmatch(r"\d+[smhd]", text):
        return time.time() + seconds(text)
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 30d, 2027-01-31 or never") from None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def dollars(text: str) -> int:
    """US dollars in micro-dollars; "none" is 0, which removes a budget."""
    if text == "none":
        return 0
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; write dollars such as 12.50, or none")
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000 + int(part.ljust(6, "0") or 0)


def names(text: str) -> list[str]:
    """Names with commas between them; "all" is none of them: no bound."""
    return [] if text == "all" else [name for name in text.split(",") if name]


def key_of(given: argparse.Namespace) -> tuple[admin_pb2.Key, list[str]]:
    """The key that the arguments tell of, and the paths of what they name. Pure but for the clock."""
    key, paths = admin_pb2.Key(key_id=getattr(given, "key_id", "")), []
    if given.title is not None:
        key.title = given.title
        paths.append("title")
    if hasattr(given, "expires"):
        if given.expires is not None:
            key.expire_time.FromMicroseconds(int(given.expires * 1e6))
        paths.append("expire_time")
    for name in _COUNTS:
        if getattr(given, name) is not None:
            setattr(key.limits, name, getattr(given, name))
            paths.append(f"limits.{name}")
    for name in ("models", "operations"):
        if getattr(given, name) is not None:
            getattr(key.limits, name).extend(getattr(given, name))
            paths.append(f"limits.{name}")
    for name in _KEPT:
        if getattr(given, f"keep_{name}") is not None:
            getattr(key.retention, name).seconds = getattr(given, f"keep_{name}")
            getattr(key.retention, name).SetInParent()
            paths.append(f"retention.{name}")
    if given.wait is not None:
        key.default_wait.seconds = given.wait
        key.default_wait.SetInParent()
        paths.append("default_wait")
    return key, paths


def budgets_of(given: argparse.Namespace) -> list[tuple[str, int]]:
    """The budgets that the arguments name."""
    told = ((window, getattr(given, f"budget_{window}")) for window in WINDOWS)
    return [(window, micros) for window, micros in told if micros is not None]


def _add_budgets(parser: argparse.ArgumentParser) -> None:
    for window in WINDOWS:
        parser.add_argument(
            f"--budget-{window}", type=dollars, metavar="USD", help=f"most US dollars of a {window}; none removes it"
        )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests-per-minute", type=_LIMIT, metavar="N", help="0: no bound")
    parser.add_argument("--images-per-minute", type=_LIMIT, metavar="N", help="0: no bound")
    parser.add_argument("--concurrent", type=_LIMIT, dest="concurrent_requests", metavar="N", help="requests at once")
    parser.add_argument("--models", type=names, metavar="A,B", help="models it may ask for; all: no bound")
    parser.add_argument("--operations", type=names, metavar="A,B", help="operations it may ask for; all: no bound")
    parser.add_argument(
        "--expires", type=moment, default=argparse.SUPPRESS, metavar="TIME", help="30d, 2027-01-31 or never"
    )
    parser.add_argument("--keep-media", type=seconds, metavar="TIME", help="how long pictures are kept, such as 12h")
    parser.add_argument("--keep-payload", type=seconds, metavar="TIME", help="how long prompts and inputs are kept")
    parser.add_argument("--keep-metadata", type=seconds, metavar="TIME", help="how long rows are kept; a day at least")
    parser.add_argument("--wait", type=seconds, metavar="TIME", help="answer 202 with a job after so long")
    _add_budgets(parser)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `keys` to the command line."""
    keys = commands.add_parser("keys", help="make, list, change and revoke API keys").add_subparsers(
        required=True, metavar="do"
    )
    make = keys.add_parser("create", help="make a key; its secret is shown once")
    make.add_argument("title", nargs="?", default="", help="what people call it")
    _add_options(make)
    make.set_defaults(admin=lambda channel, given: create_key(channel, key_of(given)[0], budgets_of(given)))
    listed = keys.add_parser("list", help="list keys")
    listed.add_argument("--all", action="store_true", help="also revoked ones")
    listed.set_defaults(admin=lambda channel, given: list_keys(channel, given.all))
    change = keys.add_parser("update", help="change a key; only what is named changes")
    change.add_argument("key_id")
    change.add_argument("--title", help="what people call it")
    _add_options(change)
    change.set_defaults(admin=lambda channel, given: update_key(channel, *key_of(given), budgets_of(given)))
    turn = keys.add_parser("rotate", help="give a key another secret, shown once")
    turn.add_argument("key_id")
    turn.add_argument("--overlap", type=seconds, default=0, metavar="TIME", help="how long the old one still lets in")
    turn.set_defaults(admin=lambda channel, given: rotate_key(channel, given.key_id, given.overlap))
    revoke = keys.add_parser("revoke", help="end a key at once")
    revoke.add_argument("key_id")
    revoke.set_defaults(admin=lambda channel, given: revoke_key(channel, given.key_id))
    told = keys.add_parser("budgets", help="list budgets; with --budget-… set those of a key, or of all keys")
    told.add_argument("key_id", nargs="?", default="", help="only of this key; left out: all keys")
    _add_budgets(told)
    told.set_defaults(admin=_budgets)


def _budgets(channel: grpc.Channel, given: argparse.Namespace) -> str:
    told = budgets_of(given)
    return set_budgets(channel, given.key_id, told) if told else list_budgets(channel, given.key_id)
