"""A race of optimisers around the same plant: what happens to it, and what came of each.

Each solver closes its own loop: the control model with small unknown errors in its disturbances,
noise on the state, set-point steps, and known disturbances that move.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Stopwatch
from controller.aims import REST_WEIGHT, LoopSpec, loop_spec
from controller.problem import CvAim, MvAim, Optimizer, Question, Shape, slack_price, tracking_price
from controller.realtime import RealtimeOptimizer
from controller.transcription import Scaling, discrete_map
from plant_models import coating_control, mixing_control
from plant_models.control_model import ControlModel, Vector

STEP_EVERY = 80  # cycles between set-point steps
LEARNED_AFTER = 4  # cycles until an unknown disturbance is estimated
WARM = 1  # laps that are told apart: a cold start is no cycle


@dataclass(slots=True)
class Lane:
    """One solver, its own plant, and what came of them."""

    optimizer: Optimizer
    x: Vector
    u: Vector
    build_s: float
    memory_mb: float  # what building and the first solve added to this process
    cost: float = 0.0
    failed: int = 0
    watch: Stopwatch = field(default_factory=Stopwatch)
    iterations: list[int] = field(default_factory=list)


class Course:
    """What happens to a loop: the same for every solver."""

    def __init__(
        self, loop: str, spec: LoopSpec, model: ControlModel, cycles: int, seed: int
    ) -> None:
        """Draw every disturbance and every noise beforehand, from one seed."""
        rng = np.random.default_rng(seed)
        n, names = cycles + spec.horizon + 1, model.disturbances
        self.known = np.tile(model.nominal_vector(names), (n, 1))
        self.unknown = np.zeros((n, len(names)))
        self.noise = 0.002 * rng.normal(size=(n, len(model.states)))
        t = np.arange(n)
        if loop == "coating":
            speed, solids = names.index("coater.line_speed"), names.index("coater.feed_solids")
            self.known[:, speed] *= 1.0 + 0.15 * np.clip(np.sin(t / 60.0) * 1.5, -1.0, 1.0)
            self.known[:, solids] += 0.01 * np.sign(np.sin(t / 97.0))
            self.unknown[:, names.index("d_coat")] = np.cumsum(rng.normal(size=n) * 0.001)
            self.unknown[:, names.index("d_residual")] = 0.6 * np.sin(t / 45.0)
            self.relative_step = 0.02
        else:
            lot = 0.06 * np.sign(np.sin(t / 53.0))
            self.unknown[:, names.index("d_visc")] = lot + np.cumsum(rng.normal(size=n) * 0.001)
            self.unknown[:, names.index("d_torque")] = 10.0 * np.sin(t / 40.0)
            self.known[:, names.index("mixer.ambient_temp")] += 5.0 * np.sin(t / 120.0)
            self.relative_step = 0.03

    def plant(self, k: int) -> Vector:
        """The disturbances the plant really sees."""
        row: Vector = self.known[k] + self.unknown[k]
        return row

    def told(self, k: int, horizon: int) -> Vector:
        """What an estimator would tell: known ones now, unknown ones late, both held."""
        row = self.known[k] + self.unknown[max(0, k - LEARNED_AFTER)]
        return np.tile(row, (horizon + 1, 1))

    def target(self, k: int, nominal: float) -> float:
        """Set-point steps up, back, down and back."""
        return nominal * (1.0 + self.relative_step * (0.0, 1.0, 0.0, -1.0)[k // STEP_EVERY % 4])


class Race:
    """All solvers on one loop."""

    def __init__(
        self,
        loop: str,
        sealed: Mapping[str, Any],
        builders: Mapping[str, Callable[[Shape], Optimizer]],
        cycles: int,
        seed: int,
        *,
        horizon: int | None = None,
        model: ControlModel | None = None,
    ) -> None:
        """Build every solver; `cycles` is how long the race is, `seed` draws what happens.

        `horizon` and `model` replace what the configuration says.
        """
        spec = loop_spec(loop, sealed)
        self.spec = spec if horizon is None else dataclasses.replace(spec, horizon=horizon)
        module = coating_control if loop == "coating" else mixing_control
        self.model = model or module.control_model()
        cvs = tuple(cv.tag for cv in self.spec.cvs)
        self.shape = Shape(
            self.model, self.spec.period_s, self.spec.horizon, cvs, self.spec.soft_limits
        )
        self.scaling = Scaling(self.shape)
        self.advance = discrete_map(self.model, self.spec.period_s, 8)
        self.setpoints = sealed["limits"]["setpoints"]
        self.course = Course(loop, self.spec, self.model, cycles, seed)
        self.cycles = cycles
        self.lanes = {name: self._lane(build) for name, build in builders.items()}

    def _lane(self, build: Callable[[Shape], Optimizer]) -> Lane:
        u = self.model.nominal_vector(self.model.inputs)
        x = self.model.nominal_vector(self.model.states)
        before, started = _resident_mb(), time.perf_counter()
        optimizer = build(self.shape)
        optimizer.solve(self._question(x, u, 0))  # some build the rest only now
        build_s = time.perf_counter() - started
        optimizer.forget()
        return Lane(optimizer, x, u, build_s, _resident_mb() - before)

    def run(self) -> None:
        """Let every solver plan each cycle, one after the other, in a turning order."""
        names = list(self.lanes)
        for k in range(self.cycles):
            for i in range(len(names)):
                self._cycle(self.lanes[names[(k + i) % len(names)]], k)

    def _cycle(self, lane: Lane, k: int) -> None:
        scale = self.model.scale_vector(self.model.states)
        seen = lane.x + self.course.noise[k] * scale
        question = self._question(seen, lane.u, k)
        with lane.watch:
            answer = lane.optimizer.solve(question)
        lane.iterations.append(answer.iterations)
        before = lane.u
        if answer.moves is None:
            lane.failed += 1
        else:
            lane.u = np.array([answer.moves[tag] for tag in self.shape.mvs])
        lane.x = np.asarray(self.advance(lane.x, lane.u, self.course.plant(k)), dtype=float).ravel()
        lane.cost += self._price(question, lane, before, k)

    def _price(self, question: Question, lane: Lane, before: Vector, k: int) -> float:
        """What this cycle cost on the plant as it really went."""
        seen = self.model.observe(lane.x, lane.u, self.course.plant(k + 1))

        cost = 0.0
        for i, tag in enumerate(self.shape.cvs):
            aim, unit = question.cvs[tag], float(self.scaling.y_unit[i])
            if aim.reference is not None:
                error = (seen[tag] - float(aim.reference[0])) / unit
                cost += tracking_price(aim.weight, aim.rank) * error**2
            low = 0.0 if aim.low is None else max(0.0, aim.low - seen[tag])
            high = 0.0 if aim.high is None else max(0.0, seen[tag] - aim.high)
            cost += slack_price(aim.rank) * (low + high) / unit
        moves = (lane.u - before) / self.scaling.u_scale
        for i, tag in enumerate(self.shape.mvs):
            mv = question.mvs[tag]
            away = (lane.u[i] - mv.rest) / self.scaling.u_scale[i]
            cost += mv.move_weight * moves[i] ** 2 + mv.rest_weight * away**2
        return float(cost)

    def _question(self, x: Vector, u: Vector, k: int) -> Question:
        spec, n = self.spec, self.spec.horizon
        cvs = {}
        for i, cv in enumerate(spec.cvs):
            # the first tracked CV gets the set-point steps
            target = cv.target
            if target is not None and i == 0:
                target = self.course.target(k, target)
            way = None if target is None else np.full(n, target)
            cvs[cv.tag] = CvAim(way, cv.low, cv.high, cv.weight, cv.rank)
        mvs = {}
        for i, mv in enumerate(spec.mvs):
            low, high = self.setpoints[mv.tag]["operating"]
            step = float(self.setpoints[mv.tag]["rate"]) * spec.period_s
            rest = float(u[i]) if mv.rest is None else mv.rest
            pull = 0.0 if mv.rest is None else REST_WEIGHT
            mvs[mv.tag] = MvAim(float(u[i]), low, high, step, mv.move_weight, rest, pull)
        return Question(x, self.course.told(k, n), cvs, mvs)

    def figures(self, name: str, reference: str | None = None) -> dict[str, Any]:
        """What came of one solver, its cost beside that of `reference`.

        `total` is question in, checked answer out. No solver prepares anything before the question
        is known: slopes are taken at the state that was just estimated, never at a predicted one.
        """
        lane = self.lanes[name]
        told: dict[str, Any] = {
            "cycles": len(lane.iterations),
            "failed": lane.failed,
            "start_s": lane.build_s,
            "first_ms": lane.watch.wall_ms[0],
            "memory_mb": lane.memory_mb,
            "iterations": {
                "mean": float(np.mean(lane.iterations)),
                "max": int(np.max(lane.iterations)),
            },
            "cost": lane.cost,
            "total": lane.watch.told(WARM),
        }
        if reference is not None:
            theirs = self.lanes[reference].cost
            told["cost_over_reference_percent"] = 100.0 * (lane.cost / theirs - 1.0)
        if isinstance(lane.optimizer, RealtimeOptimizer):
            told["recoveries"] = lane.optimizer.recoveries
            told["note"] = lane.optimizer.note
        return told


def _resident_mb() -> float:
    """Resident memory of this process, or nothing where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return float("nan")
    return pages * 4096 / 2**20
