"""The interlocks that look at the plant, the wire and the clock: each a few lines to audit.

Each takes the case and returns its reasons; none knows of the others, and their order does not
matter, because actions combine by maximum. A rule that cannot see what it needs objects: absent,
bad, stale and unknown all mean 'condition not satisfied'.

When they clear: every HOLD with its condition (the hold timer bounds it), every SHED by a person's
new request, every TRIP by a person's reset with the cause gone.
"""

from __future__ import annotations

from collections.abc import Callable

from safety.case import Case, good_value, is_of_this_cycle, short, under_way, why
from safety.shape import excess
from safety.vote import Voted
from safety.wear import worn_out
from safety.words import Action, Mode, Reason


def il_02_time(case: Case) -> list[Reason]:
    """IL-02: time that ran backwards makes every rate meaningless, until it caught up. HOLD.

    So does a cycle that follows the last one too soon, where the PLC is still on its way: between
    reading and writing it moves on, and nobody knows from where the next move would count.
    """
    last_s = case.state.now_s
    if last_s is not None and case.now_s < last_s:
        return [Reason("IL-02", Action.HOLD, "", "engine time ran backwards")]
    if not case.closed:
        return []
    text = "the PLC is still on its way to the last setpoint"
    return [Reason("IL-02", Action.HOLD, tag, text) for tag in under_way(case)]


def il_03_permissives(case: Case) -> list[Reason]:
    """IL-03: every permissive true and fresh. Known false: SHED; unknown: HOLD."""
    reasons = []
    for tag in case.rules.permissives:
        known = good_value(case, tag)
        if known is None:
            reasons.append(
                Reason("IL-03", Action.HOLD, tag, f"permissive unknown: {why(case, tag)}")
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
    reasons, in_use = [], case.snapshot.applied
    for tag, rule in case.rules.setpoints.items():
        applied = in_use.get(tag)
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
    reasons = []
    for tag, rule in case.rules.setpoints.items():
        applied = case.snapshot.applied.get(tag)
        if applied is not None and not excess(applied, rule.proven) <= rule.tolerance:
            text = f"setpoint in use {applied:.6g} is outside the proven range"
            reasons.append(Reason("IL-03", Action.SHED, tag, text))
    return reasons


def il_05_votes(case: Case) -> list[Reason]:
    """IL-05: redundant instruments must agree. Contradiction or one left: SHED; none: HOLD."""
    reasons = []
    for tag, rule in case.rules.watch.votes.items():
        voted = case.snapshot.votes.get(tag, _NO_VOTE)
        if voted.value is None and voted.voters == 0:
            reasons.append(Reason("IL-05", Action.HOLD, tag, "no instrument of the vote is good"))
        elif voted.value is None:
            text = f"{voted.voters} of {len(rule.members)} instruments good, no two that agree"
            reasons.append(Reason("IL-05", Action.SHED, tag, text))
        elif voted.voters < len(rule.members):
            text = f"{voted.voters} of {len(rule.members)} instruments take part in the vote"
            reasons.append(Reason("IL-05", Action.ALLOW, tag, text))
    return reasons


def il_07_sensors(case: Case) -> list[Reason]:
    """IL-07: every critical input good, the snapshot fresh, a new connection not trusted yet. HOLD.

    Uncertain is not good. The first cycle after a reconnection only reads.
    """
    reasons = [
        Reason("IL-07", Action.HOLD, tag, f"critical input: {why(case, tag)}")
        for tag in case.rules.critical
        if good_value(case, tag) is None
    ]
    if case.snapshot.reconnected:
        reasons.append(Reason("IL-07", Action.HOLD, "", "reconnected: one cycle of reading first"))
    if not is_of_this_cycle(case):
        reasons.append(Reason("IL-07", Action.HOLD, "", "snapshot is not of this cycle"))
    return reasons


def il_07_calibration(case: Case) -> list[Reason]:
    """IL-07: what the request for AUTO rested on must still stand: calibrations (GMP-15). HOLD."""
    lapsed = case.request.lapsed
    return [Reason("IL-07", Action.HOLD, "", short(lapsed))] if lapsed else []


def il_08_heartbeat(case: Case) -> list[Reason]:
    """IL-08: the PLC's heartbeat frozen for so many cycles: SHED; not seen moving: HOLD.

    One that stands is not dead yet, but what the PLC shows with it may be as old as it is.
    """
    snapshot = case.snapshot
    tag = case.rules.handshake.heartbeat_in
    if snapshot.heartbeat_alive is True:
        if snapshot.heartbeat_still == 0:
            return []
        return [Reason("IL-08", Action.HOLD, tag, "PLC heartbeat stands: what it shows may be old")]
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
    return [Reason("IL-09", Action.HOLD, tag, f"remote state unknown: {why(case, tag)}")]


def il_10_phase(case: Case) -> list[Reason]:
    """IL-10: only in the recipe's phases that are meant for control. Other: SHED; unknown: HOLD."""
    phase = case.rules.phase
    if phase is None:
        return []
    number = good_value(case, phase.tag)
    if number is None:
        return [Reason("IL-10", Action.HOLD, phase.tag, f"phase unknown: {why(case, phase.tag)}")]
    if number not in phase.allowed:
        return [Reason("IL-10", Action.SHED, phase.tag, f"phase {number} is not one for control")]
    return []


def il_12_balances(case: Case) -> list[Reason]:
    """IL-12: readings that belong together are apart for too long: the plant is another. SHED.

    It counts while the loop is closed: before that nobody has said that the line should run.
    """
    if not case.closed:
        return []
    reasons = []
    for rule in case.rules.watch.balances:
        count = case.unbalanced[rule.name]
        if count >= rule.cycles:
            text = f"{rule.name} outside {rule.span[0]:.6g} to {rule.span[1]:.6g}, or not known, "
            reasons.append(Reason("IL-12", Action.SHED, "", text + f"for {count} cycles"))
    return reasons


def il_13_write_verify(case: Case) -> list[Reason]:
    """IL-13: the last command must have been written and read back alike. HOLD, one more try.

    A time-out is not repeated: a HOLD command asks for what the PLC already uses.
    """
    if not case.armed or case.state.outcome == "written":
        return []
    text = f"last command {case.state.outcome}: {case.state.outcome_reason or 'not verified'}"
    return [Reason("IL-13", Action.HOLD, "", text)]


def il_14_reversals(case: Case) -> list[Reason]:
    """IL-14: a setpoint that turns round too often in an hour: the loop oscillates. HOLD."""
    wear = case.wear
    return [
        Reason("IL-14", Action.HOLD, tag, f"more than {rule.reversals} reversals an hour")
        for tag, rule in case.rules.setpoints.items()
        if worn_out(wear[tag], rule)
    ]


def il_15_guards(case: Case) -> list[Reason]:
    """IL-15: a guarded reading left its trip range and is not back in its return range. HOLD."""
    reasons = []
    for tag, rule in case.rules.watch.guards.items():
        if case.guards[tag].holds:
            text = f"was outside {rule.trip[0]:.6g} to {rule.trip[1]:.6g}, not yet back within "
            text += f"{rule.back[0]:.6g} to {rule.back[1]:.6g}"
            reasons.append(Reason("IL-15", Action.HOLD, tag, text))
    return reasons


def il_18_foreign_writer(case: Case) -> list[Reason]:
    """IL-18: a setpoint in use that neither we nor the PLC's own limits explain. SHED: yield.

    The PLC may lawfully be anywhere between where it was and what we asked of it (the state's
    `lawful`): then we adopt what it uses. Elsewhere, somebody else moved it: we do not fight.
    """
    if not case.closed:
        return []
    reasons, in_use = [], case.snapshot.applied
    commanded, all_lawful = case.state.commanded, case.state.lawful
    for tag, rule in case.rules.setpoints.items():
        applied, ours, lawful = in_use.get(tag), commanded.get(tag), all_lawful.get(tag)
        if applied is None or ours is None or lawful is None:
            continue
        if not excess(applied, lawful) <= rule.tolerance:
            text = f"setpoint in use {applied:.6g} was moved by someone else (ours: {ours:.6g})"
            reasons.append(Reason("IL-18", Action.SHED, tag, text))
        elif abs(applied - ours) > rule.tolerance:
            text = f"PLC uses {applied:.6g} of {ours:.6g}; counting from what it uses"
            reasons.append(Reason("IL-18", Action.CLAMP, tag, text))
    return reasons


_NO_VOTE = Voted(None, 0)

PLANT_INTERLOCKS: tuple[Callable[[Case], list[Reason]], ...] = (
    il_02_time,
    il_03_permissives,
    il_03_start,
    il_04_trips,
    il_05_votes,
    il_07_sensors,
    il_07_calibration,
    il_08_heartbeat,
    il_09_remote,
    il_10_phase,
    il_12_balances,
    il_13_write_verify,
    il_14_reversals,
    il_15_guards,
    il_18_foreign_writer,
)
