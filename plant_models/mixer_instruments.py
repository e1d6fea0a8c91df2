"""Small parts every mixer instrument is made of: a lag, a slow drift, a noise of its own.

Every instrument draws from a stream of random numbers named after it, one draw per step, so that
two controllers on the same seed meet exactly the same disturbances.
"""

from __future__ import annotations

import math
import random


def stream(seed: int, name: str) -> random.Random:
    """The random numbers of one instrument or disturbance."""
    return random.Random(f"{seed}:mixer.{name}")


def lagged(now: float, target: float, lag_s: float, dt_s: float) -> float:
    """A first-order lag after `dt_s`, exact for a constant target."""
    return target if lag_s <= 0.0 else target + (now - target) * math.exp(-dt_s / lag_s)


def quantised(value: float, step: float) -> float:
    """The nearest multiple of an instrument's `step`."""
    return round(value / step) * step


class SlowDrift:
    """A stationary first-order random drift (Ornstein and Uhlenbeck, 1930) around zero."""

    def __init__(self, seed: int, name: str, time_constant_s: float) -> None:
        """Start at a random value of unit variance; the caller scales it."""
        self._random = stream(seed, name)
        self._time_constant_s = time_constant_s
        self.value = self._random.gauss(0.0, 1.0)

    def step(self, dt_s: float) -> float:
        """The drift `dt_s` later, standard deviation one."""
        keep = math.exp(-dt_s / self._time_constant_s)
        self.value = keep * self.value + math.sqrt(1.0 - keep**2) * self._random.gauss(0.0, 1.0)
        return self.value
