"""The arithmetic of one setpoint: into the box, at the allowed speed, in grains the wire can hold.

Pure numbers in, numbers out; every branch is safe for any finite input, and nothing else gets in
(the gate refuses NaN, infinities and non-numbers before). Python's min and max are avoided where
a NaN could hide: they return whichever argument comes first.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from safety.setpoint_rules import SetpointRule
from safety.wire import between, quantised, settled, spacing

_GRAIN_SLACK = 1e-6
"""Whole grains are recognised to this share of a grain and to what the wire can hold, so that
shaping twice changes nothing."""


class Shaped(NamedTuple):
    """A setpoint as it may go out, and by what it was cut (each True at most once)."""

    value: float
    boxed: bool
    slowed: bool
    too_small: bool


def shape(rule: SetpointRule, wanted: float, applied: float, step: float) -> Shaped:
    """Return what becomes of `wanted` when the PLC now uses `applied` and may move by `step`.

    The result is never outside the operating range, except on the way back into it: then it lies
    between `applied` and the range (never a step, never further away). It differs from `applied`
    by at most `step`, exactly, in real numbers.
    """
    boxed = nearest(wanted, rule.operating)
    target = boxed if boxed == applied else settled(boxed, rule.operating, rule.grid)
    moved = towards(target, applied, step)
    within = rule.operating[0] <= applied <= rule.operating[1]
    value = _whole_grains(applied, moved, rule) if within else moved
    value = quantised(value, applied, rule.grid)
    if nearest(value, rule.equipment) != value:  # `applied` was outside, within its tolerance
        value = settled(nearest(value, rule.equipment), rule.equipment, rule.grid)
    return Shaped(
        value=value,
        boxed=boxed != wanted,
        slowed=moved != target,
        too_small=value == applied != moved,
    )


def is_safe(rule: SetpointRule, value: float, applied: float, step: float) -> bool:
    """Check a finished setpoint once more, by other arithmetic than the one that made it.

    Axiom 2: inside the equipment range, not further outside the operating range than the PLC is
    already, and no faster than allowed. The one exception to the last: an `applied` outside the
    equipment range by a rounding error (the gate trips beyond its tolerance) is corrected at once.
    """
    low, high = rule.equipment
    if not (math.isfinite(value) and low <= value <= high):
        return False
    low, high = rule.operating
    if (value > high and value > applied) or (value < low and value < applied):
        return False
    low, high = rule.equipment
    room = step if low <= applied <= high else step + rule.tolerance
    # `math.fsum` rounds once: these are the signs of the exact sums.
    up, down = math.fsum((applied, room, -value)), math.fsum((-applied, room, value))
    return up >= 0.0 and down >= 0.0


def nearest(value: float, span: tuple[float, float]) -> float:
    """Return the value of `span` that is nearest to `value` (both finite)."""
    low, high = span
    if value < low:
        return low
    if value > high:
        return high
    return value


def excess(value: float, span: tuple[float, float]) -> float:
    """Return how far `value` lies outside `span`; zero inside, NaN for NaN."""
    # A NaN comes first here, and what comes first is what max returns when nothing is above it.
    return max(span[0] - value, value - span[1], 0.0)


def towards(target: float, applied: float, step: float) -> float:
    """Return where a move from `applied` towards `target` by at most `step` ends.

    The step is kept in real numbers, not in rounded ones: a rate limit that is broken by half a
    unit in the last place is broken.
    """
    return nearest(target, (-at_most(-applied, step), at_most(applied, step)))


def at_most(a: float, b: float) -> float:
    """Return the largest number that is not above a + b in real numbers.

    `math.fsum` rounds once, so the sign of what it finds is the sign of the exact rest.
    """
    total = a + b
    rounded_up = math.fsum((a, b, -total)) < 0.0
    return math.nextafter(total, -math.inf) if rounded_up else total


def _whole_grains(applied: float, moved: float, rule: SetpointRule) -> float:
    """Cut a move down to whole grains, counted from where the PLC is: the result lies between.

    Rounding towards the value in use is rounding towards safe: both ends are in the box.
    """
    ratio = (moved - applied) / rule.resolution
    slack = _GRAIN_SLACK + spacing(moved, rule.grid) / rule.resolution
    grains = math.trunc(ratio + math.copysign(slack, ratio))
    value = applied + grains * rule.resolution
    return value if between(applied, value, moved) else moved
