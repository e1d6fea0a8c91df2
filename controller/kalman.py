"""What a Kalman filter believes, and how large a surprise it expects.

symbol  meaning                                   unit
z       state estimate                            as the model
P       covariance of its error                   squared
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


def surprise_spread(belief: Belief, slope: Vector, noise: float) -> float:
    """Standard deviation of the surprise a reading with `slope` dh/dz may bring."""
    return float(np.sqrt(slope @ belief.P @ slope + noise**2))
