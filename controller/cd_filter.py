"""Along and across the web out of one zigzag: a Kalman filter on the mean and the profile.

The head goes to and fro while the web runs, so each point is new in both directions. To take one
traverse as the profile and its mean as the coat weight mixes them up: what moved along the web
while the head crossed it turns up across. Here every point counts at its own time and place
(after Wells & Pertsov):

    y = m(t) + c_j(t) + e,   sum of c = 0

symbol  meaning                                                   unit
m       mean along the web, relative to the target                 1
c_j     profile across the web in box j, relative to the target    1
P       covariance of (m, c)                                       1
q, r    walk of m and of c in a second; noise of a point           1/s, 1

Both walk at random, the profile together with its neighbours and without ever gaining a mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LONGEST_S = 3600.0  # after an hour without a point nothing is known any more, and no less after two


@dataclass(frozen=True, slots=True)
class Walks:
    """What is believed before anything is measured (relative to the target, 1 sigma).

    `mean` and `profile` are walks [1/s^0.5], `noise` of one point, `reach` over how many boxes
    neighbours move together, `mean_start` and `profile_start` how far off they may be at first.
    A point further than `doubt` sigmas from its prediction is a gel or a bubble, and is left out.
    """

    mean: float
    profile: float
    noise: float
    reach: float
    mean_start: float
    profile_start: float
    doubt: float


@dataclass(frozen=True, slots=True)
class Point:
    """One measured point: when [s], in which box, and how far over the target (relative)."""

    time_s: float
    box: int
    value: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch: points believed, points left out, mean square of what surprised.

    `surprise` is 1 where the filter is right about itself, and NaN of nothing.
    """

    believed: int
    left_out: int
    surprise: float


class ProfileFilter:
    """Keeps mean and profile between scans; points come in order of time, as late as they like."""

    def __init__(self, boxes: int, walks: Walks) -> None:
        """Start knowing nothing but the spreads of `walks`."""
        self._walks = walks
        places = np.arange(boxes)
        near = np.exp(-np.abs(places[:, None] - places[None, :]) / walks.reach)
        free = np.eye(boxes) - 1.0 / boxes
        together = free @ near @ free
        self._start = _joined(walks.mean_start, walks.profile_start, together)
        self._walk = _joined(walks.mean, walks.profile, together)
        self._x: Vector = np.zeros(boxes + 1)
        self._P: Matrix = self._start.copy()
        self.time_s: float | None = None

    @property
    def mean(self) -> float:
        """Mean along the web at the last point, relative to the target."""
        return float(self._x[0])

    @property
    def mean_sigma(self) -> float:
        """How well the mean is known, 1 sigma."""
        return math.sqrt(max(0.0, float(self._P[0, 0])))

    @property
    def profile(self) -> Vector:
        """Profile by box, relative to the target; its sum is zero."""
        across: Vector = self._x[1:] - self._x[1:].mean()
        return across

    @property
    def profile_sigma(self) -> float:
        """How well the profile is known, root mean square over the boxes."""
        return math.sqrt(max(0.0, float(np.trace(self._P[1:, 1:])) / len(self._x[1:])))

    def take(self, points: Sequence[Point]) -> Taken:
        """Take points in; one that is no number, of no box, or older than the last is left out."""
        believed, squares = 0, 0.0
        for point in points:
            square = self._one(point)
            if square is not None:
                believed += 1
                squares += square
        surprise = squares / believed if believed else math.nan
        return Taken(believed, len(points) - believed, surprise)

    def _one(self, point: Point) -> float | None:
        """Take one point; return its squared surprise, or None when it is left out."""
        finite = math.isfinite(point.value) and math.isfinite(point.time_s)
        if not finite or not 0 <= point.box < len(self._x) - 1:
            return None
        if self.time_s is not None and point.time_s < self.time_s:
            return None
        self._wait(point.time_s)
        column: Vector = self._P[:, 0] + self._P[:, 1 + point.box]
        spread = float(column[0] + column[1 + point.box]) + self._walks.noise**2
        wrong = point.value - float(self._x[0] + self._x[1 + point.box])
        square = wrong * wrong / spread
        if square > self._walks.doubt**2:
            return None
        self._x += column * (wrong / spread)
        share = column / math.sqrt(spread)
        self._P -= np.outer(share, share)
        return square

    def _wait(self, to_s: float) -> None:
        if self.time_s is not None:
            self._P += min(to_s - self.time_s, LONGEST_S) * self._walk
        self.time_s = to_s


def _joined(mean: float, profile: float, together: Matrix) -> Matrix:
    """A covariance of (m, c): m by itself, c as neighbours that move together without a mean."""
    whole = np.zeros((len(together) + 1, len(together) + 1))
    whole[0, 0] = mean * mean
    whole[1:, 1:] = profile * profile * together
    return whole
