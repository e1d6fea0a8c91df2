"""The case of one cycle: everything the interlocks may look at, and how they look at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from safety.modes import ARMED, CLOSED, is_named
from safety.rules import LoopRules
from safety.signals import Snapshot
from safety.state import GateState
from safety.strict import LARGEST_INTEGER
from safety.watch import Guard, guarded, misfit_after, off_balance_after
from safety.wear import Wear, rested
from safety.words import Proposal, Quality, Request, RequestedMode

SOON = 0.75  # of a period: so soon after a command its move need not be over
_GOOD = Quality.GOOD


class Case(NamedTuple):
    """What the interlocks look at in one cycle; `state` is from the cycle before.

    `wear`, `guards`, `unbalanced`, `misfit`, `batch` and `trips` are what the state remembered,
    brought up to this cycle; `barred`: it has tripped too often in this batch. `armed`: we were
    writing in the cycle before; `closed`: the PLC was following our setpoints in it;
    `starting`: a person wants to close the loop and it is not closed. `wishes` are the setpoints
    the proposal carries, whatever is in them.
    """

    rules: LoopRules
    state: GateState
    snapshot: Snapshot
    plan_status: object
    proposal: object
    request: Request
    now_s: float
    wear: Mapping[str, Wear]
    guards: Mapping[str, Guard]
    unbalanced: Mapping[str, int]
    misfit: int
    batch: int | None
    trips: int
    barred: bool
    armed: bool
    closed: bool
    starting: bool
    wishes: Mapping[object, object]


def look(
    rules: LoopRules,
    state: GateState,
    snapshot: Snapshot,
    plan_status: object,
    proposal: object,
    request: Request,
    now_s: float,
) -> Case:
    """Return the case of this cycle."""
    last_s = now_s if state.now_s is None else state.now_s
    elapsed_s = max(0.0, now_s - last_s)
    worn = state.wear
    wear = {tag: rested(worn.get(tag, _NEW), r, elapsed_s) for tag, r in rules.setpoints.items()}
    past = state.guards
    guards = {
        tag: guarded(rule, past.get(tag, _CALM), number_of(snapshot, tag))
        for tag, rule in rules.watch.guards.items()
    }
    misfit = state.misfit
    if rules.watch.model is not None and isinstance(proposal, Proposal):
        innovation: object = proposal.innovation
        known = innovation if is_number(innovation) else None
        misfit = misfit_after(rules.watch.model, misfit, known)
    batch, trips = tripped_in_batch(rules, state, snapshot)
    mode = state.mode
    closed = mode in CLOSED
    off = state.unbalanced
    unbalanced = {
        rule.name: off_balance_after(
            rule, off.get(rule.name, 0), lambda tag: number_of(snapshot, tag)
        )
        for rule in (rules.watch.balances if closed else ())
    }
    return Case(
        rules=rules,
        state=state,
        snapshot=snapshot,
        plan_status=plan_status,
        proposal=proposal,
        request=request,
        now_s=now_s,
        wear=wear,
        guards=guards,
        unbalanced=unbalanced,
        misfit=misfit,
        batch=batch,
        trips=trips,
        barred=rules.trips is not None and trips > rules.trips.most,
        armed=mode in ARMED,
        closed=closed,
        starting=request.mode is RequestedMode.AUTO and not closed and is_named(request),
        wishes=setpoints_of(proposal),
    )


_NEW = Wear()
_CALM = Guard()


def tripped_in_batch(
    rules: LoopRules, state: GateState, snapshot: Snapshot
) -> tuple[int | None, int]:
    """Return the batch, and how often the loop has tripped in it.

    The count begins anew with a number that is surely another one; zero and below are none. The
    first that is ever read is the number of the batch in which anything so far has happened.
    """
    shown = number_of(snapshot, rules.trips.batch) if rules.trips is not None else None
    if shown is None or shown <= 0.0:
        return state.batch, state.trips
    batch = int(shown)
    return batch, state.trips if state.batch in (None, batch) else 0


def is_of_this_cycle(case: Case) -> bool:
    """Say whether the snapshot was taken in this cycle."""
    return 0.0 <= case.now_s - case.snapshot.now_s <= case.rules.period_s


def is_fresh(case: Case) -> bool:
    """Say whether the snapshot shows the PLC as it is: taken now, from an image that moves on."""
    return is_of_this_cycle(case) and case.snapshot.heartbeat_still == 0


def under_way(case: Case) -> list[str]:
    """Return the setpoints that the PLC has yet to move to where we asked for them just now.

    Only soon after a command: for a whole cycle's time a PLC may follow its own ramp and limits.
    """
    last_s, applied, ours = case.state.commanded_s, case.snapshot.applied, case.state.commanded
    if last_s is None or case.now_s - last_s >= SOON * case.rules.period_s:
        return []
    return [
        tag
        for tag, rule in case.rules.setpoints.items()
        if tag in applied and tag in ours and abs(applied[tag] - ours[tag]) > rule.tolerance
    ]


def number_of(snapshot: Snapshot, tag: str) -> float | None:
    """Return the number a tag reads if its sample is GOOD, else None."""
    sample = snapshot.samples.get(tag)
    if sample is None or sample.quality is not _GOOD:
        return None
    return float(sample.value) if is_number(sample.value) else None


def setpoints_of(proposal: object) -> Mapping[object, object]:
    """Return the setpoints of anything that may be a proposal."""
    setpoints: object = proposal.setpoints if isinstance(proposal, Proposal) else None
    return setpoints if isinstance(setpoints, Mapping) else {}


def is_number(value: object) -> TypeGuard[float]:
    """Say whether `value` is a float or int (no bool, no look-alike), finite, exact as a float."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) <= LARGEST_INTEGER


def is_count(value: object) -> bool:
    """Say whether `value` is a whole number from zero."""
    return type(value) is int and 0 <= value <= LARGEST_INTEGER


def good_value(case: Case, tag: str) -> float | int | bool | str | None:
    """Return the value of a tag if its sample is GOOD, else None."""
    sample = case.snapshot.samples.get(tag)
    return sample.value if sample is not None and sample.quality is _GOOD else None


def why(case: Case, tag: str) -> str:
    """Say in words why a tag cannot be used."""
    sample = case.snapshot.samples.get(tag)
    if sample is None:
        return "not in the snapshot"
    return short(sample.reason) or sample.quality.name.lower()


def short(text: object) -> str:
    """Return text as given, cut to a line; of anything else only its type, unread."""
    return text[:120] if isinstance(text, str) else f"({type(text).__name__})"
