"""Flow laws of plaster masses: shear thinning, yield stress, temperature and solids.

symbol   meaning                          unit
eta0     zero-shear viscosity             Pa s
lam      time constant                    s
n        exponent (1 = Newtonian)         1
g        shear rate                       1/s
tau_y    yield stress                     Pa
K        consistency                      Pa s^n

All functions take floats or numpy arrays and return the same.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, NDArray[np.float64])

GAS_CONSTANT_J_MOL_K = 8.314462618


def cross(g: Number, eta0: float, lam: float, n: float) -> Number:
    """Viscosity [Pa s] after Cross (1965), infinite-shear viscosity zero."""
    eta: Number = eta0 / (1.0 + (lam * g) ** (1.0 - n))
    return eta


def carreau_yasuda(
    g: Number, eta0: float, eta_inf: float, lam: float, n: float, a: float = 2.0
) -> Number:
    """Viscosity [Pa s] after Carreau (1972) and Yasuda (1979)."""
    eta: Number = eta_inf + (eta0 - eta_inf) * (1.0 + (lam * g) ** a) ** ((n - 1.0) / a)
    return eta


def herschel_bulkley_stress(g: Number, tau_y: float, K: float, n: float) -> Number:
    """Shear stress [Pa] after Herschel and Bulkley (1926) in flowing material (g > 0)."""
    stress: Number = tau_y + K * g**n
    return stress


def herschel_bulkley(g: Number, tau_y: float, K: float, n: float) -> Number:
    """Apparent viscosity [Pa s] of a Herschel-Bulkley material: stress over shear rate."""
    return herschel_bulkley_stress(g, tau_y, K, n) / g


def arrhenius_factor(temp_k: float, ref_k: float, activation_j_mol: float) -> float:
    """By how much viscosity changes from `ref_k` to `temp_k` (Arrhenius/Andrade)."""
    return math.exp(activation_j_mol / GAS_CONSTANT_J_MOL_K * (1.0 / temp_k - 1.0 / ref_k))


def zero_shear_viscosity(
    temp_k: float,
    solids: float,
    mw_ratio: float = 1.0,
    *,
    eta_ref_pa_s: float,
    ref_k: float = 298.15,
    solids_ref: float,
    activation_j_mol: float,
    alpha: float,
    mw_exponent: float = 3.4,
) -> float:
    """Zero-shear viscosity [Pa s] of a polymer solution.

    ln eta0 = ln eta_ref + (E/R)(1/T - 1/T_ref) + alpha ln(S/S_ref) + 3.4 ln(Mw/Mw_ref):
    Arrhenius in temperature, a power of the solids, and the 3.4-power of the molar mass for
    entangled polymers (Ferry 1980).
    """
    by_temperature = arrhenius_factor(temp_k, ref_k, activation_j_mol)
    by_solids = math.pow(solids / solids_ref, alpha)
    return eta_ref_pa_s * by_temperature * by_solids * math.pow(mw_ratio, mw_exponent)


def local_power_law(g: float, eta0: float, lam: float, n: float) -> tuple[float, float]:
    """The power law (K [Pa s^n'], n') that touches a Cross fluid at shear rate `g`.

    n' = 1 + d ln eta / d ln g; a slot or a pipe at this wall shear rate behaves like it.
    """
    x = (lam * max(g, 1e-9)) ** (1.0 - n)
    n_local = 1.0 - (1.0 - n) * x / (1.0 + x)
    return eta0 / (1.0 + x) * max(g, 1e-9) ** (1.0 - n_local), n_local
