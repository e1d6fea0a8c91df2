"""The interlocks that look at the plant and at the plan: each a few lines an auditor can read.

Each takes the case and returns its reasons; none knows of the others, and the order of the list
does not matter, because actions combine by maximum. A rule that cannot see what it needs objects:
absent, bad, stale and unknown all mean 'condition not satisfied'.

Clear conditions: every HOLD clears with its condition (the hold timer bounds it), every SHED on a
person's new request, every TRIP on a person's reset with the cause gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from safety.modes import ARMED, CLOSED, is_named
from safety.rules import LoopRules
from safety.shape import excess
from safety.signals import Snapshot
from safety.state import GateState
from safety.words import Action, Mode, Proposal, Quality, Reason, Request, RequestedMode

LARGEST_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Case:
    """What the interlocks look at in one cycle; `state` is from the cycle before."""

    rules: LoopRules
    state: GateState
    snapshot: Snapshot
    plan_status: str
    proposal: Proposal | None
    request: Request
    now_s: float

    @property
    def armed(self) -> bool:
        """Say whether we were writing in the cycle before."""
        return self.state.mode in ARMED

    @property
    def closed(self) -> bool:
        """Say whether the PLC was following our setpoints in the cycle before."""
        return self.state.mode in CLOSED

    @property
    def starting(self) -> bool:
        """Say whether a person wants to close the loop and it is not closed."""
        return (
            self.request.mode is RequestedMode.AUTO and is_named(self.request) and not self.closed
        )


def il_02_time(case: Case) -> list[Reason]:
    """IL-02: time that runs backwards makes every rate meaningless. HOLD."""
    last_s = case.state.now_s
    if last_s is not None and case.now_s < last_s:
        return [Reason("IL-02", Action.HOLD, "", "engine time ran backwards")]
    return []


def il_03_permissives(case: Case) -> list[Reason]:
    """IL-03: every permissive true and fresh. Known false: SHED; unknown: HOLD."""
    reasons = []
    for tag in case.rules.permissives:
        known = _good(case, tag)
        if known is None:
            reasons.append(
                Reason("IL-03", Action.HOLD, tag, f"permissive unknown: {_why(case, tag)}")
            )
        elif known is not True:
            reasons.append(Reason("IL-03", Action.SHED, tag, "permissive is false"))
    return reasons


def il_04_trips(case: Case) -> list[Reason]:
    """IL-04: things that cannot happen while everything works. TRIP, latched.

    The setpoint in use outside what the equipment may be given, or registers that twice held
    something else than what was written.
    """
    if not (case.armed or case.state.mode is Mode.TRIPPED):
        return []
    reasons = []
    for tag, rule in case.rules.setpoints.items():
        applied = case.snapshot.applied.get(tag)
        if applied is not None and not excess(applied, rule.equipment) <= rule.tolerance:
            text = f"setpoint in use {applied:.6g} is outside the equipment range"
            reasons.append(Reason("IL-04", Action.TRIP, tag, text))
    if case.state.mismatches >= 2:
        text = f"read-back differed {case.state.mismatches} times: {case.state.outcome_reason}"
        reasons.append(Reason("IL-04", Action.TRIP, "", text))
    return reasons


def il_03_start(case: Case) -> list[Reason]:
    """IL-03: the loop may only be closed from inside the proven range. SHED, that is: refused."""
    if not case.starting:
        return []
    return [
        Reason(
            "IL-03", Action.SHED, tag, f"setpoint in use {applied:.6g} is outside the proven range"
        )
        for tag, rule in case.rules.setpoints.items()
        if (applied := case.snapshot.applied.get(tag)) is not None
        and not excess(applied, rule.proven) <= rule.tolerance
    ]


def il_07_sensors(case: Case) -> list[Reason]:
    """IL-07: every critical input good, and no fresh connection trusted in its first cycle. HOLD."""
    reasons = [
        Reason("IL-07", Action.HOLD, tag, f"critical input: {_why(case, tag)}")
        for tag in case.rules.critical
        if _good(case, tag) is None
    ]
    if case.snapshot.reconnected:
        reasons.append(Reason("IL-07", Action.HOLD, "", "reconnected: one cycle of reading first"))
    return reasons


def il_08_heartbeat(case: Case) -> list[Reason]:
    """IL-08: the PLC's heartbeat frozen for so many cycles: SHED; not seen moving yet: HOLD."""
    snapshot, tag = case.snapshot, case.rules.handshake.heartbeat_in
    if snapshot.heartbeat_alive is True:
        return []
    if case.armed and snapshot.heartbeat_still >= case.rules.heartbeat_cycles:
        text = f"PLC heartbeat frozen for {snapshot.heartbeat_still} cycles"
        return [Reason("IL-08", Action.SHED, tag, text)]
    return [Reason("IL-08", Action.HOLD, tag, "PLC heartbeat not seen moving")]


def il_09_remote(case: Case) -> list[Reason]:
    """IL-09: in closed loop the PLC must say that it follows us. Known no: SHED; unknown: HOLD.

    Before that, it must be ready to: no hides a panel key in LOCAL or a PLC trip.
    """
    hands = case.rules.handshake
    if case.closed:
        tag, said, no = hands.remote_active, case.snapshot.remote_active, "PLC took the loop back"
    elif case.starting or case.state.mode is Mode.INIT:
        tag, said, no = hands.remote_ready, case.snapshot.remote_ready, "PLC is not in REMOTE"
    else:
        return []
    if said is True:
        return []
    if said is False:
        return [Reason("IL-09", Action.SHED, tag, no)]
    return [Reason("IL-09", Action.HOLD, tag, f"remote state unknown: {_why(case, tag)}")]


def il_10_phase(case: Case) -> list[Reason]:
    """IL-10: only in the recipe's phases that are meant for control. Other: SHED; unknown: HOLD."""
    phase = case.rules.phase
    if phase is None:
        return []
    number = _good(case, phase.tag)
    if number is None:
        return [Reason("IL-10", Action.HOLD, phase.tag, f"phase unknown: {_why(case, phase.tag)}")]
    if number not in phase.allowed:
        return [Reason("IL-10", Action.SHED, phase.tag, f"phase {number} is not one for control")]
    return []


def il_11_solver(case: Case) -> list[Reason]:
    """IL-11: only a plan that says 'solved', is feasible, fresh, finite and not too laboured. HOLD."""
    proposal = case.proposal
    if case.plan_status != "solved" or not isinstance(proposal, Proposal):
        return [Reason("IL-11", Action.HOLD, "", f"no plan: {_short(case.plan_status)}")]
    rules, problems = case.rules, []
    if proposal.status != "solved":
        problems.append(f"proposal status is {_short(proposal.status)}")
    if not (is_number(proposal.residual) and 0.0 <= proposal.residual <= rules.max_residual):
        problems.append(f"constraint residual is not within {rules.max_residual:.6g}")
    if not (is_count(proposal.iterations) and proposal.iterations <= rules.max_iterations):
        problems.append(f"iterations are not within {rules.max_iterations}")
    if not is_number(proposal.cost):
        problems.append("cost is not a finite number")
    if (
        not is_number(proposal.made_s)
        or not 0.0 <= case.now_s - proposal.made_s <= rules.max_plan_age_s
    ):
        problems.append(f"plan is not of the last {rules.max_plan_age_s:.6g} s")
    return [Reason("IL-11", Action.HOLD, "", problem) for problem in problems]


def il_19_allow_list(case: Case) -> list[Reason]:
    """IL-19: exactly the setpoints of this loop, each a finite number of float or int type. HOLD."""
    if not isinstance(case.proposal, Proposal):
        return []
    wanted = case.proposal.setpoints
    if not isinstance(wanted, Mapping):
        return [Reason("IL-19", Action.HOLD, "", "proposal carries no setpoints")]
    reasons = [
        Reason("IL-19", Action.HOLD, _short(tag), "is not a setpoint of this loop")
        for tag in wanted
        if tag not in case.rules.setpoints
    ]
    for tag in case.rules.setpoints:
        if tag not in wanted:
            reasons.append(Reason("IL-19", Action.HOLD, tag, "proposal lacks this setpoint"))
        elif not is_number(wanted[tag]):
            reasons.append(
                Reason("IL-19", Action.HOLD, tag, "proposed value is not a finite number")
            )
    return reasons


def il_01_equipment(case: Case) -> list[Reason]:
    """IL-01: a wish outside the equipment range is no wish to be cut down but a fault. HOLD."""
    wanted = case.proposal.setpoints if isinstance(case.proposal, Proposal) else {}
    if not isinstance(wanted, Mapping):
        return []
    return [
        Reason(
            "IL-01", Action.HOLD, tag, f"proposed {wanted[tag]:.6g} is outside the equipment range"
        )
        for tag, rule in case.rules.setpoints.items()
        if tag in wanted
        and is_number(wanted[tag])
        and excess(float(wanted[tag]), rule.equipment) > 0.0
    ]


def il_13_write_verify(case: Case) -> list[Reason]:
    """IL-13: the last command must have been written and read back alike. HOLD, one more try.

    A time-out is not repeated: a HOLD command asks for what the PLC already uses.
    """
    if not case.armed or case.state.outcome in ("none", "written"):
        return []
    text = f"last command {case.state.outcome}: {case.state.outcome_reason or 'not verified'}"
    return [Reason("IL-13", Action.HOLD, "", text)]


def il_18_foreign_writer(case: Case) -> list[Reason]:
    """IL-18: a setpoint in use that neither we nor the PLC's own limits explain. SHED: yield.

    The PLC may lawfully be anywhere between where it was and what we asked of it last (or the time
    before, if it is slow): then we adopt what it uses. Elsewhere, somebody else moved it.
    """
    if not case.closed:
        return []
    reasons = []
    for tag, rule in case.rules.setpoints.items():
        applied, commanded = case.snapshot.applied.get(tag), case.state.commanded.get(tag)
        if applied is None or commanded is None:
            continue
        before = case.state.commanded_before.get(tag, commanded)
        lawful = [commanded, before, case.state.applied_before.get(tag, commanded)]
        if excess(applied, (min(lawful), max(lawful))) > rule.tolerance:
            text = (
                f"setpoint in use {applied:.6g} was moved by someone else (ours: {commanded:.6g})"
            )
            reasons.append(Reason("IL-18", Action.SHED, tag, text))
        elif abs(applied - commanded) > rule.tolerance:
            text = f"PLC uses {applied:.6g} of {commanded:.6g}; counting from what it uses"
            reasons.append(Reason("IL-18", Action.CLAMP, tag, text))
    return reasons


Interlock = Callable[[Case], list[Reason]]

PLANT_INTERLOCKS: tuple[Interlock, ...] = (
    il_02_time,
    il_03_permissives,
    il_03_start,
    il_04_trips,
    il_07_sensors,
    il_08_heartbeat,
    il_09_remote,
    il_10_phase,
    il_13_write_verify,
    il_18_foreign_writer,
)
"""What the plant, the wire and the clock say; a handshake needs only these."""

PLAN_INTERLOCKS: tuple[Interlock, ...] = (il_11_solver, il_19_allow_list, il_01_equipment)
"""What is wrong with the plan itself."""


def is_number(value: Any) -> bool:
    """Say whether `value` is a float or int (no bool, no look-alike), finite, exact as a float."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) <= LARGEST_INTEGER


def is_count(value: Any) -> bool:
    """Say whether `value` is a whole number from zero."""
    return type(value) is int and 0 <= value <= LARGEST_INTEGER


def _good(case: Case, tag: str) -> Any:
    """Return the value of a tag if its sample is GOOD, else None."""
    sample = case.snapshot.samples.get(tag)
    return sample.value if sample is not None and sample.quality is Quality.GOOD else None


def _why(case: Case, tag: str) -> str:
    sample = case.snapshot.samples.get(tag)
    if sample is None:
        return "not in the snapshot"
    return _short(sample.reason) or sample.quality.name.lower()


def _short(text: Any) -> str:
    return text[:120] if isinstance(text, str) else f"({type(text).__name__})"
