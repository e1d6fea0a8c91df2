"""Solids going into solution, lumps breaking up, and air leaving the mass.

symbol   meaning                                             unit
x_d      dissolved part of the solids                        1
k_d      dissolution rate                                    1/s
L        powder in lumps                                     kg
w_wet    part of a charged powder that is wetted at once     1
k_L      break-up of lumps per speed squared                 s
N        disperser speed                                     rev/s
d        bubble diameter                                     m
"""

from __future__ import annotations

from plant_models.rheology import arrhenius_factor

GRAVITY_M_S2 = 9.81


def dissolution_rate_1_s(
    k_ref: float, N: float, N_ref: float, T: float, T_ref: float, activation_j_mol: float
) -> float:
    """k_d [1/s] in dx_d/dt = k_d (1 - x_d): grows with the root of speed and with temperature.

    Diffusion through a boundary layer that thins with the root of the speed (Levich, 1962).
    """
    speed = max(N, 0.02 * N_ref) / N_ref
    return k_ref * float(speed**0.5) / arrhenius_factor(T, T_ref, activation_j_mol)


def lump_rate_kg_s(L: float, f_add: float, w_wet: float, k_L: float, N: float) -> float:
    """dL/dt [kg/s]: powder that falls in dry forms lumps, the disperser breaks them up."""
    return f_add * (1.0 - w_wet) - k_L * N**2 * L


def bubble_rise_m_s(rho: float, d: float, mu: float) -> float:
    """Rise velocity [m/s] of a bubble in creeping flow (Stokes, 1851): rho g d^2/(18 mu)."""
    return rho * GRAVITY_M_S2 * d**2 / (18.0 * mu)


def bubble_diameter_m(d_ref: float, p_ref: float, pressure: float) -> float:
    """Diameter [m] of a bubble after the pressure changed from `p_ref` to `pressure` (Boyle)."""
    return float(d_ref * (p_ref / pressure) ** (1.0 / 3.0))
