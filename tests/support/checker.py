"""The checker of invariants I1 to I7, over the ledger's tables, the providers' journals and the kept pictures.

The providers' journal is the truth for bills. Run after every test of a mesh, also the functional ones.
"""

import hashlib
import io
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2

_SUBMITS = {"submit", "generations", "edits", "variations"}
_RUNNING = ledger_pb2.REQUEST_STATE_RUNNING
_SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED
_OPEN = ledger_pb2.ATTEMPT_STATE_OPEN
_COSTING = {
    ledger_pb2.ATTEMPT_STATE_SUCCEEDED,
    ledger_pb2.ATTEMPT_STATE_FAILED_BILLED,
    ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED,
}
_UNKNOWN = ledger_pb2.ATTEMPT_STATE_UNKNOWN

Row = Mapping[str, Any]


def check(state_dir: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Raises AssertionError with every invariant that does not hold, each with its number."""
    faults = find_faults(state_dir, entries)
    assert not faults, "\n".join(faults)


def find_faults(state_dir: Path, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every invariant that does not hold, as a sentence that begins with its number."""
    with sqlite3.connect(state_dir / "heliostat.db") as connection:
        connection.row_factory = sqlite3.Row
        requests = {row["request_id"]: row for row in connection.execute("SELECT * FROM requests")}
        attempts = {row["attempt_id"]: row for row in connection.execute("SELECT * FROM attempts")}
        media = list(connection.execute("SELECT * FROM media"))
        faults = [*_terminal(requests, attempts), *_immutable(connection, requests, attempts)]
    connection.close()
    submits = [entry for entry in entries if entry["kind"] in _SUBMITS and entry["attempt_id"]]
    faults += _money(requests, attempts, submits)
    faults += _intents(attempts, submits)
    faults += _bought_once(submits)
    faults += _nothing_lost(attempts, media, submits)
    faults += _kept(state_dir, requests, media)
    return faults


def _terminal(requests: Mapping[str, Row], attempts: Mapping[str, Row]) -> list[str]:
    still = [f"I1: request {name} has no terminal state" for name, row in requests.items() if row["state"] == _RUNNING]
    still += [f"I1: attempt {name} has no terminal state" for name, row in attempts.items() if row["state"] == _OPEN]
    orphans = [name for name, row in attempts.items() if row["request_id"] not in requests]
    return still + [f"I1: attempt {name} belongs to no request" for name in orphans]


def _immutable(connection: sqlite3.Connection, requests: Mapping[str, Row], attempts: Mapping[str, Row]) -> list[str]:
    faults = []
    for table, key, rows in (("requests", "request_id", requests), ("attempts", "attempt_id", attempts)):
        for name in list(rows)[:1]:
            try:
                connection.execute(f"UPDATE {table} SET state = 1 WHERE {key} = ?", (name,))
            except sqlite3.DatabaseError:
                continue
            finally:
                connection.rollback()
            faults.append(f"I2: the terminal state of {table} {name} can be changed")
    return faults


def _money(requests: Mapping[str, Row], attempts: Mapping[str, Row], submits: Sequence[Mapping[str, Any]]) -> list[str]:
    faults = []
    costs: dict[str, int] = defaultdict(int)
    for row in attempts.values():
        if row["state"] in _COSTING or row["billed"] == event_pb2.BILLED_YES:
            costs[row["request_id"]] += row["cost_micros"]
    for name, row in requests.items():
        if row["cost_micros"] != costs[name]:
            faults.append(f"I3: request {name} says {row['cost_micros']} micros, its attempts {costs[name]}")
    bills: dict[str, int] = defaultdict(int)
    for entry in submits:
        bills[entry["attempt_id"]] += entry["cost_micros"] if entry["billed"] else 0
    for name, row in attempts.items():
        if row["state"] == _UNKNOWN:
            if row["reserved_micros"] < bills[name]:
                faults.append(f"I3: unknown {name} reserves {row['reserved_micros']}, the provider bills {bills[name]}")
        elif name in bills and row["cost_micros"] != bills[name]:
            faults.append(f"I3: attempt {name} says {row['cost_micros']} micros, the provider bills {bills[name]}")
    return faults


def _intents(attempts: Mapping[str, Row], submits: Sequence[Mapping[str, Any]]) -> list[str]:
    faults = []
    for entry in submits:
        row = attempts.get(entry["attempt_id"])
        if row is None:
            faults.append(f"I4: {entry['attempt_id']} was submitted without an intent")
        elif row["start_time_us"] > entry["time_unix"] * 1e6 + 1000:
            faults.append(f"I4: {entry['attempt_id']} was submitted before its intent")
    return faults


def _bought_once(submits: Sequence[Mapping[str, Any]]) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for entry in submits:
        counts[entry["attempt_id"]] += bool(entry["billed"])
    return [f"I5: {name} was billed {count} times" for name, count in counts.items() if count > 1]


def _nothing_lost(attempts: Mapping[str, Row], media: Sequence[Row], submits: Sequence[Mapping[str, Any]]) -> list[str]:
    kept: dict[str, int] = defaultdict(int)
    for row in media:
        kept[row["attempt_id"]] += 1
    faults = []
    for entry in submits:
        row = attempts.get(entry["attempt_id"])
        if not entry["billed"] or row is None or kept[entry["attempt_id"]] >= len(entry["images"]):
            continue
        recorded = row["state"] == _UNKNOWN or (
            row["state"] != _SUCCEEDED and row["cost_micros"] == entry["cost_micros"]
        )
        if not recorded and row["image_count"]:
            # Delivered as the provider's own address: nothing was to be kept.
            continue
        if not recorded:
            faults.append(f"I6: {entry['attempt_id']} was billed, its picture is not kept and its cost not recorded")
    return faults


def _kept(state_dir: Path, requests: Mapping[str, Row], media: Sequence[Row]) -> list[str]:
    faults = []
    folder = state_dir / "blobs" / "media"
    files = {path.name: path for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else {}
    known = {row["media_id"] for row in media}
    faults += [f"I6: picture {name} belongs to no request" for name in files if name not in known]
    for row in media:
        path = files.get(row["media_id"])
        if row["purged"]:
            continue
        if path is None:
            faults.append(f"I7: picture {row['media_id']} is not kept")
            continue
        data = path.read_bytes()
        if hashlib.sha256(data).digest() != row["sha256"]:
            faults.append(f"I7: picture {row['media_id']} is not what was delivered")
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    for name, row in requests.items():
        if row["state"] != _SUCCEEDED or not row["result"]:
            continue
        result = event_pb2.ImageResult.FromString(row["result"])
        if result.image_count < 1:
            faults.append(f"I7: request {name} succeeded without a picture")
    return faults
