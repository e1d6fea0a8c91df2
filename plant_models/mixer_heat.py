"""Heat and vapour of a jacketed vessel.

symbol   meaning                                     unit
m, cp    mass and heat capacity of the content       kg, J/(kg K)
UA       jacket conductance                          W/K
T_j      jacket temperature                          K
P        stirrer power, all of it turned into heat   W
m_ev     evaporation                                 kg/s
dHv      heat of evaporation                         J/kg
"""

from __future__ import annotations

import math

from plant_models.rheology import GAS_CONSTANT_J_MOL_K

ATMOSPHERE_PA = 101_325.0


def heating_rate_k_s(
    m: float, cp: float, P: float, UA: float, T_j: float, T: float, m_ev: float, dHv: float
) -> float:
    """dT/dt [K/s] from m cp dT/dt = P + UA (T_j - T) - m_ev dHv."""
    return (P + UA * (T_j - T) - m_ev * dHv) / (m * cp)


def thermal_time_constant_s(m: float, cp: float, UA: float) -> float:
    """How slowly [s] the content follows its jacket: m cp / UA."""
    return m * cp / UA


def vapour_pressure_pa(T: float, p_ref: float, T_ref: float, molar_dHv: float) -> float:
    """Vapour pressure [Pa] after Clausius and Clapeyron from one known point (p_ref, T_ref)."""
    return p_ref * math.exp(molar_dHv / GAS_CONSTANT_J_MOL_K * (1.0 / T_ref - 1.0 / T))


def evaporation_kg_s(
    swept_kg_s: float, p_vapour: float, p_ref: float, pressure: float, flash_kg_s_pa: float
) -> float:
    """Solvent [kg/s] lost to the vent.

    `swept_kg_s` is the loss into the nitrogen sweep at vapour pressure `p_ref` and one atmosphere;
    it grows with the vapour pressure and with the gas volume under vacuum. Below its vapour
    pressure the solvent flashes (`flash_kg_s_pa` per Pa).
    """
    swept = swept_kg_s * p_vapour / p_ref * min(3.0, ATMOSPHERE_PA / max(pressure, 1.0))
    return swept + flash_kg_s_pa * max(0.0, p_vapour - pressure)
