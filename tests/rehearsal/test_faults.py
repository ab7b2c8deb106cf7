"""Faults as scripts of the emulators, and scripts read as faults."""

import pytest

from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.chassis.errors import MeshError
from heliostat.emulators.controls import STEPS
from heliostat.rehearsal.faults import fault_of, steps_of

KINDS = [
    sandbox_pb2.FAULT_KIND_DOWN,
    sandbox_pb2.FAULT_KIND_RATE_LIMITED,
    sandbox_pb2.FAULT_KIND_SLOW,
    sandbox_pb2.FAULT_KIND_GARBAGE,
    sandbox_pb2.FAULT_KIND_EXPIRED_LINK,
]


def fault(kind: int, wait_s: float | None = None) -> sandbox_pb2.Fault:
    """A fault."""
    made = sandbox_pb2.Fault(kind=sandbox_pb2.FaultKind.Name(kind))
    if wait_s is not None:
        made.wait.FromMicroseconds(round(wait_s * 1e6))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_a_script_that_the_emulators_take_and_is_read_back(kind: int) -> None:
    """What the emulators tell of a script, its defaults left out, says the same fault."""
    steps = STEPS.validate_python(steps_of(fault(kind, 7)))
    told = fault_of([step.model_dump(mode="json", exclude_defaults=True) for step in steps])
    assert told is not None
    assert told.kind == kind
    waits = kind in (sandbox_pb2.FAULT_KIND_RATE_LIMITED, sandbox_pb2.FAULT_KIND_SLOW)
    assert told.HasField("wait") == waits
    assert told.wait.seconds == (7 if waits else 0)


@pytest.mark.parametrize("kind", [sandbox_pb2.FAULT_KIND_UNSPECIFIED, sandbox_pb2.FAULT_KIND_SCRIPTED])
def test_what_is_no_fault_to_ask_for_is_refused(kind: int) -> None:
    """The refusal names the field."""
    with pytest.raises(MeshError, match="choose one") as refused:
        steps_of(fault(kind))
    assert refused.value.field == "fault.kind"


@pytest.mark.parametrize("wait_s", [0, -1, 3601])
def test_a_wait_is_a_time_up_to_an_hour(wait_s: float) -> None:
    """Nothing, less than nothing and days are refused."""
    with pytest.raises(MeshError, match="at most 3600 seconds"):
        steps_of(fault(sandbox_pb2.FAULT_KIND_SLOW, wait_s))


@pytest.mark.parametrize("steps", [[{"status": 503, "times": 1}], [{"status": 500}], [{"ok": True}, {"status": 503}]])
def test_other_scripts_are_told_as_scripted(steps: list[dict[str, object]]) -> None:
    """Nobody is told a fault that is not quite what goes on."""
    told = fault_of(steps)
    assert told is not None
    assert told.kind == sandbox_pb2.FAULT_KIND_SCRIPTED
    assert fault_of([]) is None
