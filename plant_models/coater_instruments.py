"""What the coater's instruments show: noise, bias, lag and steps of the last digit.

Biases are drawn once for a seed. The Coriolis meter reads solids from density at the inlet of the
hose: a kelvin of error in its temperature hides about one per cent of solids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plant_models.parameters import Parameters

NOISES = 12  # unit normals that one step of the instruments uses

STEP_TEMP_K = 0.01
STEP_PRESSURE_PA = 100.0
STEP_SPEED_M_S = 0.001 / 60.0
STEP_PUMP_REV_S = 0.01 / 60.0
STEP_GAP_M = 0.1e-6
STEP_SOLIDS = 1.0e-5
STEP_RESIDUAL = 1.0e-6
STEP_COAT_KG_M2 = 1.0e-5


def quantised(value: float, step: float) -> float:
    """The value rounded to the instrument's last digit."""
    return round(value / step) * step


class Instruments:
    """Slow errors of the inlet meter and the oven's analyser; both start matched to the plant."""

    def __init__(self, p: Parameters, rng: np.random.Generator, temp_k: float) -> None:
        """Draw the biases of this seed."""
        self._p = p
        draws = rng.standard_normal(3).tolist()
        self._solids_bias, self._temp_bias, self._nir_bias = draws
        self._coriolis_temp_k = temp_k
        self._nir = 0.0
        self.noise: Sequence[float] = [0.0] * NOISES

    def step(self, dt_s: float, temp_k: float, residual: float, noise: Sequence[float]) -> None:
        """Advance the lags of meter temperature and analyser; keep this step's noise."""
        p = self._p
        follow = 1.0 - math.exp(-dt_s / p["coater.coriolis.temp_lag"])
        self._coriolis_temp_k += follow * (temp_k - self._coriolis_temp_k)
        self._nir += (1.0 - math.exp(-dt_s / p["coater.instruments.nir_lag"])) * (
            residual - self._nir
        )
        self.noise = noise

    def solids(self, true_solids: float, temp_k: float) -> float:
        """Solids as the Coriolis meter shows them."""
        p = self._p
        unseen_k = temp_k - self._coriolis_temp_k - p["coater.coriolis.temp_bias"] * self._temp_bias
        wrong = p["coater.coriolis.bias"] * self._solids_bias
        wrong += p["coater.coriolis.noise"] * self.noise[0]
        wrong -= p["coater.coriolis.per_k"] * unseen_k
        return quantised(true_solids + wrong, STEP_SOLIDS)

    def residual(self) -> float:
        """Residual solvent as the NIR analyser shows it."""
        p = self._p
        gain = 1.0 + p["coater.instruments.nir_gain"] * self._nir_bias
        shown = gain * self._nir + p["coater.instruments.nir_noise"] * self.noise[1]
        return quantised(max(0.0, shown), STEP_RESIDUAL)

    def temperature(self, temp_k: float, lane: int) -> float:
        """A resistance thermometer; `lane` chooses its noise."""
        noise = self._p["coater.instruments.temp_noise"] * self.noise[lane]
        return quantised(temp_k + noise, STEP_TEMP_K)

    def infrared(self, temp_k: float) -> float:
        """The infrared thermometer on the web."""
        noise = self._p["coater.instruments.infrared_noise"] * self.noise[8]
        return quantised(temp_k + noise, STEP_TEMP_K)

    def pressure(self, pressure_pa: float) -> float:
        """The die's pressure transmitter."""
        noise = self._p["coater.instruments.pressure_noise"] * self.noise[9]
        return quantised(max(0.0, pressure_pa + noise), STEP_PRESSURE_PA)

    def speed(self, speed_m_s: float) -> float:
        """The web's encoder."""
        noise = 1.0 + self._p["coater.instruments.speed_noise"] * self.noise[10]
        return quantised(max(0.0, speed_m_s * noise), STEP_SPEED_M_S)

    def gap(self, gap_m: float) -> float:
        """The gap's position sensor."""
        noise = self._p["coater.instruments.gap_noise"] * self.noise[11]
        return quantised(gap_m + noise, STEP_GAP_M)
