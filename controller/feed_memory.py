"""What is on its way through the feed hose: transport by pumped volume, then a mixed pocket.

The Coriolis meter sits at the inlet, so a change of solids is known a hose volume before it
reaches the die. That also lets the readings be averaged to both sides of the mass at the die
without lag.

symbol  meaning                                              unit
V       volume pumped since the start                        m3
q       plug volume of the hose                              m3
m       stirred volume behind it (filter, manifold)          m3
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedSample:
    """Mass entering the hose: solids [1] and temperature [K] as believed, and its batch."""

    solids: float
    temp_k: float
    batch: int


@dataclass(frozen=True, slots=True)
class _Entered:
    at_m3: float
    sample: FeedSample


class FeedMemory:
    """The contents of the hose as the meter saw them enter."""

    def __init__(self, plug_m3: float, mixed_m3: float, span_m3: float) -> None:
        """`span_m3` is the volume over which readings are averaged, half to either side."""
        self._plug_m3 = plug_m3
        self._mixed_m3 = mixed_m3
        self._half_m3 = 0.5 * span_m3
        self._pumped_m3 = 0.0
        self._entered: list[_Entered] = []  # in the order of volume
        self._pocket: FeedSample | None = None

    def fill(self, sample: FeedSample) -> None:
        """Take the whole hose as filled with `sample`."""
        self._entered.clear()
        self._entered.append(_Entered(self._pumped_m3, sample))
        self._pocket = sample

    def pump(self, volume_m3: float, sample: FeedSample) -> None:
        """Push `volume_m3` of `sample` in; the pocket takes what leaves the plug."""
        self._pocket = self._mixed(self._pocket, volume_m3)
        self._pumped_m3 += volume_m3
        self._entered.append(_Entered(self._pumped_m3, sample))
        gone_m3 = self._pumped_m3 - self._plug_m3 - self._half_m3
        gone = bisect.bisect_left(self._entered, gone_m3, key=lambda e: e.at_m3) - 1
        del self._entered[: max(gone, 0)]

    def at_die(self) -> FeedSample | None:
        """The mass at the die now; None before `fill`."""
        return self._pocket

    def ahead(self, volume_m3: float, steps: int) -> list[FeedSample]:
        """The mass at the die now and after each of `steps` times `volume_m3` more."""
        pocket = self._pocket
        if pocket is None:
            return []
        course = [pocket]
        for step in range(steps):
            pocket = self._mixed(pocket, volume_m3, step * volume_m3) or pocket
            course.append(pocket)
        return course

    def _mixed(
        self, pocket: FeedSample | None, volume_m3: float, ahead_m3: float = 0.0
    ) -> FeedSample | None:
        """The pocket after `volume_m3` more, when `ahead_m3` more had been pumped already."""
        if pocket is None:
            return None
        leaving = self._leaving(self._pumped_m3 + ahead_m3 + 0.5 * volume_m3 - self._plug_m3)
        share = 1.0 - math.exp(-max(volume_m3, 0.0) / self._mixed_m3)
        return FeedSample(
            pocket.solids + share * (leaving.solids - pocket.solids),
            pocket.temp_k + share * (leaving.temp_k - pocket.temp_k),
            leaving.batch,
        )

    def _leaving(self, at_m3: float) -> FeedSample:
        """What entered around volume `at_m3`: averaged to both sides, never across batches."""
        newest = self._entered[-1]
        at_m3 = min(at_m3, newest.at_m3)  # beyond what has entered: the mean of the newest
        entered = self._entered
        here = bisect.bisect_left(entered, at_m3, key=lambda e: e.at_m3)
        middle = entered[min(here, len(entered) - 1)].sample
        first = bisect.bisect_left(entered, at_m3 - self._half_m3, hi=here, key=lambda e: e.at_m3)
        last = bisect.bisect_right(entered, at_m3 + self._half_m3, lo=here, key=lambda e: e.at_m3)
        near = [e.sample for e in entered[first:last] if e.sample.batch == middle.batch] or [middle]
        return FeedSample(
            sum(s.solids for s in near) / len(near),
            sum(s.temp_k for s in near) / len(near),
            middle.batch,
        )
