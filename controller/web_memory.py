"""What was laid on the web, metre by metre: the delay to the gauge is a length, not a time.

symbol  meaning                                        unit
L       web length counter, metres that have passed    m
W       dry coat weight predicted at the die           kg/m2
"""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass

MEMORY_M = 120.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Web from `start_m` to `end_m` [m of the counter]: one coat weight (NaN: bare), one batch."""

    start_m: float
    end_m: float
    coat_kg_m2: float
    batch: int


class WebMemory:
    """The last metres of web and what the model laid on them."""

    def __init__(self) -> None:
        """Begin with bare web."""
        self._stretches: list[Stretch] = []  # in the order of the counter, without gaps

    @property
    def end_m(self) -> float | None:
        """Where the newest stretch ends, or None when nothing has been laid."""
        return self._stretches[-1].end_m if self._stretches else None

    def fill(self, end_m: float, coat_kg_m2: float, batch: int) -> None:
        """Forget all and take the web up to `end_m` as laid with one coat weight."""
        self._stretches.clear()
        self._stretches.append(Stretch(end_m - MEMORY_M, end_m, coat_kg_m2, batch))

    def lay(self, end_m: float, coat_kg_m2: float, batch: int) -> None:
        """Lay `coat_kg_m2` from where the web stood to `end_m` (ignored when it did not move)."""
        start_m = self.end_m
        if start_m is None or end_m <= start_m:
            return
        self._stretches.append(Stretch(start_m, end_m, coat_kg_m2, batch))
        gone = bisect.bisect_left(self._stretches, end_m - MEMORY_M, key=lambda s: s.end_m)
        del self._stretches[:gone]

    def first_coat(self) -> float | None:
        """What the oldest coated stretch was laid with; None while all web is bare."""
        coats = (s.coat_kg_m2 for s in self._stretches if not math.isnan(s.coat_kg_m2))
        return next(coats, None)

    def mean(self, from_m: float, to_m: float) -> float | None:
        """Mean coat weight between two counter readings; None where nothing is known of it."""
        total = known = 0.0
        first = bisect.bisect_right(self._stretches, from_m, key=lambda s: s.end_m)
        for stretch in itertools.islice(self._stretches, first, None):
            if stretch.start_m >= to_m:
                break
            metres = min(stretch.end_m, to_m) - max(stretch.start_m, from_m)
            if metres > 0.0 and not math.isnan(stretch.coat_kg_m2):
                known += metres
                total += metres * stretch.coat_kg_m2
        return total / known if known >= 0.5 * (to_m - from_m) and known > 0.0 else None

    def spread(self, from_m: float, to_m: float, about: float) -> tuple[float, float, float]:
        """Least, most and root mean square of ln(coat weight / `about`) between two readings.

        Zero where nothing is known; bare web does not count.
        """
        low = high = square = known = 0.0
        first = bisect.bisect_right(self._stretches, from_m, key=lambda s: s.end_m)
        for stretch in itertools.islice(self._stretches, first, None):
            if stretch.start_m >= to_m:
                break
            metres = min(stretch.end_m, to_m) - max(stretch.start_m, from_m)
            if metres > 0.0 and stretch.coat_kg_m2 > 0.0:  # false for bare web
                off = math.log(stretch.coat_kg_m2 / about)
                low, high = min(low, off), max(high, off)
                square += metres * off * off
                known += metres
        return low, high, math.sqrt(square / known) if known > 0.0 else 0.0

    def batch_at(self, at_m: float) -> int | None:
        """The batch that lies at a counter reading."""
        first = bisect.bisect_left(self._stretches, at_m, key=lambda s: s.end_m)
        if first < len(self._stretches) and self._stretches[first].start_m < at_m:
            return self._stretches[first].batch
        return None
