"""The slot die and what drives it: mass balance, slot pressure, gear-pump slip.

symbol  meaning                                   unit
Q       volume flow                               m3/s
q       flow per slot width, Q/w                  m2/s
h, L    slot height and land length               m
w       coated width                              m
v       web speed                                 m/s
t       wet film thickness                        m
g       shear rate at the slot wall               1/s
dP      pressure drop over the land               Pa
"""

from __future__ import annotations

import math

from plant_models.rheology import cross, local_power_law


def wet_thickness_m(Q: float, w: float, v: float) -> float:
    """Wet film thickness t = Q/(w v): a slot die is pre-metered."""
    return Q / (w * v)


def dry_coat_weight_kg_m2(Q: float, w: float, v: float, solids: float, density: float) -> float:
    """Dry coat weight W = rho S Q/(w v) [kg/m2]."""
    return density * solids * wet_thickness_m(Q, w, v)


def newtonian_wall_shear_1_s(q: float, h: float) -> float:
    """Wall shear rate 6 q/h^2 of a Newtonian fluid in a slot."""
    return 6.0 * q / (h * h)


def newtonian_pressure_pa(q: float, h: float, L: float, mu: float) -> float:
    """Pressure drop dP = 12 mu L q/h^3 of a Newtonian fluid in a slot."""
    return 12.0 * mu * L * q / h**3


def power_law_pressure_pa(q: float, h: float, L: float, K: float, n: float) -> float:
    """Pressure drop of a power-law fluid in a slot: dP = (2 K L/h) [(2 + 1/n) 2 q/h^2]^n."""
    return 2.0 * K * L / h * math.pow((2.0 + 1.0 / n) * 2.0 * q / (h * h), n)


def cross_pressure_pa(
    q: float, h: float, L: float, eta0: float, lam: float, n: float
) -> tuple[float, float]:
    """Pressure drop [Pa] of a Cross fluid in a slot, and d ln dP / d ln q.

    The power law that touches the Cross curve at the wall, with the Weissenberg-Rabinowitsch
    correction of the wall shear rate.
    """
    apparent = newtonian_wall_shear_1_s(q, h)
    K, n_local = local_power_law(apparent, eta0, lam, n)
    return power_law_pressure_pa(q, h, L, K, n_local), n_local


def pipe_wall_shear_1_s(Q: float, diameter: float) -> float:
    """Apparent wall shear rate 32 Q/(pi d^3) in a round hose."""
    return 32.0 * Q / (math.pi * diameter**3)


def pipe_pressure_pa(
    Q: float, diameter: float, length: float, eta0: float, lam: float, n: float
) -> float:
    """Pressure drop of a Cross fluid in a round hose: 4 (L/d) times the wall stress."""
    g = pipe_wall_shear_1_s(Q, diameter)
    return 4.0 * length / diameter * float(cross(g, eta0, lam, n)) * g


def slip_m3_s(pressure: float, mu: float, k_s: float, curvature_pa: float) -> float:
    """Flow [m3/s] that leaks back through a gear pump's clearances.

    k_s dP/mu, growing faster than the pressure because the leaking film shears thin:
    times (1 + dP/curvature).
    """
    return k_s * pressure / mu * (1.0 + pressure / curvature_pa)


def compliance_m3_pa(rigid: float, air_volume: float, pressure: float) -> float:
    """Volume [m3] the line takes up per Pa: its walls, and trapped air shrinking isothermally.

    `air_volume` is at atmospheric pressure, `pressure` is gauge pressure.
    """
    atmospheric = 101_325.0
    return rigid + air_volume * atmospheric / (atmospheric + pressure) ** 2


def local_lip_gain(n: float) -> float:
    """Relative local flow change per relative slot-height change: 2 + 1/n."""
    return 2.0 + 1.0 / n
