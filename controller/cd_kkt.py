"""Whether an answer of the profile's quadratic programme really is its optimum.

Nothing here comes from a solver: plain arithmetic on the problem as it was asked, so a solver that
says 'solved' and is wrong is found out. The problem, for bolts u:

    least  u'H u/2 + f'u   with  low <= u <= high,  |D2 u| <= bend,  |D1 u| <= slope,  1'u = total

symbol   meaning                                                     unit (bolts in um)
D2, D1   second and first difference from bolt to bolt                um
w, y, z  multipliers of box, bending and slope: >= 0 presses down     cost/um
m        multiplier of the total                                      cost/um
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CdProblem:
    """One quadratic programme: bounds per bolt, per second and per first difference [um]."""

    H: Matrix
    f: Vector
    low: Vector
    high: Vector
    bend: Vector
    slope: Vector | None
    total: float


@dataclass(frozen=True, slots=True)
class Multipliers:
    """What a solver says each limit costs: upper minus lower side."""

    box: Vector
    bend: Vector
    slope: Vector | None
    total: float


def bending(u: Vector) -> Vector:
    """Second differences u_(i-1) - 2 u_i + u_(i+1), one less at either end."""
    differences: Vector = u[:-2] - 2.0 * u[1:-1] + u[2:]
    return differences


def breach_um(p: CdProblem, u: Vector) -> float:
    """How far u lies outside any limit; infinite for anything that is no number."""
    outside = [
        float((p.low - u).max()),
        float((u - p.high).max()),
        float((np.abs(bending(u)) - p.bend).max()),
        abs(float(u.sum()) - p.total) / len(u),
    ]
    if p.slope is not None:
        outside.append(float((np.abs(np.diff(u)) - p.slope).max()))
    worst = max(0.0, *outside)
    return worst if all(math.isfinite(part) for part in outside) else math.inf


@dataclass(frozen=True, slots=True)
class Certificate:
    """How good an answer is.

    `outside_um` is how far it lies outside any limit; `residual` the worse of two relative
    numbers: stationarity, and the duality gap, which bounds how much better any other point could
    be. Both are infinite for anything that is no number. `cost` is the value of the programme.
    """

    outside_um: float
    residual: float
    cost: float


def certify(p: CdProblem, u: Vector, given: Multipliers) -> Certificate:
    """Check feasibility and the Karush-Kuhn-Tucker conditions of `u`.

    Stationarity: H u + f and the pull of all multipliers must cancel. Complementarity: a multiplier
    that presses down belongs to an upper limit, one that presses up to a lower limit; its price
    times the distance to that limit is its part of the gap.
    """
    outside = breach_um(p, u)
    bends = bending(u)
    pull = given.box + given.total
    pull[:-2] += given.bend  # what the rows of D2, transposed, add up to
    pull[1:-1] -= 2.0 * given.bend
    pull[2:] += given.bend
    gap = _gap(u, p.low, p.high, given.box) + _gap(bends, -p.bend, p.bend, given.bend)
    if p.slope is not None and given.slope is not None:
        pull[:-1] -= given.slope
        pull[1:] += given.slope
        gap += _gap(np.diff(u), -p.slope, p.slope, given.slope)
    curved = p.H @ u
    force = 1.0 + float(np.abs(p.f).max())
    bent, pushed = float(u @ curved), float(p.f @ u)
    still = float(np.abs(curved + p.f + pull).max()) / force
    gap /= 1.0 + bent + abs(pushed)
    if not all(math.isfinite(part) for part in (outside, still, gap)):
        return Certificate(math.inf, math.inf, math.inf)
    return Certificate(outside, max(still, gap), 0.5 * bent + pushed)


def _gap(value: Vector, low: Vector, high: Vector, multiplier: Vector) -> float:
    """Price times distance, summed: upper limits for positive multipliers, lower for negative."""
    distance = np.where(multiplier > 0.0, high - value, value - low)
    return float(np.abs(distance) @ np.abs(multiplier))
