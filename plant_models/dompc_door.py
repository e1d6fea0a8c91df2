"""The one door to do-mpc: turns a control model into a do_mpc Model, expressions unchanged."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import casadi as ca

from plant_models.control_model import ControlModel, Expression

with warnings.catch_warnings():  # do-mpc warns of extras we neither have nor use
    warnings.simplefilter("ignore")
    from do_mpc.model import Model

RUNGE_KUTTA_STEP_S = 1.0  # shorter than any lag in the control models


def spoken(name: str) -> str:
    """The do-mpc name of a tag: do-mpc allows no dot in a name."""
    return name.replace(".", "__")


def advance(
    model: ControlModel, x: Expression, u: Expression, p: Expression, period_s: float
) -> Expression:
    """The state one period later by classical Runge-Kutta steps (Kutta 1901)."""
    steps = max(1, round(period_s / RUNGE_KUTTA_STEP_S))
    h = period_s / steps
    for _ in range(steps):
        k1 = model.rhs(x, u, p)
        k2 = model.rhs(x + h / 2.0 * k1, u, p)
        k3 = model.rhs(x + h / 2.0 * k2, u, p)
        k4 = model.rhs(x + h * k3, u, p)
        x = x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return x


def to_dompc(
    model: ControlModel, period_s: float | None = None, also: Sequence[str] = ()
) -> Expression:
    """A set-up `do_mpc.model.Model`: discrete with `period_s` [s], continuous without.

    States, inputs and time-varying parameters carry the control model's names with '.' as '__';
    each output is an auxiliary expression under its own name with 'y_' before it. `also` names
    further time-varying parameters (targets, limits), which the model itself does not use.
    """
    built = Model("continuous" if period_s is None else "discrete", "SX")
    x = ca.vertcat(*[built.set_variable("_x", spoken(name)) for name in model.states])
    u = ca.vertcat(*[built.set_variable("_u", spoken(name)) for name in model.inputs])
    p = ca.vertcat(*[built.set_variable("_tvp", spoken(name)) for name in model.disturbances])
    for name in also:
        built.set_variable("_tvp", spoken(name))
    ahead = model.rhs(x, u, p) if period_s is None else advance(model, x, u, p, period_s)
    for index, name in enumerate(model.states):
        built.set_rhs(spoken(name), ahead[index])
    y = model.measure(x, u, p)
    for index, name in enumerate(model.outputs):
        built.set_expression("y_" + spoken(name), y[index])
    built.setup()
    return built
