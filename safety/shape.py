"""The arithmetic of one setpoint: into the box, at the allowed speed, in whole grains.

Pure numbers in, numbers out; every branch is safe for any finite input, and nothing else gets in
(the gate refuses NaN, infinities and non-numbers before). Python's min and max are avoided where
a NaN could hide: they return whichever argument comes first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from safety.rules import SetpointRule

_GRAIN_SLACK = 1e-6
"""Whole grains are recognised to this share of a grain, so that shaping twice changes nothing."""


@dataclass(frozen=True, slots=True)
class Shaped:
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
    target = nearest(wanted, rule.operating)
    moved = towards(target, applied, step)
    inside = rule.operating[0] <= applied <= rule.operating[1]
    value = _whole_grains(applied, moved, rule.resolution) if inside else moved
    return Shaped(
        value=nearest(value, rule.equipment),
        boxed=target != wanted,
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
    if not excess(value, rule.operating) <= excess(applied, rule.operating):
        return False
    outside = excess(applied, rule.equipment) > 0.0
    return abs(value - applied) <= (step + rule.tolerance if outside else step)


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
    low, high = span
    if low <= value <= high:
        return 0.0
    return low - value if value < low else value - high


def towards(target: float, applied: float, step: float) -> float:
    """Return where a move from `applied` towards `target` by at most `step` ends.

    The sum is rounded one unit inwards: rounding to nearest may be half a unit too far, and a rate
    limit that is broken by half a unit is broken.
    """
    if target - applied > step:
        return math.nextafter(applied + step, applied)
    if applied - target > step:
        return math.nextafter(applied - step, applied)
    return target


def _whole_grains(applied: float, moved: float, resolution: float) -> float:
    """Cut a move down to whole grains, counted from where the PLC is: the result lies between.

    Rounding towards the value in use is rounding towards safe: both ends are in the box.
    """
    ratio = (moved - applied) / resolution
    grains = math.trunc(ratio + math.copysign(_GRAIN_SLACK, ratio))
    if grains == 0:
        return applied
    value = applied + grains * resolution
    beyond = value > moved if grains > 0 else value < moved
    return moved if beyond else value
