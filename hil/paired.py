"""Is ours better? Differences over the same plants, with their 95 % interval (Student's t).

Two controllers meet the same plants with the same noise, so the difference on each plant says more
than the difference of two means. Smaller figures are better throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hil.kpi import interval_95, mean, sigma

NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Paired:
    """Mean difference ours - theirs over `plants`, its 95 % half width (NaN below two plants)."""

    difference: float
    half: float
    plants: int

    @property
    def verdict(self) -> str:
        """'better', 'worse', or 'tie' where the interval holds zero or there is none."""
        if self.difference + self.half < 0.0:
            return "better"
        return "worse" if self.difference - self.half > 0.0 else "tie"


def paired(ours: Sequence[float], theirs: Sequence[float], share: float = 1.0) -> Paired:
    """Compare plant by plant: ours with `share` times theirs.

    A target of 30 % less is share 0.7: 'better' means it is met with 95 % confidence, 'worse' that
    it is missed, 'tie' that these plants cannot tell.
    """
    differences = [a - share * b for a, b in zip(ours, theirs, strict=True)]
    difference, half = interval_95(differences)
    if differences and not any(differences):
        half = 0.0  # identical on every plant: nothing to be uncertain about
    return Paired(difference, half, len(differences))


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Standard deviation over the plants and its 95 % half width (large-sample, normal values)."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    deviation = sigma(values) * math.sqrt(n / (n - 1))
    return deviation, NORMAL_95 * deviation / math.sqrt(2.0 * (n - 1))


def change_percent(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Our mean over theirs, less one [%]; NaN where theirs is zero."""
    base = mean(theirs)
    return 100.0 * (mean(ours) / base - 1.0) if base else math.nan
