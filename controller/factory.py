"""Builds the controller of a loop from the sealed configuration."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from controller.aims import LoopSpec, loop_spec
from controller.hold import HoldController
from controller.pi import CoatingPi, MixingPi
from controller.plan import LoopController, Plan, PlanRequest
from controller.problem import Optimizer, Shape
from plant_models.control_model import ControlModel
from plant_models.parameters import Parameters

ACCIDENTS = (ArithmeticError, ValueError, LookupError, RuntimeError, TypeError)


class Forgetting(LoopController, Protocol):
    """A controller that can start anew."""

    def forget(self) -> None:
        """Start without a past."""
        ...


class Guarded:
    """Times a controller, and turns a numerical accident inside it into a plan without proposal.

    The controller itself reads no clock; the time is for people only and decides nothing.
    """

    def __init__(self, inner: Forgetting, loop: str) -> None:
        """Guard `inner`, the controller of `loop`."""
        self.inner = inner
        self._loop = loop

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle, whatever the numbers do."""
        started = time.perf_counter()
        try:
            plan = self.inner.plan(request)
        except ACCIDENTS as error:
            plan = Plan(f"failed: {type(error).__name__}: {error}", None)
        return replace(plan, solve_ms=round(1000.0 * (time.perf_counter() - started), 3))

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings in, whatever the numbers do."""
        with contextlib.suppress(*ACCIDENTS):
            self.inner.observe(request)

    def forget(self) -> None:
        """Start without a past: the next request is the first one."""
        self.inner.forget()

    def change_recipe(self, sealed: Mapping[str, Any]) -> None:
        """Take another recipe's targets, limits and models at once, without a bump.

        What is known of web, hose and disturbances goes on, unless the control model itself is
        another one.
        """
        new = build_controller(self._loop, sealed).inner
        take_over = getattr(new, "take_over", None)
        if take_over is not None and type(new) is type(self.inner):
            take_over(self.inner)
        self.inner = new


def build_controller(loop: str, sealed: Mapping[str, Any]) -> Guarded:
    """Build the controller that the configuration names for `loop`.

    Raises:
        ValueError: the kind of controller, its solver or the loop is unknown.
    """
    return Guarded(_unguarded(loop, sealed), loop)


def _unguarded(loop: str, sealed: Mapping[str, Any]) -> Forgetting:
    """The bare controller of `loop`."""
    spec = loop_spec(loop, sealed)
    kind = spec.controller["kind"]
    if loop not in ("coating", "profile", "mixing"):
        known = "coating, profile or mixing"
        raise ValueError(f"no controller is known for a loop called {loop!r}: {known}")
    # No PI is honest across a lip: where the others are under PI, the bolts stand.
    if kind == "hold" or (kind == "pi" and loop == "profile"):
        return HoldController(spec)
    if kind == "pi":
        return CoatingPi(spec) if loop == "coating" else MixingPi(spec)
    if kind == "mpc" and loop == "profile":
        from controller.cd_control import ProfileController

        return ProfileController(spec)
    if kind == "mpc":
        return _coating_mpc(spec) if loop == "coating" else _mixing_mpc(spec)
    raise ValueError(f"no controller is of kind {kind!r}; known are mpc, pi and hold")


def _coating_mpc(spec: LoopSpec) -> Forgetting:
    # Imported here: PI and hold need no numerical library.
    if spec.controller.get("filter") is not None:
        raise ValueError("the coating loop has one estimator; 'filter' is for the mixing loop")
    from controller.coating_estimator import CoatingEstimator
    from controller.coating_settings import COATING_SETTINGS
    from controller.economic import EconomicLayer
    from controller.mpc import MpcController
    from plant_models.coating_control import coating_parameters, control_model

    model = control_model(coating_parameters(spec.overrides("model")))
    settings = Parameters(COATING_SETTINGS, spec.overrides("estimator"))
    estimator = CoatingEstimator(
        model,
        settings,
        spec.period_s,
        bad_cycles=spec.bad_cycles,
        target_kg_m2=spec.targets["coater.dry_coat_weight"],
        late_zones_k=spec.recipe["nominal"]["oven_zones"][-2:],
    )
    optimizer = _optimizer(spec, model)
    return MpcController(spec, estimator, optimizer, advisor=EconomicLayer(spec, optimizer.shape))


def _mixing_mpc(spec: LoopSpec) -> Forgetting:
    from controller.batch import BatchLayer
    from controller.mixing_estimator import MixingEstimator
    from controller.mixing_settings import MIXING_SETTINGS
    from controller.mpc import MpcController
    from plant_models.mixing_control import control_model, mixing_parameters

    model = control_model(mixing_parameters(spec.overrides("model")))
    settings = Parameters(MIXING_SETTINGS, spec.overrides("estimator"))
    kind: type[MixingEstimator] = MixingEstimator
    if (spec.controller.get("filter") or "ekf") == "mhe":
        from controller.mixing_mhe import MixingMhe

        kind = MixingMhe
    estimator = kind(model, settings, spec.period_s, bad_cycles=spec.bad_cycles)
    return MpcController(
        spec,
        estimator,
        _optimizer(spec, model),
        approach_s=settings["approach.time"],
        advisor=BatchLayer(spec, model, settings["approach.time"]),
    )


def _optimizer(spec: LoopSpec, model: ControlModel) -> Optimizer:
    """The solver that `controller: solver:` names: 'realtime' (default), 'shooting' or 'do-mpc'."""
    shape = Shape(
        model, spec.period_s, spec.horizon, tuple(cv.tag for cv in spec.cvs), spec.soft_limits
    )
    solver = spec.controller.get("solver") or "realtime"
    if solver == "realtime":
        from controller.realtime import RealtimeOptimizer

        return RealtimeOptimizer(shape)
    if solver == "shooting":
        from controller.optimizer import ShootingOptimizer

        return ShootingOptimizer(shape)
    if solver == "do-mpc":
        from controller.dompc_optimizer import DompcOptimizer

        return DompcOptimizer(shape)
    raise ValueError(f"no solver is called {solver!r}; known are realtime, shooting and do-mpc")
