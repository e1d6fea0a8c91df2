"""Races the optimisers on both loops, in the same run, cycle by cycle in turn.

    python benchmarks/solvers.py --cycles 500 --output solvers.json

Each solver closes its own loop around the same plant: the control model with small unknown errors
in its disturbances, noise on the state, set-point steps, and known disturbances that move. Told per
solver: time of a whole solve (question in, checked answer out), iterations, failures, and the cost
of its loop (tracking, soft limits, moves, as the optimiser prices them, on the plant as it really
went) relative to `shooting`, which converges to 1e-6. `do-mpc` is
this project's reference (fine Runge-Kutta steps, hard move limits), `stock do-mpc` what its manual
shows. Each time is told as wall time and as processor time of this process; on a busy machine only
the latter means much, and anywhere only ratios within one run do.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.stock_dompc import StockDompc
from controller.aims import REST_WEIGHT, LoopSpec, loop_spec
from controller.dompc_optimizer import DompcOptimizer
from controller.optimizer import ShootingOptimizer
from controller.problem import CvAim, MvAim, Optimizer, Question, Shape, slack_price, tracking_price
from controller.realtime import RealtimeOptimizer
from controller.transcription import Scaling, discrete_map
from plant_models import coating_control, mixing_control
from plant_models.control_model import ControlModel, Vector
from service.config_load import load_line

STOCK = "stock do-mpc"
BUILDERS: Mapping[str, Callable[[Shape], Optimizer]] = {
    "realtime": RealtimeOptimizer,
    "shooting": ShootingOptimizer,
    "do-mpc": DompcOptimizer,
    STOCK: StockDompc,
}
REFERENCE = "shooting"
SEED = 20261122
CONFIG = Path("config/line.yaml")
STEP_EVERY = 80  # cycles between set-point steps
LEARNED_AFTER = 4  # cycles until an unknown disturbance is estimated


@dataclass(slots=True)
class Lane:
    """One solver, its own plant, and what came of them."""

    optimizer: Optimizer
    x: Vector
    u: Vector
    build_s: float
    cost: float = 0.0
    failed: int = 0
    solve_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
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
        self, loop: str, sealed: Mapping[str, Any], solvers: list[str], cycles: int, seed: int
    ) -> None:
        """Build every solver; `cycles` is how long the race is, `seed` draws what happens."""
        self.spec = loop_spec(loop, sealed)
        module = coating_control if loop == "coating" else mixing_control
        self.model = module.control_model()
        cvs = tuple(cv.tag for cv in self.spec.cvs)
        self.shape = Shape(
            self.model, self.spec.period_s, self.spec.horizon, cvs, self.spec.soft_limits
        )
        self.scaling = Scaling(self.shape)
        self.advance = discrete_map(self.model, self.spec.period_s, 8)
        self.setpoints = sealed["limits"]["setpoints"]
        self.course = Course(loop, self.spec, self.model, cycles, seed)
        self.cycles = cycles
        self.lanes = {name: self._lane(name) for name in solvers}

    def _lane(self, name: str) -> Lane:
        started = time.perf_counter()
        optimizer = BUILDERS[name](self.shape)
        build_s = time.perf_counter() - started
        u = self.model.nominal_vector(self.model.inputs)
        x = self.model.nominal_vector(self.model.states)
        return Lane(optimizer, x, u, build_s)

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
        started, cpu = time.perf_counter(), time.process_time()
        answer = lane.optimizer.solve(question)
        lane.solve_ms.append(1000.0 * (time.perf_counter() - started))
        lane.cpu_ms.append(1000.0 * (time.process_time() - cpu))
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

    def result(self) -> dict[str, Any]:
        """Figures by solver."""
        reference = self.lanes[REFERENCE].cost
        slow = self.lanes.get(STOCK)
        return {name: self._figures(lane, reference, slow) for name, lane in self.lanes.items()}

    def _figures(self, lane: Lane, reference: float, slow: Lane | None) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "cycles": len(lane.solve_ms),
            "failed": lane.failed,
            "build_s": round(lane.build_s, 3),
            "first_ms": round(lane.solve_ms[0], 3),  # a cold start, told apart
            "iterations_mean": float(np.mean(lane.iterations)),
            "cost": lane.cost,
            "cost_over_reference_percent": 100.0 * (lane.cost / reference - 1.0),
        }
        for clock in ("solve_ms", "cpu_ms"):
            figures[clock] = _spread(getattr(lane, clock)[1:])
            if slow is not None:
                theirs = _spread(getattr(slow, clock)[1:])
                figures[clock]["times_faster"] = {
                    name: theirs[name] / figures[clock][name] for name in ("median", "p99", "worst")
                }
        if isinstance(lane.optimizer, RealtimeOptimizer):
            figures["recoveries"] = lane.optimizer.recoveries
            figures["note"] = lane.optimizer.note
        return figures


def _spread(times: list[float]) -> dict[str, Any]:
    return {
        "median": float(np.median(times)),
        "p99": float(np.quantile(times, 0.99)),
        "worst": float(np.max(times)),
    }


def run(
    cycles: int,
    seed: int = SEED,
    *,
    loops: Sequence[str] = ("coating", "mixing"),
    solvers: Sequence[str] = tuple(BUILDERS),
    config: Path = CONFIG,
) -> dict[str, Any]:
    """Race every solver on every loop; return figures by loop and solver as plain data."""
    lanes = [REFERENCE, *(name for name in solvers if name != REFERENCE)]
    sealed = load_line(config).sealed
    told: dict[str, Any] = {}
    for loop in loops:
        race = Race(loop, sealed, lanes, cycles, seed)
        race.run()
        told[loop] = race.result()
    return told


def scaling(config: Path = CONFIG) -> dict[str, Any]:
    """How the real-time optimiser's time grows with horizon, states and loops on one core."""
    raise NotImplementedError("measured from the next change on")


def main() -> int:
    """Run the races and print or write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--loops", nargs="+", default=["coating", "mixing"])
    parser.add_argument("--solvers", nargs="+", default=list(BUILDERS))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    told: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "loops": run(
            asked.cycles,
            asked.seed,
            loops=asked.loops,
            solvers=asked.solvers,
            config=asked.config,
        ),
    }
    text = json.dumps(told, indent=2)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
