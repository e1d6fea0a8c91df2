"""Viscosity of water and of glycerol-water mixtures: an outside yardstick for our rheology.

symbol  meaning                        unit
C       mass fraction of glycerol      1
T       temperature                    deg C (valid 0 to 100)
mu      dynamic viscosity              Pa s
"""

from __future__ import annotations

import math


def water_viscosity_pa_s(T: float) -> float:
    """Viscosity [Pa s] of water at T [deg C] (Cheng, Ind. Eng. Chem. Res. 47:3285, 2008)."""
    return 1.790e-3 * math.exp((-1230.0 - T) * T / (36100.0 + 360.0 * T))


def glycerol_viscosity_pa_s(T: float) -> float:
    """Viscosity [Pa s] of pure glycerol at T [deg C] (Cheng 2008)."""
    return 12.100 * math.exp((-1233.0 + T) * T / (9900.0 + 70.0 * T))


def mixture_viscosity_pa_s(C: float, T: float) -> float:
    """Viscosity [Pa s] of glycerol-water (Cheng 2008).

    The power a**2.5 in b is the original's; some public ports drop it and read up to 62 % low.
    """
    a = 0.705 - 0.0017 * T
    b = (4.9 + 0.036 * T) * a**2.5
    share = 1.0 - C + a * b * C * (1.0 - C) / (a * C + b * (1.0 - C))
    return math.exp(
        share * math.log(water_viscosity_pa_s(T))
        + (1.0 - share) * math.log(glycerol_viscosity_pa_s(T))
    )
