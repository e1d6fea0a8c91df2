"""What a Kalman filter believes.

symbol  meaning                                   unit
z       state estimate                            as the model
P       covariance of its error                   squared
"""

from __future__ import annotations

from dataclasses import dataclass

from plant_models.control_model import Vector


@dataclass(frozen=True, slots=True)
class Belief:
    """An estimate and how uncertain it is."""

    z: Vector
    P: Vector
