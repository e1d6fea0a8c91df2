"""Cutting wishes down: to the box (IL-01), the speed (IL-02), whole grains (IL-14), travel (IL-17).

What comes out is checked again by other arithmetic; a result that fails its check is a TRIP, for
then the gate itself is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from safety.case import Case, is_fresh, is_number, under_way
from safety.modes import CLOSED
from safety.shape import is_safe, nearest, shape, towards
from safety.wear import dwelling, travel_left
from safety.wire import inside
from safety.words import Action, Reason

NOTHING: Mapping[str, float] = MappingProxyType({})


def cut_down(case: Case) -> tuple[Mapping[str, float], list[Reason]]:
    """Return what may be written of the wishes, and why less than was wished.

    The reason that cut most, as a share of one cycle's move, comes first.
    """
    allowed: dict[str, float] = {}
    cuts: list[tuple[float, Reason]] = []
    moving_s, period_s, wishes = moving_time_s(case), case.rules.period_s, case.wishes
    in_use, commanded = case.snapshot.applied, case.state.commanded
    for tag, rule in case.rules.setpoints.items():
        wish, applied = wishes.get(tag), in_use.get(tag)
        if not is_number(wish) or not is_number(applied):
            return NOTHING, [Reason("IL-19", Action.HOLD, tag, "nothing to count a move from")]
        step, whole_step = rule.rate_per_s * moving_s, rule.rate_per_s * period_s
        wear = case.wear[tag]
        resting, left = dwelling(wear, rule, case.now_s), travel_left(wear, rule)
        free = 0.0 if resting else nearest(step, (0.0, left))
        # A slow PLC lags behind our last command: turning round from where it is must not make the
        # commands themselves jump by more than one cycle's move.
        steady = towards(float(wish), commanded.get(tag, float(wish)), whole_step)
        shaped = shape(rule, steady, applied, free)
        if not is_safe(rule, shaped.value, applied, free):
            text = f"the gate's own result {shaped.value!r} does not pass its check"
            return NOTHING, [Reason("IL-04", Action.TRIP, tag, text)]
        allowed[tag] = shaped.value
        share = abs(wish - shaped.value) / whole_step
        if shaped.boxed:
            low, high = rule.operating
            text = f"wanted {wish:.6g}, operating range {low:.6g} to {high:.6g}"
            cuts.append((share, Reason("IL-01", Action.CLAMP, tag, text)))
        if shaped.slowed and resting:
            text = f"moved less than {rule.dwell_s:.6g} s ago"
            cuts.append((share, Reason("IL-14", Action.CLAMP, tag, text)))
        elif shaped.slowed and free < step:
            text = f"moved {rule.travel:.6g} in an hour soon, {left:.6g} left"
            cuts.append((share, Reason("IL-17", Action.CLAMP, tag, text)))
        elif shaped.slowed or steady != wish:
            text = f"wanted {wish:.6g} from {applied:.6g}, at most {step:.6g} now"
            cuts.append((share, Reason("IL-02", Action.CLAMP, tag, text)))
        if shaped.too_small:
            text = "move smaller than the resolution"
            cuts.append((share, Reason("IL-14", Action.ALLOW, tag, text)))
    cuts.sort(key=lambda cut: -cut[0])
    return MappingProxyType(allowed), [reason for _, reason in cuts]


def moving_time_s(case: Case) -> float:
    """Return for how long we may move: since the last command, at most one period (IL-02)."""
    last_s = case.state.commanded_s
    if last_s is None:
        # Nothing commanded: what SHADOW shows is one period's move. INIT commands before AUTO does.
        return 0.0 if case.state.mode in CLOSED else case.rules.period_s
    return nearest(case.now_s - last_s, (0.0, case.rules.period_s))


def in_use(case: Case) -> Mapping[str, float]:
    """Return the setpoints the PLC uses if all are known, else nothing.

    What a snapshot of another cycle says, or an image that stands, is not known to be in use:
    meanwhile the PLC may have taken its loop back and moved on. Nor is what is still under way. A
    setpoint that lies outside the equipment range (by no more than its tolerance, or the loop had
    tripped) is put right: no command leaves the box.
    """
    applied = case.snapshot.applied
    if not is_fresh(case) or under_way(case):
        return NOTHING
    if any(tag not in applied for tag in case.rules.setpoints):
        return NOTHING
    return MappingProxyType(
        {
            tag: inside(nearest(applied[tag], rule.equipment), rule.equipment, rule.grid)
            for tag, rule in case.rules.setpoints.items()
        }
    )


def lawful_after(case: Case, commanded: Mapping[str, float]) -> Mapping[str, tuple[float, float]]:
    """Return where the active setpoints may be found after this command.

    Between what the PLC uses, what we command now and what we commanded last, which it may still
    be following. While the fate of commands is unknown, all of them stay lawful.
    """
    lawful, state, in_use = {}, case.state, case.snapshot.applied
    for tag, value in commanded.items():
        ends = [value, state.commanded.get(tag, value), in_use[tag]]
        if state.outcome != "written":
            ends += state.lawful.get(tag, ())
        lawful[tag] = (min(ends), max(ends))
    return MappingProxyType(lawful)
