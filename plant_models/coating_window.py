"""Where slot coating works: limits of t/H against the capillary number.

symbol   meaning                                         unit
Ca       capillary number mu v / sigma                   1
mu       viscosity at shear v/H                          Pa s
sigma    surface tension                                 N/m
H        gap between die lips and web                    m
t        wet film thickness                              m
L_u, L_d upstream and downstream lip length              m
"""

from __future__ import annotations

import math

PLATEAU_T_OVER_H = 0.65
"""Low-flow limit seen in experiments at high Ca (Lee, Liu & Yu 1992: 0.6 to 0.7)."""


def capillary_number(mu: float, v: float, sigma: float) -> float:
    """Ca = mu v / sigma."""
    return mu * v / sigma


def low_flow_limit(Ca: float) -> float:
    """Thinnest film over gap, t_min/H = 1/[1 + 1.49 Ca^(-2/3)] (Carvalho & Kheshgi 2000).

    It inverts Ca = 0.65 [2/(H/t - 1)]^1.5 and is derived for low Ca; plaster masses run above.
    """
    return 1.0 / (1.0 + 1.49 * math.pow(Ca, -2.0 / 3.0))


def low_flow_capillary_number(t_over_h: float) -> float:
    """Ca at which `t_over_h` is the low-flow limit: 0.65 [2/(H/t - 1)]^1.5."""
    return 0.65 * math.pow(2.0 / (1.0 / t_over_h - 1.0), 1.5)


def low_flow_limit_in_practice(Ca: float) -> float:
    """The formula's limit, but never above the plateau found in experiments."""
    return min(low_flow_limit(Ca), PLATEAU_T_OVER_H)


def viscous_limits(L_u: float, L_d: float) -> tuple[float, float]:
    """Range of t/H that a bead holds without vacuum: 0.5 to 0.5 (1 + L_u/L_d)."""
    return 0.5, 0.5 * (1.0 + L_u / L_d)
