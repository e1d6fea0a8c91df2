"""The mode machine: a person requests OFF, SHADOW or AUTO; what the loop really does is computed.

A pure function over small frozen values, so that every path through it can be walked by a test.
Its promises (SVC-02, GMP-08, IL-16): every start is OFF; no path leads to AUTO but through SHADOW
and INIT; SHED is left only by a new request of a person, TRIPPED only by a person's reset with the
cause gone; OFF takes effect in the same cycle.
"""

from __future__ import annotations

from typing import NamedTuple

from safety.words import Action, Mode, Request, RequestedMode

SHADOW_CYCLES = 2
"""Cycles of SHADOW with nothing to object before the loop may be closed."""

PATIENCE = 10
"""An AUTO request waits in SHADOW for `PATIENCE * hold_cycles` cycles, then it is spent."""

ARMED = (Mode.INIT, Mode.AUTO, Mode.HOLD)
"""The modes in which we write: the PLC has, or is about to have, its setpoints from us."""

CLOSED = (Mode.AUTO, Mode.HOLD)
"""The modes in which the PLC follows our setpoints."""


class ModeState(NamedTuple):
    """Where the mode machine stands.

    `evidence` counts good cycles of SHADOW (no more than needed), `waited` the cycles an AUTO
    request has been waiting or shaking hands, `held` the cycles of HOLD not yet worked off.
    `asked` is True once INIT has put the remote request on the wire. `spent` is the mark of the
    request that must not work any more; `tripped_by` the number of a reset that was given before
    the cause was gone, so that only a new one clears the trip.
    """

    mode: Mode = Mode.OFF
    evidence: int = 0
    waited: int = 0
    held: int = 0
    asked: bool = False
    spent: str = ""
    tripped_by: str = ""


class Facts(NamedTuple):
    """What the interlocks found this cycle, as far as the mode depends on it.

    `action` is the highest of all, `plant_action` that of everything but the plan: a handshake
    needs no plan. `remote_active` is True only when the PLC says so by a good sample. `barred`: it
    has tripped too often in this batch and stays OFF for the rest of it (IL-04).
    """

    action: Action
    plant_action: Action
    remote_active: bool
    hold_cycles: int
    barred: bool


def mark_of(request: Request) -> str:
    """Return what tells one act of a person from the next."""
    return f"{request.number}:{request.mode}"


def is_named(request: Request) -> bool:
    """Say whether a person stands behind the request."""
    return bool(request.who.strip())


def repair_of(request: Request) -> str:
    """Return the mark of a named person's reset, '' for any other request."""
    return f"{request.number}:{request.who}" if request.reset and is_named(request) else ""


def next_mode(now: ModeState, request: Request, facts: Facts) -> ModeState:
    """Return the mode of this cycle."""
    mark = mark_of(request)
    if now.spent and mark != now.spent:
        now = now._replace(spent="", waited=0)
    if now.mode is Mode.TRIPPED:
        return _tripped(now, request, facts, mark)
    if facts.action is Action.TRIP and now.mode in ARMED:
        standing = str(request.number) if request.reset else ""
        return ModeState(Mode.TRIPPED, spent=mark, tripped_by=standing)
    if facts.barred:
        return ModeState(spent=mark)  # OFF, and the next batch needs a new request
    if request.mode is RequestedMode.OFF or not is_named(request):
        return ModeState(spent=now.spent)  # as at every start: OFF
    if now.mode is Mode.SHED and now.spent == mark:
        return now
    if request.mode is RequestedMode.SHADOW:
        return _shadow(now, facts)
    if now.mode in (Mode.OFF, Mode.SHED, Mode.SHADOW):
        return _shadow(now, facts, "" if now.spent == mark else mark)
    if facts.plant_action >= Action.SHED:
        return ModeState(Mode.SHED, spent=mark)
    if now.mode is Mode.INIT:
        return _init(now, facts, mark)
    return _closed(now.held, facts, mark)


def _tripped(now: ModeState, request: Request, facts: Facts, mark: str) -> ModeState:
    """Stay latched until a named person resets anew with no cause left.

    A reset that comes before the repair is used up by it: nobody has looked at what it would clear.
    """
    if not request.reset:
        return now._replace(tripped_by="")
    if not is_named(request) or str(request.number) == now.tripped_by:
        return now
    if facts.plant_action is Action.TRIP:
        return now._replace(tripped_by=str(request.number))
    return ModeState(spent=mark)  # OFF


def _shadow(now: ModeState, facts: Facts, wanted: str = "") -> ModeState:
    """Collect evidence; with enough of it begin the handshake.

    `wanted` is the mark of a request for AUTO that is not spent, '' when there is none.
    """
    before = now if now.mode is Mode.SHADOW else ModeState(Mode.SHADOW, spent=now.spent)
    clean = facts.action < Action.HOLD
    if wanted and clean and before.evidence >= SHADOW_CYCLES:
        return ModeState(Mode.INIT)
    evidence = min(before.evidence + 1, SHADOW_CYCLES) if clean else 0
    if not wanted:
        return before._replace(evidence=evidence, waited=0)
    waited = before.waited + 1
    refused = facts.plant_action >= Action.SHED or waited > PATIENCE * facts.hold_cycles
    spent = wanted if refused else before.spent
    return before._replace(evidence=evidence, waited=waited, spent=spent)


def _init(now: ModeState, facts: Facts, mark: str) -> ModeState:
    """Wait for the PLC to take our setpoints, for a bounded number of cycles."""
    if now.asked and facts.remote_active and facts.plant_action < Action.HOLD:
        return _closed(0, facts, mark)
    if now.waited >= facts.hold_cycles:
        return ModeState(Mode.SHED, spent=mark)
    return now._replace(waited=now.waited + 1)


def _closed(held: int, facts: Facts, mark: str) -> ModeState:
    """In closed loop, after `held` cycles of HOLD: carry on, hold for a bounded time, or let go."""
    if facts.action >= Action.SHED:
        return ModeState(Mode.SHED, spent=mark)
    if facts.action < Action.HOLD:
        # Work the held cycles off one by one: a fault that comes and goes must not reset the timer.
        return ModeState(Mode.AUTO, held=max(0, held - 1))
    if held >= facts.hold_cycles:
        return ModeState(Mode.SHED, spent=mark)
    return ModeState(Mode.HOLD, held=held + 1)
