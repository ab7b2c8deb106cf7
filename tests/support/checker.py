"""The checker of invariants I1 to I16 over what a run left behind: see `evidence.py` for what that is.

I1  every answer of ours has one request row, and every row one terminal state, in time
I2  terminal states cannot be changed
I3  what the ledger says was paid is what the providers billed; what nobody knows is reserved
I4  nothing is bought without an intent committed before
I5  nothing is bought twice of one attempt, nor of a target that may have taken the request already
I6  every billed picture is kept, or its cost is recorded; every kept picture belongs to a request
I7  a success has pictures, whole, and they are what the caller got
I8  attempts of a branch are numbered, in order, one at a time
I9  deliveries of webhooks to callers: there are none in this version, so nothing is checked under this number
I10 no secret in any text; no prompt in logs, spans, metrics and errors
I11 nobody is connected to but those whom the configuration names
I12 what a key spent and reserved stays within its budget and one estimate more
I13 attempts beyond the first stay within the retry budget
I14 a quiet system holds no files, sessions and descriptors that it has no use for
I15 one trace per request, with a span for every attempt's row
I16 each choice of a target follows again from its recorded decision

Run after every test of a mesh, also the functional ones.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from PIL import Image, UnidentifiedImageError

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from tests.support.checker_of_traces import trace_faults
from tests.support.evidence import OPEN, RUNNING, Entry, Evidence, Row, place

_SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED
_DELIVERED = ledger_pb2.ATTEMPT_STATE_SUCCEEDED
_UNKNOWN = ledger_pb2.ATTEMPT_STATE_UNKNOWN
_COSTING = {_DELIVERED, ledger_pb2.ATTEMPT_STATE_FAILED_BILLED, ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED}
_RECONCILED = {ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED, ledger_pb2.ATTEMPT_STATE_RECONCILED_UNBILLED}
_NOTHING_TAKEN = {event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED}
_GRACE_US = 60_000_000
_CLOCKS_US = 1_000
_WINDOW_US = 10_000_000
# The router counts its window in slots of a tenth, and a row is written a moment after the router has counted.
_SLOT_US = 1_500_000


def check(evidence: Evidence) -> None:
    """Raises AssertionError with every invariant that does not hold, each with its number."""
    faults = faults_of(evidence)
    assert not faults, "\n".join(faults)


def faults_of(evidence: Evidence) -> list[str]:
    """Every invariant that does not hold, as a sentence that begins with its number."""
    return [fault for rule in _RULES for fault in rule(evidence)]


def _terminal(evidence: Evidence) -> Iterator[str]:
    for name, row in evidence.requests.items():
        if row["state"] == RUNNING:
            yield f"I1: request {name} has no terminal state"
        elif row["end_time_us"] - row["create_time_us"] > evidence.deadline_s * 1e6 + _GRACE_US:
            yield f"I1: request {name} ended {(row['end_time_us'] - row['create_time_us']) / 1e6:.0f} s after it came"
    for name, row in evidence.attempts.items():
        if row["state"] == OPEN:
            yield f"I1: attempt {name} has no terminal state"
        if row["request_id"] not in evidence.requests:
            yield f"I1: attempt {name} belongs to no request"
    for answer in evidence.answers:
        if answer.status in (200, 202) and answer.request_id not in evidence.requests:
            yield f"I1: {answer.request_id} was answered with {answer.status} and has no row"


def _immutable(evidence: Evidence) -> Iterator[str]:
    for name in evidence.changeable:
        yield f"I2: the terminal state of {name} can be changed"


def _money(evidence: Evidence) -> Iterator[str]:
    costs: dict[str, int] = defaultdict(int)
    for row in evidence.attempts.values():
        if row["state"] in _COSTING or row["billed"] == event_pb2.BILLED_YES:
            costs[row["request_id"]] += row["cost_micros"]
    for name, row in evidence.requests.items():
        if row["cost_micros"] != costs[name]:
            yield f"I3: request {name} says {row['cost_micros']} micros, its attempts {costs[name]}"
    bills = bills_of(evidence)
    for name, row in evidence.attempts.items():
        if row["state"] == _UNKNOWN:
            if row["reserved_micros"] < bills.get(name, 0):
                yield f"I3: unknown {name} reserves {row['reserved_micros']}, the provider bills {bills[name]}"
        elif row["cost_micros"] != bills.get(name, 0):
            yield f"I3: attempt {name} says {row['cost_micros']} micros, the provider bills {bills.get(name, 0)}"


def bills_of(evidence: Evidence) -> dict[str, int]:
    """Micro-dollars that the providers billed, by attempt."""
    bills: dict[str, int] = defaultdict(int)
    for entry in evidence.submits:
        bills[entry["attempt_id"]] += entry["cost_micros"] if entry["billed"] else 0
    return bills


def _intents(evidence: Evidence) -> Iterator[str]:
    for entry in evidence.submits:
        row = evidence.attempts.get(entry["attempt_id"])
        if row is None:
            yield f"I4: {entry['attempt_id']} was submitted without an intent"
        elif row["start_time_us"] > entry["time_unix"] * 1e6 + _CLOCKS_US:
            yield f"I4: {entry['attempt_id']} was submitted before its intent"


def _bought_once(evidence: Evidence) -> Iterator[str]:
    counts: dict[str, int] = defaultdict(int)
    for entry in evidence.submits:
        counts[entry["attempt_id"]] += bool(entry["billed"])
    for name, count in counts.items():
        if count > 1:
            yield f"I5: {name} was billed {count} times"
    for request_id in evidence.requests:
        taken: dict[tuple[int, str], str] = {}
        for row in evidence.attempts_of(request_id):
            where = place(row["attempt_id"])[0], row["target"]
            if where in taken:
                yield f"I5: {row['attempt_id']} asked {row['target']} again, which may have taken {taken[where]}"
            if row["state"] != _DELIVERED and row["outcome"] not in _NOTHING_TAKEN:
                taken[where] = row["attempt_id"]


def _nothing_lost(evidence: Evidence) -> Iterator[str]:
    kept: dict[str, int] = defaultdict(int)
    for row in evidence.media:
        kept[row["attempt_id"]] += 1
        if row["request_id"] not in evidence.requests:
            yield f"I6: picture {row['media_id']} belongs to no request"
    known = {row["media_id"] for row in evidence.media}
    for name in (evidence.files or {}).keys() - known:
        yield f"I6: picture {name} belongs to no request"
    for entry in evidence.submits:
        found = evidence.attempts.get(entry["attempt_id"])
        if not entry["billed"] or found is None or kept[entry["attempt_id"]] >= len(entry["images"]):
            continue
        if found["state"] == _DELIVERED:
            # Delivered as the provider's own address, nothing was to be kept.
            lost = kept[entry["attempt_id"]] > 0 or not found["image_count"]
        else:
            lost = found["state"] != _UNKNOWN and found["cost_micros"] != entry["cost_micros"]
        if lost:
            yield f"I6: {entry['attempt_id']} was billed, its picture is not kept and its cost not recorded"


def _kept(evidence: Evidence) -> Iterator[str]:
    hashes: dict[str, set[bytes]] = defaultdict(set)
    for row in evidence.media:
        hashes[row["request_id"]].add(bytes(row["sha256"]))
        if row["purged"] or evidence.files is None:
            continue
        path = evidence.files.get(row["media_id"])
        if path is None:
            yield f"I7: picture {row['media_id']} is not kept"
            continue
        data = path.read_bytes()
        if hashlib.sha256(data).digest() != bytes(row["sha256"]):
            yield f"I7: picture {row['media_id']} is not what was delivered"
        elif not _decodable(data):
            yield f"I7: picture {row['media_id']} cannot be decoded"
    for name, row in evidence.requests.items():
        if row["state"] == _SUCCEEDED and row["result"]:
            result = event_pb2.ImageResult.FromString(bytes(row["result"]))
            if result.image_count < 1:
                yield f"I7: request {name} succeeded without a picture"
    for answer in evidence.answers:
        for digest in answer.picture_sha256:
            if digest not in hashes[answer.request_id]:
                yield f"I7: the caller of {answer.request_id} got a picture that is not the kept one"


def _decodable(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError):
        return False
    return True


def _ordered(evidence: Evidence) -> Iterator[str]:
    for request_id in evidence.requests:
        before: Row | None = None
        for row in evidence.attempts_of(request_id):
            branch, ordinal = place(row["attempt_id"])
            if before is None or place(before["attempt_id"])[0] != branch:
                if ordinal != 1:
                    yield f"I8: {row['attempt_id']} is the first attempt of its branch"
            elif ordinal != place(before["attempt_id"])[1] + 1:
                yield f"I8: {row['attempt_id']} comes after {before['attempt_id']}"
            elif row["start_time_us"] < before["start_time_us"]:
                yield f"I8: {row['attempt_id']} began before {before['attempt_id']}"
            elif not evidence.hedged and before["state"] not in _RECONCILED and _overlap(before, row):
                yield f"I8: {row['attempt_id']} began while {before['attempt_id']} was open"
            before = row


def _overlap(first: Row, second: Row) -> bool:
    return first["end_time_us"] is None or first["end_time_us"] > second["start_time_us"]


def _silent(evidence: Evidence) -> Iterator[str]:
    prompts = {entry["prompt"].encode() for entry in evidence.entries if len(entry["prompt"]) > 11}
    told = dict(evidence.texts)
    if evidence.spans is not None:
        told["span"] = repr(evidence.spans).encode()
    for where, content in told.items():
        for what, secret in evidence.secrets.items():
            if secret in content:
                yield f"I10: {what} is in {where}"
        if where.startswith(("log", "metrics", "error", "span")) or where.endswith(".log"):
            found = sum(prompt in content for prompt in prompts)
            if found:
                yield f"I10: {found} prompts are in {where}"


def _contained(evidence: Evidence) -> Iterator[str]:
    for stranger in evidence.strangers:
        yield f"I11: somebody was connected to {stranger}"


def _budgets(evidence: Evidence) -> Iterator[str]:
    estimates: dict[str, int] = defaultdict(int)
    for row in evidence.attempts.values():
        key_id = evidence.requests[row["request_id"]]["key_id"] if row["request_id"] in evidence.requests else ""
        for each in (key_id, ""):
            estimates[each] = max(estimates[each], row["cost_micros"] + row["reserved_micros"])
    for budget in evidence.budgets:
        key_id, length = budget["key_id"], _WINDOW_TEXT.get(budget["window"], 0)
        sums: dict[str, int] = defaultdict(int)
        for row in evidence.requests.values():
            if key_id in ("", row["key_id"]):
                window = datetime.fromtimestamp(row["create_time_us"] / 1e6, UTC).isoformat()[:length]
                sums[window] += row["cost_micros"] + row["reserved_micros"]
        for window, spent in sums.items():
            if spent > budget["limit_micros"] + estimates[key_id]:
                what = f"{budget['window']} {window}".strip()
                yield f"I12: key {key_id!r} spent and reserved {spent} of {budget['limit_micros']} ({what})"


# How much of an ISO time names a window; a total has none.
_WINDOW_TEXT = {"day": 10, "month": 7}


def _retries(evidence: Evidence) -> Iterator[str]:
    """A further attempt needs a place under way, or a place in the window: it is a fault where it had neither."""
    branches: dict[tuple[str, int], tuple[int, int]] = {}
    further = []
    for row in evidence.attempts.values():
        branch, ordinal = place(row["attempt_id"])
        began, ended = row["start_time_us"], row["end_time_us"] or row["start_time_us"]
        if ordinal > 1 and row["outcome"] != event_pb2.OUTCOME_NOT_SENT:
            further.append((began, ended))
        known = branches.get((row["request_id"], branch), (began, ended))
        branches[row["request_id"], branch] = min(known[0], began), max(known[1], ended)
    further.sort()
    for now, _ in further:
        under_way = sum(began < now < ended for began, ended in further)
        callers = sum(began <= now + _SLOT_US and ended >= now - _SLOT_US for began, ended in branches.values())
        recent = sum(now - _WINDOW_US + _SLOT_US < began < now for began, _ in further)
        asked = sum(now - _WINDOW_US - _SLOT_US < began <= now + _SLOT_US for began, _ in branches.values())
        lives = 1 + sum(now - _WINDOW_US - _SLOT_US < death <= now for death in evidence.router_deaths_us)
        least = evidence.retry_least * lives
        most = max(least, evidence.retry_share * callers)
        if under_way > most and recent > least + evidence.retry_share * asked:
            yield f"I13: {under_way} further attempts beside {callers} requests, {recent} beside {asked} in ten seconds"
            return


def _nothing_left(evidence: Evidence) -> Iterator[str]:
    for leftover in evidence.leftovers:
        yield f"I14: {leftover} was left behind"
    for name, (before, after) in evidence.descriptors.items():
        # A few files are opened only when they are needed first.
        if after > before * 1.1 + 8:
            yield f"I14: {name} holds {after} descriptors, and held {before} when it was ready"


def count_second_purchases(evidence: Evidence) -> Mapping[str, list[Entry]]:
    """Billed submits of every request for which more was billed than one, request by request (one branch each)."""
    billed: dict[str, list[Entry]] = defaultdict(list)
    for entry in evidence.submits:
        if entry["billed"]:
            billed[entry["attempt_id"].split("/")[0]].append(entry)
    return {name: each for name, each in billed.items() if len(each) > 1}


_RULES = (
    _terminal,
    _immutable,
    _money,
    _intents,
    _bought_once,
    _nothing_lost,
    _kept,
    _ordered,
    _silent,
    _contained,
    _budgets,
    _retries,
    _nothing_left,
    trace_faults,
)
