"""The mixer as its controller sees it: seven states, smooth, no lumps, no gel, no air.

symbol     meaning                                                unit
m          mass                                                   kg
S          solids of the blended bulk                             1
free       trim solvent not yet blended in                        kg
x_d        dissolved part of the solids                           1
T, T_j     temperature of the content and of the jacket           K
N          anchor speed                                           rev/s
F          trim solvent, never negative: it only thins            kg/s
m_ev       evaporation                                            kg/s
eta25      zero-shear viscosity at 25 C                           Pa s

dm/dt = F - m_ev; d free/dt = F - b; (m - free) dS/dt = S (m_ev - b), with b = free/tau_b(N);
m cp dT/dt = P + UA (T_j - T) + UA_room (T_room - T) - m_ev dHv + d_heat;
ln eta25 = ln eta_ref + alpha ln(S x_d/S_ref) + d_visc; the stirrer sees it at k_s N (Metzner-Otto).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import casadi as ca

from plant_models.control_model import ControlModel, Expression
from plant_models.mixing_parameters import MIXING_PARAMETERS
from plant_models.parameters import Parameters
from plant_models.rheology import GAS_CONSTANT_J_MOL_K

REFERENCE_K = 298.15

STATES = (
    "mixer.mass",
    "mixer.solids",
    "mixer.unblended",
    "mixer.dissolved",
    "mixer.temp",
    "mixer.jacket_temp",
    "mixer.anchor_speed",
)
INPUTS = ("mixer.anchor_sp", "mixer.jacket_sp", "mixer.solvent_sp")
DISTURBANCES = (
    "mixer.ambient_temp",
    "mixer.evaporation",  # kg/s
    "d_visc",  # ln gain on the viscosity: the polymer lot
    "d_probe",  # ln gain on the inline viscometer: fouling, its own shear rate
    "d_torque",  # bias on the torque [N m]: friction
    "d_heat",  # bias on the heat balance [W]
)
OUTPUTS = (
    "mixer.viscosity_25c",
    "mixer.temp",
    "mixer.torque",
    "mixer.viscosity",
    "mixer.solids",
    "mixer.mass",
    "mixer.jacket_temp",
)


def mixing_parameters(overrides: Mapping[str, float] | None = None) -> Parameters:
    """The control model's parameters with `overrides` (SI) applied."""
    return Parameters(MIXING_PARAMETERS, overrides)


@dataclass(frozen=True, slots=True)
class _Now:
    """One instant as CasADi symbols (see the table above)."""

    m: Expression
    S: Expression
    free: Expression
    x_d: Expression
    T: Expression
    T_j: Expression
    N: Expression
    room: Expression
    m_ev: Expression
    d_visc: Expression
    d_probe: Expression
    d_torque: Expression
    d_heat: Expression


def _above(x: Expression, least: float) -> Expression:
    """A smooth max(x, least)."""
    return least + 0.5 * (x - least + ca.sqrt((x - least) ** 2 + least**2))


def _eta25(at: _Now, c: Parameters) -> Expression:
    """Zero-shear viscosity at 25 C."""
    in_solution = _above(at.S * at.x_d, 1e-3) / c["mixing.viscosity.solids_reference"]
    thicker = c["mixing.viscosity.solids_exponent"] * ca.log(in_solution) + at.d_visc
    return c["mixing.viscosity.reference"] * ca.exp(thicker)


def _eta0(at: _Now, c: Parameters) -> Expression:
    """Zero-shear viscosity at process temperature (Arrhenius)."""
    warm = c["mixing.viscosity.activation"] / GAS_CONSTANT_J_MOL_K
    return _eta25(at, c) * ca.exp(warm * (1.0 / at.T - 1.0 / REFERENCE_K))


def _viscosity(at: _Now, shear_rate: Expression, c: Parameters) -> Expression:
    """Cross viscosity at process temperature and a shear rate."""
    thinning = (c["mixing.viscosity.cross_time"] * shear_rate) ** (
        1.0 - c["mixing.viscosity.cross_exponent"]
    )
    return _eta0(at, c) / (1.0 + thinning)


def _stirring_torque(at: _Now, c: Parameters) -> Expression:
    """Torque of the mass on the anchor, by how full the vessel is: Np = Kp/Re + Np_t."""
    N = _above(at.N, c["mixing.blending.least_speed"])
    mu = _viscosity(at, c["mixing.anchor.shear_constant"] * N, c)
    full = at.m / c["mixing.vessel.mass"]
    Kp, D = c["mixing.anchor.power_constant"], c["mixing.anchor.diameter"]
    inertial = c["mixing.anchor.turbulent_power_number"] * c["mixing.vessel.density"]
    viscous = Kp * mu * at.N * D**3
    return full * (viscous + inertial * at.N**2 * D**5) / (2.0 * math.pi)


def _heating(at: _Now, c: Parameters) -> Expression:
    """dT/dt."""
    power = 2.0 * math.pi * at.N * _stirring_torque(at, c)
    jacket = c["mixing.jacket.conductance"] * (at.T_j - at.T)
    room = c["mixing.vessel.ambient_conductance"] * (at.room - at.T)
    watts = power + jacket + room - at.m_ev * c["mixing.evaporation.heat"] + at.d_heat
    return watts / (at.m * c["mixing.vessel.heat_capacity"])


def _rates(at: _Now, u: Expression, c: Parameters) -> Expression:
    """dx/dt in the order of STATES."""
    turning = _above(at.N, c["mixing.blending.least_speed"])
    blended = at.free * 3.0 * turning / c["mixing.blending.revolutions"]
    return ca.vertcat(
        u[2] - at.m_ev,
        at.S * (at.m_ev - blended) / (at.m - at.free),
        u[2] - blended,
        c["mixing.dissolution.rate"] * (1.0 - at.x_d),
        _heating(at, c),
        (u[1] - at.T_j) / c["mixing.jacket.lag"],
        (u[0] - at.N) / c["mixing.anchor.lag"],
    )


def control_model(parameters: Parameters | None = None) -> ControlModel:
    """Build the mixer's control model from its own table (or `parameters` of that table)."""
    c = parameters or mixing_parameters()
    x = ca.SX.sym("x", len(STATES))
    u = ca.SX.sym("u", len(INPUTS))
    p = ca.SX.sym("p", len(DISTURBANCES))
    at = _Now(
        *(x[i] for i in range(len(STATES))),
        *(p[i] for i in range(len(DISTURBANCES))),
    )
    probe = _eta0(at, c) * ca.exp(at.d_probe)  # commissioned to show the zero-shear viscosity
    torque = _stirring_torque(at, c) + c["mixing.anchor.friction"] + at.d_torque
    y = ca.vertcat(_eta25(at, c), at.T, torque, probe, at.S, at.m, at.T_j)
    rhs = _rates(at, u, c)
    return ControlModel(
        name="mixing",
        states=STATES,
        inputs=INPUTS,
        disturbances=DISTURBANCES,
        outputs=OUTPUTS,
        rhs=ca.Function("mixing_rhs", [x, u, p], [rhs], ["x", "u", "p"], ["dx"]),
        measure=ca.Function("mixing_measure", [x, u, p], [y], ["x", "u", "p"], ["y"]),
        nominal=_nominal(c),
        scales=SCALES,
        parameters=c,
    )


SCALES: Mapping[str, float] = {
    "mixer.mass": 100.0,
    "mixer.solids": 0.1,
    "mixer.unblended": 1.0,
    "mixer.dissolved": 1.0,
    "mixer.temp": 10.0,
    "mixer.jacket_temp": 10.0,
    "mixer.anchor_speed": 0.5,
    "mixer.anchor_sp": 0.5,
    "mixer.jacket_sp": 10.0,
    "mixer.solvent_sp": 0.02,
    "mixer.ambient_temp": 10.0,
    "mixer.evaporation": 1.0e-3,
    "d_visc": 0.1,
    "d_probe": 0.1,
    "d_torque": 10.0,
    "d_heat": 100.0,
    "mixer.viscosity_25c": 5.0,
    "mixer.torque": 50.0,
    "mixer.viscosity": 5.0,
}


def _nominal(c: Parameters) -> dict[str, float]:
    """The operating point: on target, evaporation made up by solvent, offsets zero."""
    temp, turning = c["mixing.nominal.temp"], c["mixing.nominal.anchor_speed"]
    evaporation = c["mixing.nominal.evaporation"]
    blending = c["mixing.blending.revolutions"] / (3.0 * turning)
    return {
        "mixer.mass": c["mixing.nominal.mass"],
        "mixer.solids": c["mixing.nominal.solids"],
        "mixer.unblended": evaporation * blending,
        "mixer.dissolved": 1.0,
        "mixer.temp": temp,
        "mixer.jacket_temp": temp,
        "mixer.anchor_speed": turning,
        "mixer.anchor_sp": turning,
        "mixer.jacket_sp": temp,
        "mixer.solvent_sp": evaporation,
        "mixer.ambient_temp": c["mixing.nominal.ambient"],
        "mixer.evaporation": evaporation,
        "d_visc": 0.0,
        "d_probe": 0.0,
        "d_torque": 0.0,
        "d_heat": 0.0,
    }
