"""A small extended Kalman filter (Jazwinski 1970) that takes one reading at a time.

symbol  meaning                                   unit
z       state estimate                            as the model
P       covariance of its error                   squared
e       surprise: reading minus prediction        as the reading
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plant_models.control_model import Vector


@dataclass(frozen=True, slots=True)
class Belief:
    """An estimate and how uncertain it is."""

    z: Vector
    P: Vector


def predicted(z_next: Vector, F: Vector, belief: Belief, Q: Vector) -> Belief:
    """The belief one step later: `z_next` from the model, `F` its slope, `Q` what may change."""
    P = F @ belief.P @ F.T + Q
    return Belief(z_next, 0.5 * (P + P.T))


def surprise_spread(belief: Belief, slope: Vector, noise: float) -> float:
    """Standard deviation of the surprise a reading with `slope` dh/dz may bring."""
    return float(np.sqrt(slope @ belief.P @ slope + noise**2))


def corrected(belief: Belief, e: float, slope: Vector, noise: float) -> Belief:
    """The belief after a reading with surprise `e` (Joseph's form, so P stays a covariance)."""
    Ph = belief.P @ slope
    gain = Ph / (slope @ Ph + noise**2)
    keep = np.eye(len(belief.z)) - np.outer(gain, slope)
    P = keep @ belief.P @ keep.T + np.outer(gain, gain) * noise**2
    return Belief(belief.z + gain * e, 0.5 * (P + P.T))
