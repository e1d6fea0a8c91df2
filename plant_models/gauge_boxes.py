"""The data boxes of the scanning gauge: one traverse as a row of coat weights across the web.

A box is one lane of the web. The head crosses several boxes in a step; each gets the weight that
lies there, the errors the whole step shares, and noise for the time spent in it. Boxes that were
not measured (bare web, a standing head) show 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from plant_models.web import LANES

Array = NDArray[np.float64]

FIRST, LAST = 1, LANES - 2  # the outermost lanes are the edge, which is not scanned
BOXES = LAST - FIRST + 1


class GaugeBoxes:
    """Collects a traverse while it is under way, and shows the last whole one."""

    def __init__(self, width_m: float, rng: np.random.Generator) -> None:
        """`rng` is this row's own: it takes nothing from the plant's other noises."""
        self._lane_m = width_m / LANES
        self._rng = rng
        self.scans = 0
        self.forward = True
        self.finished_s = 0.0
        self.boxes_kg_m2: Array = np.zeros(BOXES)
        self.drop()

    def drop(self) -> None:
        """Forget the traverse that is under way."""
        self._seconds = [0.0] * LANES
        self._sums = [0.0] * LANES

    def cross(
        self,
        from_m: float,
        to_m: float,
        dt_s: float,
        lanes_kg_m2: Array,
        shared_kg_m2: float,
        sigma_kg_m2: float,
    ) -> None:
        """Measure the lanes between two positions of the head, crossed in `dt_s`.

        `lanes_kg_m2` is what lies there; `shared_kg_m2` what all of this step's readings are wrong
        by together, its mean noise included; `sigma_kg_m2` the noise of a reading of one second.
        """
        low, high = min(from_m, to_m), max(from_m, to_m)
        if high <= low:
            return
        first = min(max(int(low / self._lane_m), 0), LANES - 1)
        last = min(max(int(math.nextafter(high / self._lane_m, 0.0)), 0), LANES - 1)
        crossed: list[tuple[int, float]] = []  # lanes, and the time spent in each
        for lane in range(first, last + 1):
            inside = min(high, (lane + 1) * self._lane_m) - max(low, lane * self._lane_m)
            seconds = max(inside, 0.0) / (high - low) * dt_s
            if seconds > 1e-9:
                crossed.append((lane, seconds))
        noise = self._rng.standard_normal(len(crossed)).tolist()
        own = [
            sigma_kg_m2 / math.sqrt(seconds) * normal
            for (_, seconds), normal in zip(crossed, noise, strict=True)
        ]
        mean = sum(one * seconds for one, (_, seconds) in zip(own, crossed, strict=True)) / dt_s
        for (lane, seconds), one in zip(crossed, own, strict=True):
            shown = float(lanes_kg_m2[lane]) + shared_kg_m2 + (one - mean)  # `shared` has the mean
            self._sums[lane] += shown * seconds
            self._seconds[lane] += seconds

    def finish(self, now_s: float, *, forward: bool, valid: bool) -> None:
        """End a traverse: a valid one is shown from now on, any other is forgotten."""
        if valid:
            scanned = slice(FIRST, LAST + 1)
            pairs = zip(self._sums[scanned], self._seconds[scanned], strict=True)
            self.boxes_kg_m2 = np.array(
                [max(total / seconds, 0.0) if seconds > 1e-6 else 0.0 for total, seconds in pairs]
            )
            self.scans += 1
            self.forward, self.finished_s = forward, now_s
        self.drop()
