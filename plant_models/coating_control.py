"""The coater as its controller sees it: five states, smooth, no pure delay.

The delay between die and gauge is not in here: a controller predicts the coat weight *at the die*
and carries the estimate of `d_coat` along the metres of web (Smith 1957's idea, by length).

symbol            meaning                                              unit
r                 pump revolutions per metre of web, as turning        rev/m
P                 die pressure (bank pressure for a knife or comma)    Pa
H                 gap between die or knife and web                     m
trim              oven trim that the air has really taken on           K
ln_residual       ln of the solvent share at the oven's exit           1
v                 web speed                                            m/s
S, T, rho, eta    solids, temperature, density, viscosity at the die   1, K, kg/m3, Pa s
t                 wet film thickness                                   m
W                 dry coat weight                                      kg/m2

Slot die (pre-metered): W = rho S (D r - k_s P_pump / (mu v)) / w: the line speed cancels but for
the slip. Knife with land: t = H/2 + P H^3 / (12 mu L v); comma roll: t = factor H.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import casadi as ca

from plant_models.coating_parameters import COATING_PARAMETERS, COMMA, SLOT
from plant_models.control_model import ControlModel, Expression
from plant_models.parameters import Parameters
from plant_models.rheology import GAS_CONSTANT_J_MOL_K

GRAVITY_M_S2 = 9.81
SOLVENT_SHARE = 0.58  # of the wet mass at the recipe the drying constants were found with
CREEP_M_S = 0.01  # below this speed the expressions level off instead of dividing by zero

STATES = (
    "coater.pump_ratio",
    "coater.die_pressure",
    "coater.gap",
    "coater.oven_trim",
    "coater.ln_residual",
)
INPUTS = ("coater.pump_ratio_sp", "coater.gap_sp", "coater.oven_trim_sp")
DISTURBANCES = (
    "coater.line_speed",
    "coater.feed_solids",
    "coater.feed_temp",
    "coater.feed_density",
    "coater.feed_viscosity",  # zero-shear at 25 C [Pa s]
    "d_coat",  # ln gain on the coat weight
    "d_pressure",  # bias on the die pressure [Pa]
    "d_residual",  # bias on ln_residual
    "d_web_temp",  # bias on the web temperature [K]
)
OUTPUTS = (
    "coater.dry_coat_weight",
    "coater.film_to_gap",
    "coater.die_pressure",
    "coater.residual_solvent",
    "coater.web_temp",
)


def coating_parameters(overrides: Mapping[str, float] | None = None) -> Parameters:
    """The control model's parameters with `overrides` (SI) applied."""
    return Parameters(COATING_PARAMETERS, overrides)


@dataclass(frozen=True, slots=True)
class _Now:
    """One instant as CasADi symbols (see the table above)."""

    r: Expression
    P: Expression
    H: Expression
    trim: Expression
    ln_residual: Expression
    v: Expression
    S: Expression
    T: Expression
    rho: Expression
    eta: Expression
    d_coat: Expression
    d_pressure: Expression
    d_residual: Expression
    d_web_temp: Expression


def _softplus(x: Expression, width: float) -> Expression:
    """A smooth max(x, 0) that rounds the corner over `width`."""
    return 0.5 * (x + ca.sqrt(x * x + width * width))


def _read(x: Expression, p: Expression) -> _Now:
    speed = _softplus(p[0] - CREEP_M_S, CREEP_M_S) + CREEP_M_S
    return _Now(
        x[0], x[1], x[2], x[3], x[4], speed, p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]
    )  # fmt: skip


def _viscosity(at: _Now, shear_rate: Expression, c: Parameters) -> Expression:
    """Cross viscosity at the die's temperature."""
    warm = c["coating.feed.activation"] / GAS_CONSTANT_J_MOL_K * (1.0 / at.T - 1.0 / 298.15)
    return (
        at.eta
        * ca.exp(warm)
        / (1.0 + (c["coating.feed.lam"] * shear_rate) ** (1.0 - c["coating.feed.n"]))
    )


def _slot_shear_and_flow(at: _Now, c: Parameters) -> tuple[Expression, Expression]:
    """Wall shear rate [1/s] in the slot and the flow per width [m2/s] behind it."""
    per_width = c["coating.pump.displacement"] * at.r * at.v / c["coating.web.width"]
    per_width = _softplus(per_width, 1e-7)
    return 6.0 * per_width / c["coating.die.slot_height"] ** 2, per_width


def _steady_pressure(at: _Now, c: Parameters) -> Expression:
    """Die pressure [Pa] at rest: dP = 12 mu L q / h^3; for a knife the head of its bank."""
    if c["coating.type"] != SLOT:
        return at.rho * GRAVITY_M_S2 * c["coating.bank.height"] + at.d_pressure
    shear, per_width = _slot_shear_and_flow(at, c)
    resistance = 12.0 * c["coating.die.land"] / c["coating.die.slot_height"] ** 3
    return resistance * _viscosity(at, shear, c) * per_width + at.d_pressure


def _wet_thickness(at: _Now, c: Parameters) -> Expression:
    """Wet film thickness t [m]."""
    if c["coating.type"] == COMMA:
        return c["coating.comma.factor"] * at.H
    if c["coating.type"] != SLOT:
        drag = 12.0 * _viscosity(at, at.v / at.H, c) * c["coating.knife.land"] * at.v
        return 0.5 * at.H + at.P * at.H**3 / drag
    shear, _ = _slot_shear_and_flow(at, c)
    before_pump = at.P + c["coating.line.pressure"]
    slip = c["coating.pump.slip"] * before_pump / _viscosity(at, shear, c)
    per_metre = c["coating.pump.displacement"] * at.r - slip / at.v
    return _softplus(per_metre, 1e-6) / c["coating.web.width"]


def _quasi_steady_ln_residual(at: _Now, coat: Expression, c: Parameters) -> Expression:
    """Logarithm of the solvent share that web meeting this oven leaves with.

    Constant rate first (heat flux over latent heat) until the film's own diffusion rules, then
    dX/dt = -k X (X/X_c)^(1/m) with k falling with the square of the coat (diffusion length).
    """
    air = c["coating.oven.early_temp"] + at.trim
    late = c["coating.oven.late_temp"] + at.trim
    rate = c["coating.oven.heat_transfer"] * (air - c["coating.oven.wet_bulb"])
    solvent = coat * (1.0 - at.S) / at.S
    wet_time = solvent * c["coating.oven.latent_heat"] / rate
    film_time = _softplus(c["coating.oven.length"] / at.v - wet_time, 5.0)
    warm = c["coating.oven.activation"] / GAS_CONSTANT_J_MOL_K
    warm *= 1.0 / c["coating.oven.late_temp"] - 1.0 / late
    k = c["coating.oven.rate"] * ca.exp(warm) * (c["coating.nominal.coat"] / coat) ** 2
    order = c["coating.oven.order"]
    decay = order * ca.log(1.0 + k * film_time / order)
    # a mass without solvent has none to leave behind
    wet_share = (_softplus(1.0 - at.S, 1e-4) + 1e-6) / SOLVENT_SHARE
    start = math.log(c["coating.oven.critical_residual"]) + ca.log(wet_share)
    return start - decay + at.d_residual


def _web_temp(at: _Now, c: Parameters) -> Expression:
    """Web temperature [K] at the oven's exit: dry web closing in on the late zones' air."""
    late = c["coating.oven.late_temp"] + at.trim
    warming = c["coating.oven.heat_transfer"] * 0.2 * c["coating.oven.length"] / at.v
    lag = ca.exp(-warming / c["coating.oven.web_heat"])
    return late - (c["coating.oven.late_temp"] - c["coating.oven.early_temp"]) * lag + at.d_web_temp


def _coat(at: _Now, c: Parameters) -> Expression:
    return at.rho * at.S * _wet_thickness(at, c) * ca.exp(at.d_coat)


def control_model(parameters: Parameters | None = None) -> ControlModel:
    """Build the coater's control model from its own table (or `parameters` of that table)."""
    c = parameters or coating_parameters()
    x = ca.SX.sym("x", len(STATES))
    u = ca.SX.sym("u", len(INPUTS))
    p = ca.SX.sym("p", len(DISTURBANCES))
    at = _read(x, p)
    coat = _coat(at, c)
    passage = 0.5 * c["coating.oven.length"] / at.v  # mean age of the web in the oven
    rhs = ca.vertcat(
        (u[0] - at.r) / c["coating.pump.lag"],
        (_steady_pressure(at, c) - at.P) / c["coating.die.lag"],
        (u[1] - at.H) / c["coating.gap.lag"],
        (u[2] - at.trim) / c["coating.oven.lag"],
        (_quasi_steady_ln_residual(at, coat, c) - at.ln_residual) / passage,
    )
    film_to_gap = _wet_thickness(at, c) / at.H
    y = ca.vertcat(coat, film_to_gap, at.P, ca.exp(at.ln_residual), _web_temp(at, c))
    return ControlModel(
        name="coating",
        states=STATES,
        inputs=INPUTS,
        disturbances=DISTURBANCES,
        outputs=OUTPUTS,
        rhs=ca.Function("coating_rhs", [x, u, p], [rhs], ["x", "u", "p"], ["dx"]),
        measure=ca.Function("coating_measure", [x, u, p], [y], ["x", "u", "p"], ["y"]),
        nominal=_nominal(c),
        scales=SCALES,
        parameters=c,
    )


SCALES: Mapping[str, float] = {
    "coater.pump_ratio": 1.0,
    "coater.die_pressure": 1.0e5,
    "coater.gap": 1.0e-4,
    "coater.oven_trim": 5.0,
    "coater.ln_residual": 1.0,
    "coater.pump_ratio_sp": 1.0,
    "coater.gap_sp": 1.0e-4,
    "coater.oven_trim_sp": 5.0,
    "coater.line_speed": 0.1,
    "coater.feed_solids": 0.1,
    "coater.feed_temp": 10.0,
    "coater.feed_density": 1000.0,
    "coater.feed_viscosity": 5.0,
    "d_coat": 0.05,
    "d_pressure": 0.5e5,
    "d_residual": 1.0,
    "d_web_temp": 5.0,
    "coater.dry_coat_weight": 0.01,
    "coater.film_to_gap": 0.1,
    "coater.residual_solvent": 5.0e-4,
    "coater.web_temp": 10.0,
}


def _nominal(c: Parameters) -> dict[str, float]:
    """The operating point: nominal coat at nominal speed, zero trim and zero offsets."""
    wet = c["coating.nominal.coat"] / (c["coating.nominal.density"] * c["coating.nominal.solids"])
    ratio = wet * c["coating.web.width"] / c["coating.pump.displacement"]
    gap = c["coating.nominal.gap"]
    return {
        "coater.pump_ratio": ratio,
        "coater.die_pressure": 2.0e5 if c["coating.type"] == SLOT else 400.0,
        "coater.gap": gap,
        "coater.oven_trim": 0.0,
        "coater.ln_residual": math.log(6.0e-4),
        "coater.pump_ratio_sp": ratio,
        "coater.gap_sp": gap,
        "coater.oven_trim_sp": 0.0,
        "coater.line_speed": c["coating.nominal.speed"],
        "coater.feed_solids": c["coating.nominal.solids"],
        "coater.feed_temp": c["coating.nominal.temp"],
        "coater.feed_density": c["coating.nominal.density"],
        "coater.feed_viscosity": c["coating.nominal.viscosity"],
        "d_coat": 0.0,
        "d_pressure": 0.0,
        "d_residual": 0.0,
        "d_web_temp": 0.0,
    }
