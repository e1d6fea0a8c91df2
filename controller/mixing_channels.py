"""What the mixing filter sees: its slow disturbances, its channels, and both as functions."""

from __future__ import annotations

from collections.abc import Mapping

import casadi as ca

from controller.transcription import discrete_map
from plant_models.control_model import ControlModel, Expression

WALKERS = ("d_visc", "d_probe", "d_torque", "d_heat", "mixer.evaporation")
BOUNDS: Mapping[str, tuple[float, float]] = {
    "d_visc": (-1.5, 1.5),
    "d_probe": (-0.7, 0.7),
    "d_torque": (-100.0, 100.0),
    "d_heat": (-3000.0, 3000.0),
    "mixer.evaporation": (0.0, 3.0e-3),
    "mixer.solids": (0.05, 0.95),
    "mixer.unblended": (0.0, 50.0),
    "mixer.dissolved": (0.05, 1.0),
}
"""The estimate is bounded whatever the readings say."""
READ: Mapping[str, tuple[str, str]] = {
    "mixer.anchor_speed": ("mixer.anchor_speed", "noise.speed"),
    "mixer.mass": ("mixer.mass", "noise.mass"),
    "mixer.jacket_temp": ("mixer.jacket_temp", "noise.jacket"),
    "mixer.temp": ("mixer.temp", "noise.temp"),
    "mixer.torque": ("mixer.torque", "noise.torque"),
    "mixer.viscosity": ("ln mixer.viscosity", "noise.probe"),
}
"""Reading -> (channel of the filter, its noise), in the order they are taken in."""
WALKS = (
    "walk.mass",
    "walk.solids",
    "walk.unblended",
    "walk.dissolved",
    "walk.temp",
    "walk.jacket",
    "walk.speed",
    "walk.visc",
    "walk.probe",
    "walk.torque",
    "walk.heat",
    "walk.evaporation",
)
CHANNELS = (
    "ln mixer.viscosity_25c",
    "ln mixer.viscosity",
    "mixer.torque",
    "mixer.temp",
    "mixer.jacket_temp",
    "mixer.mass",
    "mixer.anchor_speed",
)
LAB, PROBE = "ln mixer.viscosity_25c", "ln mixer.viscosity"


def filter_functions(model: ControlModel, period_s: float) -> tuple[Expression, Expression]:
    """The filter's two functions of (z, u, ambient): one step and its slope, channels and theirs.

    `z` is the model's state followed by WALKERS, which stay as they are.
    """
    nx = len(model.states)
    z = ca.SX.sym("z", nx + len(WALKERS))
    u = ca.SX.sym("u", len(model.inputs))
    ambient = ca.SX.sym("ambient")
    known = {name: z[nx + i] for i, name in enumerate(WALKERS)} | {"mixer.ambient_temp": ambient}
    p = ca.vertcat(*(known[name] for name in model.disturbances))
    z_next = ca.vertcat(discrete_map(model, period_s)(z[:nx], u, p), z[nx:])
    y = model.measure(z[:nx], u, p)
    seen = {name: y[i] for i, name in enumerate(model.outputs)}
    seen |= {name: z[i] for i, name in enumerate(model.states)}
    told = ca.vertcat(
        *(ca.log(seen[c.removeprefix("ln ")]) if c.startswith("ln ") else seen[c] for c in CHANNELS)
    )
    step = ca.Function("step", [z, u, ambient], [z_next, ca.jacobian(z_next, z)])
    look = ca.Function("look", [z, u, ambient], [told, ca.jacobian(told, z)])
    return step, look
