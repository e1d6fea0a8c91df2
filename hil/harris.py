"""How near a loop is to the best any feedback could do: Harris index and minimum variance.

symbol   meaning                                              unit
b        delay in samples: the first that a move can reach    1
psi_i    impulse response of the disturbance, psi_0 = 1       1
s2_a     variance of the innovations                          CV^2
s2_MV    (1 + psi_1^2 + ... + psi_(b-1)^2) s2_a               CV^2
q        growth of a random walk's variance                   CV^2/s
theta    delay                                                s

No feedback can touch the first b terms, so s2_MV is a floor and eta = s2_MV / s2_y the share of
the variance that could not have been removed (Harris 1989): 1 is perfect, below 0.5 asks for
retuning. For a random walk and a delay long against the sampling the floor is sqrt(q theta).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ORDER = 20
LEAST_SAMPLES_PER_TERM = 10  # per term of the fit, and per sample of delay


@dataclass(frozen=True, slots=True)
class Harris:
    """`eta` between 0 and 1, and the floor `sigma_mv` in units of the series; NaN: too short."""

    eta: float
    sigma_mv: float


def harris_index(series: Sequence[float], delay_samples: int, order: int = ORDER) -> Harris:
    """Fit AR(`order`) to a routine closed-loop series by least squares and split its variance.

    Raises:
        ValueError: the delay is shorter than one sample.
    """
    if delay_samples < 1:
        raise ValueError(f"a loop's delay is at least one sample, not {delay_samples}")
    y = np.asarray(series, dtype=float)
    y = y - y.mean() if len(y) else y
    rows = len(y) - order
    least = LEAST_SAMPLES_PER_TERM * max(order, delay_samples)
    if rows < least or not float(y.var()) > 0.0:
        return Harris(math.nan, math.nan)
    past = np.column_stack([y[order - lag : len(y) - lag] for lag in range(1, order + 1)])
    phi = np.linalg.lstsq(past, y[order:], rcond=None)[0]
    innovations = y[order:] - past @ phi
    variance_a = float(innovations @ innovations) / (rows - order)
    psi = np.zeros(delay_samples)
    psi[0] = 1.0
    for i in range(1, delay_samples):
        terms = min(i, order)
        psi[i] = float(phi[:terms] @ psi[i - terms : i][::-1])
    variance_mv = variance_a * float(psi @ psi)
    variance_y = max(float(y.var()), variance_mv)
    return Harris(variance_mv / variance_y, math.sqrt(variance_mv))


def random_walk_floor(q: float, theta_s: float) -> float:
    """Minimum-variance sigma [CV] of a random walk behind a delay: sqrt(q theta)."""
    return math.sqrt(q * theta_s)
