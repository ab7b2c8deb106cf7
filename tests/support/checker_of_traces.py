"""Invariants I15 and I16: traces and recorded decisions, held against the rows of attempts."""

from collections import defaultdict
from collections.abc import Iterator

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis import telemetry
from heliostat.router.selection import replay
from tests.support.collector import Span
from tests.support.evidence import Evidence, place


def trace_faults(evidence: Evidence) -> Iterator[str]:
    """What is wrong with traces and decisions, each as a sentence that begins with its number."""
    if evidence.spans is not None:
        yield from _traces(evidence)
    yield from _decisions(evidence)


def _traces(evidence: Evidence) -> Iterator[str]:
    attempts: dict[str, list[Span]] = defaultdict(list)
    traces: dict[str, set[str]] = defaultdict(set)
    for span in evidence.spans or ():
        if span.name.startswith("attempt "):
            attempts[span.attributes[telemetry.ATTEMPT_ID]].append(span)
        elif span.name.startswith("generate "):
            traces[span.attributes[telemetry.REQUEST_ID]].add(span.trace_id)
    for name, row in evidence.attempts.items():
        spans = attempts.get(name, [])
        traces[row["request_id"]].update(span.trace_id for span in spans)
        # An intent whose COMMIT had no answer stands in the ledger, and its target was never asked.
        unasked = row["outcome"] == event_pb2.OUTCOME_NOT_SENT and not spans
        if len(spans) != 1 and not unasked and not evidence.spans_may_be_lost:
            yield f"I15: attempt {name} has {len(spans)} spans"
    for name in attempts.keys() - evidence.attempts.keys():
        yield f"I15: span of {name}, which has no row"
    for name, row in evidence.requests.items():
        if traces[name] - {row["trace_id"]}:
            yield f"I15: request {name} is in {len(traces[name] | {row['trace_id']})} traces"


def _decisions(evidence: Evidence) -> Iterator[str]:
    """Attempts follow from the decision that was kept with them, or from the last one before them."""
    for request_id in evidence.requests:
        rows = sorted(
            evidence.attempts_of(request_id), key=lambda row: (row["start_time_us"], *place(row["attempt_id"]))
        )
        decision = event_pb2.Decision()
        asked: dict[int, int] = {}
        for row in rows:
            branch = place(row["attempt_id"])[0]
            if row["decision"]:
                decision = event_pb2.Decision.FromString(bytes(row["decision"]))
                asked = {}
            if not decision.candidates and row["outcome"] == event_pb2.OUTCOME_NOT_SENT:
                # Its intent could not be written, so that nobody was asked; its end came from the spool.
                continue
            if not decision.candidates:
                yield f"I16: {row['attempt_id']} follows from no decision"
                break
            order = replay(decision)
            if order and row["decision"] and row["target"] != order[0]:
                yield f"I16: {row['attempt_id']} asked {row['target']}; its decision says {order[0]}"
            # When nobody is left, somebody who was put out is asked as a last resort.
            out = tuple(each.target for each in decision.candidates if each.excluded_because)
            position = (*order, *out).index(row["target"]) if row["target"] in (*order, *out) else -1
            # Who asked to slow down is asked again first, by a decision that reads as the one before and is kept once.
            if position < 0 or (0 < position <= min(asked.get(branch, -1), len(order) - 1)):
                yield f"I16: {row['attempt_id']} asked {row['target']}, out of the order that was decided"
            asked[branch] = max(position, asked.get(branch, -1))
