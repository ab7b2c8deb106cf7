"""What the last recorded run of the suite saw: adapter -> run of a rule -> "kept", or why it does not apply.

`make conformance` writes it. Every later run holds each cell against what happens: the table in the documents is true,
or the build is red.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

FILE = Path(__file__).parent / "record.json"
KEPT = "kept"

Record = Mapping[str, Mapping[str, str]]


def read() -> Record:
    """The recorded cells; empty before the first run."""
    if not FILE.exists():
        return {}
    told: Record = json.loads(FILE.read_text(encoding="utf-8"))
    return told


def write(seen: Record, adapters: Collection[str], runs: Collection[str]) -> None:
    """Puts what was seen in the place of what was; what is neither an adapter nor a run any more is dropped."""
    before = read()
    cells = {
        adapter: {
            run: outcome for run, outcome in {**before.get(adapter, {}), **seen.get(adapter, {})}.items() if run in runs
        }
        for adapter in adapters
    }
    FILE.write_text(json.dumps(cells, indent=1, sort_keys=True) + "\n", encoding="utf-8")
