"""What is watched beside the setpoints: guards, combinations, balances, the model's surprise.

Pure functions; what they remember lies in the gate's state. IL-06, IL-12, IL-15.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from safety.strict import LARGEST_INTEGER
from safety.watch_rules import BalanceRule, CrossRule, GuardRule, ModelRule, SumRule


class Guard(NamedTuple):
    """What is remembered of one guard: whether it holds, and cycles on the way to the other."""

    holds: bool = False
    cycles: int = 0


def guarded(rule: GuardRule, before: Guard, value: float | None) -> Guard:
    """Return the guard after one more reading; an unknown one is outside every range."""
    if before.holds:
        well = value is not None and rule.back[0] <= value <= rule.back[1]
        if not well:
            return Guard(holds=True)
        left = before.cycles + 1 >= rule.back_after
        return Guard() if left else Guard(holds=True, cycles=before.cycles + 1)
    well = value is not None and rule.trip[0] <= value <= rule.trip[1]
    if well:
        return Guard()
    trips = before.cycles + 1 >= rule.trip_after
    return Guard(holds=True) if trips else Guard(cycles=before.cycles + 1)


def misfit_after(rule: ModelRule, before: int, innovation: float | None) -> int:
    """Return the net count of surprised cycles; an unknown innovation is a surprise.

    A good cycle takes one off and does not reset: a model that is wrong every other cycle is
    wrong.
    """
    return _net(before, well=innovation is not None and 0.0 <= innovation <= rule.innovation)


def off_balance_after(
    rule: BalanceRule, before: int, value_of: Callable[[str], float | None]
) -> int:
    """Return the net count of cycles out of balance; a balance that is not known is out."""
    now = product(rule, value_of)
    return _net(before, well=now is not None and rule.span[0] <= now <= rule.span[1])


def _net(before: int, *, well: bool) -> int:
    """Count a bad cycle on, or a good one off."""
    return max(before - 1, 0) if well else min(before + 1, LARGEST_INTEGER)


def combined(rule: CrossRule | SumRule, value_of: Callable[[str], float | None]) -> float | None:
    """Return what a combination amounts to, or None where one of its values is not known."""
    return product(rule, value_of) if isinstance(rule, CrossRule) else weighted(rule, value_of)


def weighted(rule: SumRule, value_of: Callable[[str], float | None]) -> float | None:
    """Return the weighted sum of a combination, rounded once, or None where a term is not known."""
    terms: list[float] = []
    for tag, weight in rule.weights:
        value = value_of(tag)
        if value is None:
            return None
        terms += [math.copysign(1.0, weight) * value] * abs(weight)
    return math.fsum(terms)


def product(rule: CrossRule | BalanceRule, value_of: Callable[[str], float | None]) -> float | None:
    """Return the product of a combination, or None where a factor is not known."""
    result = rule.factor
    for tag, power in rule.powers:
        value = value_of(tag)
        if value is None or (value == 0.0 and power < 0):
            return None
        for _ in range(power):
            result *= value
        for _ in range(-power):
            result /= value
    return result
