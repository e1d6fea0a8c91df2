"""Figures of merit of one run, from what really was: pure functions over plain series.

symbol   meaning                                            unit
t        times of the samples, rising                       s
e        (true value - target) / target                     1
band     half width of the release band                     1
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

Window = tuple[float, float]

STUDENT_95 = (
    (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365),
    (8, 2.306), (9, 2.262), (10, 2.228), (12, 2.179), (15, 2.131), (20, 2.086), (30, 2.042),
)  # fmt: skip
"""Two-sided 95 % points of Student's t by degrees of freedom (Student 1908, any table)."""


def relative_errors(values: Sequence[float], target: float) -> list[float]:
    """Return e for each value."""
    return [(value - target) / target for value in values]


def inside(t: Sequence[float], windows: Sequence[Window]) -> list[int]:
    """Return the indices of samples in any of the half-open windows [from, to)."""
    return [i for i, at in enumerate(t) if any(start <= at < end for start, end in windows)]


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; NaN of nothing."""
    return math.fsum(values) / len(values) if values else math.nan


def sigma(values: Sequence[float]) -> float:
    """Return the standard deviation about the mean; NaN of nothing."""
    middle = mean(values)
    return math.sqrt(mean([(value - middle) ** 2 for value in values]))


def smoothed(t: Sequence[float], e: Sequence[float], span_s: float) -> list[float]:
    """Return the running mean of e over the last `span_s`: what is left of noise and pulsation."""
    means: list[float] = []
    total, first = 0.0, 0
    for at, error in zip(t, e, strict=True):
        total += error
        while t[first] <= at - span_s:
            total -= e[first]
            first += 1
        means.append(total / (len(means) + 1 - first))
    return means


def off_spec(amounts: Sequence[float], e: Sequence[float], band: float) -> float:
    """Return how much was outside the band: `amounts` is what each sample stands for (m, s)."""
    pairs = zip(amounts, e, strict=True)
    return math.fsum(amount for amount, error in pairs if not abs(error) <= band)


def steps(counter: Sequence[float]) -> list[float]:
    """Return what each sample stands for, from a rising counter such as web length or time."""
    return [0.0, *(b - a for a, b in itertools.pairwise(counter))]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What an event did: the furthest |e| after it, and when it was over.

    `after_s` counts from the event until e is inside the band and stays there for the dwell; it is
    0 when e never left the band, None when it was not back before the window ended.
    """

    peak: float
    after_s: float | None


def recovery(
    t: Sequence[float], e: Sequence[float], band: float, window: Window, dwell_s: float
) -> Recovery:
    """Return the recovery from an event at the start of `window`."""
    rows = [(t[i], abs(e[i])) for i in inside(t, [window])]
    if not rows:
        return Recovery(math.nan, None)
    peak = max(error for _, error in rows)
    first_out = min((at for at, error in rows if not error <= band), default=None)
    if first_out is None:
        return Recovery(peak, 0.0)
    back_since = first_out
    for at, error in rows:
        if not error <= band:
            if at - back_since > dwell_s:
                break  # it had been back long enough before it left again
            back_since = at
    end = rows[-1][0]
    return Recovery(peak, back_since - window[0] if end - back_since >= dwell_s else None)


def chunks(values: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return whole pieces of `size`; what is left over at the end is dropped."""
    return [values[i : i + size] for i in range(0, len(values) - size + 1, size)]


def travel(values: Sequence[float]) -> float:
    """Return the sum of all moves."""
    return math.fsum(abs(b - a) for a, b in itertools.pairwise(values))


def interval_95(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and half width of its 95 % confidence interval over independent runs."""
    n = len(values)
    if n < 2:
        return mean(values), math.nan
    spread = sigma(values) * math.sqrt(n / (n - 1))
    freedom = n - 1
    factor = next((point for most, point in reversed(STUDENT_95) if most <= freedom))
    return mean(values), factor * spread / math.sqrt(n)
