"""Does a signal swing by itself? Regular zero crossings of its autocorrelation tell.

A limit cycle keeps its period and its size; noise and random walks through a stable loop do not,
and their autocorrelation dies out. After Thornhill, Huang and Zhang (2003): with the mean and the
deviation of the intervals between zero crossings of the autocorrelation, r = mean / (3 sd) > 1
means regular. We also ask that the second peak of the autocorrelation is still high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROSSINGS = 6  # three periods
REGULAR = 1.0
STILL_HIGH = 0.5  # of the autocorrelation, two periods on
LAGS = 0.6  # of the record


@dataclass(frozen=True, slots=True)
class Swing:
    """A regular oscillation: its period in samples, its standard deviation, its regularity r."""

    period: float
    deviation: float
    regularity: float


def swing(series: Sequence[float], least_deviation: float) -> Swing | None:
    """Return the oscillation in equally spaced samples, or None.

    What deviates less than `least_deviation` (in the unit of the series) is no oscillation anybody
    would mind. A straight trend is taken out first.
    """
    y = np.asarray(series, dtype=float)
    if len(y) < 4 * CROSSINGS or not np.isfinite(y).all():
        return None
    y = y - np.polyval(np.polyfit(np.arange(len(y)), y, 1), np.arange(len(y)))
    deviation = float(y.std())
    if deviation < least_deviation:
        return None
    r = _autocorrelation(y)
    signs = np.flatnonzero(np.signbit(r[1:]) != np.signbit(r[:-1]))[:CROSSINGS]
    if len(signs) < CROSSINGS:
        return None
    intervals = np.diff(signs)
    spread = max(float(intervals.std()), 0.5)  # crossings are known to a sample only
    regularity = float(intervals.mean()) / (3.0 * spread)
    period = 2.0 * float(intervals.mean())
    later = r[round(1.5 * period) : round(2.5 * period) + 1]
    if regularity <= REGULAR or len(later) == 0 or float(later.max()) < STILL_HIGH:
        return None
    return Swing(period, deviation, regularity)


def _autocorrelation(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Autocorrelation over `LAGS` of the record, unbiased, 1 at lag zero."""
    n = len(y)
    full = np.correlate(y, y, mode="full")[n - 1 : n - 1 + int(LAGS * n)]
    scaled: NDArray[np.float64] = full / (n - np.arange(len(full)))
    scaled /= scaled[0]
    return scaled
