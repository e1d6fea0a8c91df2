"""How much a setpoint has been worked: travel and reversals of the last hour (IL-14, IL-17).

Both are leaking buckets: half of what an hour allows fits in, and half of it leaks out in an hour.
So in any hour at most the whole can have been poured in, wherever the hour begins, and one number
is all that has to be remembered. Pure functions over small frozen values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from safety.setpoint_rules import SetpointRule

_HOUR_S = 3600.0
_FURTHER: Mapping[int, Callable[[float, float], float]] = {1: max, -1: min}


class Wear(NamedTuple):
    """What is remembered of the moves of one setpoint.

    `travel` [SI] and `reversals` are the levels of the buckets, `heading` the sign of the present
    swing (0: none yet), `turn` the furthest point of it [SI], `moved_s` when it was last moved
    [engine s], None since a restart.
    """

    travel: float = 0.0
    reversals: float = 0.0
    heading: int = 0
    turn: float = 0.0
    moved_s: float | None = None


def rested(wear: Wear, rule: SetpointRule, elapsed_s: float) -> Wear:
    """Return the wear after `elapsed_s` (from zero) without a move."""
    hours = elapsed_s / _HOUR_S
    return Wear(
        leaked(wear.travel, 0.5 * rule.travel * hours),
        leaked(wear.reversals, 0.5 * rule.reversals * hours),
        wear.heading,
        wear.turn,
        wear.moved_s,
    )


def leaked(level: float, amount: float) -> float:
    """Return what is left of a level, never below zero."""
    return max(0.0, level - amount)


def travel_left(wear: Wear, rule: SetpointRule) -> float:
    """Return how far the setpoint may still be moved now [SI], from zero."""
    return leaked(0.5 * rule.travel, wear.travel)


def dwelling(wear: Wear, rule: SetpointRule, now_s: float) -> bool:
    """Say whether the last move is too recent for another one."""
    return wear.moved_s is not None and now_s - wear.moved_s < rule.dwell_s


def worn_out(wear: Wear, rule: SetpointRule) -> bool:
    """Say whether the setpoint has turned round too often."""
    return wear.reversals > 0.5 * rule.reversals


def moved(wear: Wear, rule: SetpointRule, applied: float, value: float, now_s: float) -> Wear:
    """Return the wear after a command that moves the setpoint from `applied` to `value`."""
    if value == applied:
        return wear
    travel = wear.travel + abs(value - applied)
    if wear.heading == 0:
        heading = int(math.copysign(1.0, value - applied))
        return Wear(travel, wear.reversals, heading, value, now_s)
    furthest = _FURTHER[wear.heading](wear.turn, value)
    if abs(furthest - value) > rule.swing:
        return Wear(travel, wear.reversals + 1.0, -wear.heading, value, now_s)
    return Wear(travel, wear.reversals, wear.heading, furthest, now_s)
