"""What a stirrer costs: power, torque and shear rate of slow stirrers, and mixing time.

symbol   meaning                                            unit
N        stirrer speed                                      rev/s
D        stirrer diameter                                   m
mu       apparent viscosity at the stirrer                  Pa s
rho      density                                            kg/m3
Kp       laminar power constant, Np Re                      1
k_s      Metzner-Otto constant: shear rate = k_s N          1
Np_t     power number far in the turbulent range            1
"""

from __future__ import annotations

import math


def reynolds(rho: float, N: float, D: float, mu: float) -> float:
    """Stirrer Reynolds number rho N D^2 / mu."""
    return rho * N * D**2 / mu


def stirrer_shear_rate_1_s(k_s: float, N: float) -> float:
    """Effective shear rate [1/s] at the stirrer (Metzner and Otto, 1957), N in rev/s."""
    return k_s * N


def laminar_power_w(Kp: float, mu: float, N: float, D: float) -> float:
    """Power [W] of a stirrer in creeping flow: Np = Kp/Re, hence P = Kp mu N^2 D^3."""
    return Kp * mu * N**2 * D**3


def transition_factor(Re: float, Kp: float, Np_t: float) -> float:
    """By how much the power exceeds the laminar law: Np = Kp/Re + Np_t.

    The plain sum of a viscous and an inertial part; anchors have Np_t of 0.3 to 1 (Nagata, 1975),
    which makes 10-30 % more than Kp/Re at Re 74.
    """
    return 1.0 + Np_t * Re / Kp


def stirrer_power_w(Kp: float, Np_t: float, rho: float, mu: float, N: float, D: float) -> float:
    """Power [W] from creeping flow into the transition range."""
    if N <= 0.0:
        return 0.0
    return laminar_power_w(Kp, mu, N, D) * transition_factor(reynolds(rho, N, D, mu), Kp, Np_t)


def torque_n_m(power_w: float, N: float) -> float:
    """Shaft torque [N m] of a power [W] at N [rev/s]; none at standstill."""
    return power_w / (2.0 * math.pi * N) if N > 0.0 else 0.0


def viscosity_from_torque_pa_s(M: float, M0: float, Kp: float, N: float, D: float) -> float:
    """The torque soft sensor [Pa s]: mu = 2 pi (M - M0)/(Kp N D^3); M0 is friction."""
    return 2.0 * math.pi * (M - M0) / (Kp * N * D**3)


def helical_ribbon_power_constant(
    D: float, h: float, blades: int, pitch: float, blade_width: float, vessel_diameter: float
) -> float:
    """Kp of a helical ribbon of height h (Rieger, Novak and Havelkova, 1988); lengths in m."""
    clearance = 0.5 * (vessel_diameter - D)
    return float(
        82.8
        * (h / D)
        * (clearance / D) ** -0.38
        * (pitch / D) ** -0.35
        * (blade_width / D) ** 0.20
        * blades**0.78
    )


def helical_ribbon_mixing_time_s(Kp: float, N: float) -> float:
    """Mixing time [s] of a helical ribbon (Grenville, Hutchinson and Higbee, 2001)."""
    return float(896_000.0 * Kp**-1.69 / N)


def blending_time_constant_s(revolutions: float, N: float, N_min: float) -> float:
    """First-order blending time [s] of a slow stirrer: 95 % blended after `revolutions` turns.

    N t_mix is constant in creeping flow (Nagata, 1975); at standstill diffusion and natural
    convection still blend as if the stirrer turned at `N_min` [rev/s].
    """
    return revolutions / (3.0 * max(N, N_min))
