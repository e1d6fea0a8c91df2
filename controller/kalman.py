"""What a Kalman filter believes.

symbol  meaning                                   unit
z       state estimate                            as the model
P       covariance of its error                   squared
"""

from __future__ import annotations

from typing import NamedTuple

from plant_models.control_model import Vector


class Belief(NamedTuple):
    """An estimate and how uncertain it is."""

    z: Vector
    P: Vector
