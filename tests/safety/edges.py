"""A loop whose pump can stand exactly on an edge: its numbers are sums of powers of two."""

from __future__ import annotations

from typing import Any

from safety.case import Case, look
from safety.rules import LoopRules, loop_rules
from safety.setpoint_rules import SetpointRule
from safety.state import GateState
from tests.safety.builders import (
    GAP,
    LOOP,
    PUMP,
    SPEED,
    SPEEDS,
    Drive,
    Plant,
    ask,
    plan,
    rules,
    sealed,
)

AUTO = ask("AUTO")
COARSE: dict[str, Any] = {  # a pump whose numbers are sums of powers of two
    "equipment": [0.5, 6.0], "proven": [1.0, 4.0], "operating": [1.5, 3.5], "rate": 0.0625,
    "resolution": 0.125, "tolerance": 0.25, "dwell": 0.0, "travel": 8.0, "swing": 0.25,
    "reversals": 60,
}  # fmt: skip


def coarse(**changes: Any) -> LoopRules:
    """Return rules whose pump can stand exactly on an edge; gates of its plan likewise."""
    return rules(**{f"limits__setpoints__{PUMP}": COARSE} | changes)


def pump(**changes: Any) -> SetpointRule:
    """Return the coarse rule of the pump."""
    return coarse().setpoints[PUMP]._replace(**changes)


def driven(applied: float = 2.5, **changes: Any) -> Drive:
    """Return a loop in AUTO whose pump stands at `applied`."""
    drive = Drive(coarse(**changes), Plant({PUMP: applied, GAP: 280e-6}))
    drive.to_auto()
    return drive


def with_speeds(**changes: Any) -> LoopRules:
    """Return the rules of a loop that reads three speeds."""
    whole = sealed(**changes)
    for tag in SPEEDS[1:]:
        whole["tags"][tag] = whole["tags"][SPEED]
        whole["loops"][LOOP]["optional"].append(tag)
    return loop_rules(whole, LOOP)


def case_of(drive: Drive, state: GateState | None = None, **changes: Any) -> Case:
    """Return the case of the drive's last cycle."""
    assert drive.snapshot is not None
    snapshot = drive.snapshot._replace(**changes)
    wish = plan(drive.now_s)
    return look(
        drive.rules, state or drive.state, snapshot, "solved", wish, AUTO, drive.snapshot.now_s
    )
