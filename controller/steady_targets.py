"""Where the line should come to rest: a small programme over steady states, rank by rank.

The horizon is shorter than the oven's lag, so what is worth waiting for is decided here: gains at
rest, one small quadratic programme per rank, then the economic wish (push one variable as far as
the limits let it), then the distance from the configured rest values. Its answer becomes the rest
value of each MV, so the dynamic optimiser never pulls against a limit. The programme is linear
about what is in force and solved anew every cycle, which walks it to the optimum of the model.

symbol   meaning                                                       unit
m        free variables, from what is in force                         tenths of their scale
s        excess over each soft limit, distance from each target        tenths of CV scale
G        dy/dm at rest: C (-A)^-1 B + D                                CV per MV, tenths
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import casadi as ca
import numpy as np

from controller.problem import UNIT_SHARE, CvAim, Shape
from controller.quick import Quick
from plant_models.control_model import Expression, Vector

REACH_STEPS = 20.0
"""A target lies no further away than this many of the largest steps."""
LITTLE = 1.0e-4
"""Curvature that makes every programme's optimum unique; price of a move where nothing else is."""
ROOM = 1.0e-6


@dataclass(frozen=True, slots=True)
class Free:
    """One variable that may move: what is in force, its limits, largest step and rest (SI)."""

    applied: float
    low: float
    high: float
    max_step: float
    rest: float | None


@dataclass(frozen=True, slots=True)
class SteadyTargets:
    """Where each variable should rest (SI), what holds the push back, and what cannot be kept."""

    targets: Mapping[str, float]
    binding: Sequence[str] = ()
    gave_up: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """One side of one CV: gain row and room left (tenths of scale); `rank` 0 is a target."""

    name: str
    rank: int
    gains: Vector
    low: float
    high: float
    unit: float


class SteadyTargetOptimizer:
    """Built once for a shape; `driven` are disturbances of the model that can be moved too.

    `driven` maps the setpoint's tag to the model's disturbance (the line speed).
    """

    def __init__(self, shape: Shape, driven: Mapping[str, str]) -> None:
        """Build the model's gains at rest and one reusable programme."""
        model = shape.model
        self._shape = shape
        self.names = (*model.inputs, *driven)
        x, u, p = (ca.SX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
        flow, y = model.rhs(x, u, p), model.measure(x, u, p)
        m = [u, *(p[model.disturbances.index(name)] for name in driven.values())]
        to_rest = ca.solve(ca.jacobian(flow, x), flow)
        slope = [ca.horzcat(*(ca.jacobian(of, part) for part in m)) for of in (flow, y)]
        gains = slope[1] - ca.jacobian(y, x) @ ca.solve(ca.jacobian(flow, x), slope[0])
        self._newton = Quick(ca.Function("newton", [x, u, p], [ca.densify(to_rest)]))
        self._gains = Quick(ca.Function("gains", [x, u, p], [ca.densify(y), ca.densify(gains)]))
        scales = [model.scales[name] for name in (*model.inputs, *driven.values())]
        self._units = UNIT_SHARE * np.array(scales)
        self._state_scales = model.scale_vector(model.states)
        self._programmes: dict[int, Expression] = {}

    def targets(
        self,
        x: Vector,
        p: Vector,
        cvs: Mapping[str, CvAim],
        free: Mapping[str, Free],
        push: str | None = None,
        backoff: float = 0.0,
    ) -> SteadyTargets | None:
        """Find the targets; None when the model has no rest point near here.

        `x` is a guess of the state, `p` the disturbances that stay. `push` is raised as far as the
        limits let it, kept `backoff` (tenths of CV scale) inside them.
        """
        applied = np.array([free[name].applied for name in self.names])
        u = applied[: len(self._shape.model.inputs)]
        at_rest = self._rest(x, u, p)
        if at_rest is None:
            return None
        self._gains(at_rest, u, p)
        y, gains = self._gains.outputs
        rows = self._rows(y.ravel(), gains * self._units, cvs, backoff if push else 0.0)
        low, high = self._box(free, applied)
        wish = np.array(
            [
                0.0 if one.rest is None else (one.rest - one.applied) / unit
                for one, unit in zip((free[n] for n in self.names), self._units, strict=True)
            ]
        )
        weigh = np.array([LITTLE if free[name].rest is None else 1.0 for name in self.names])
        cost = (2.0 * weigh, -2.0 * weigh * wish)
        worst = np.zeros(len(rows))  # if nothing needs to yield, one programme is all there is
        found = None if push else self._solve(rows, low, high, worst, cost)
        if found is None:
            worst = self._yielding(rows, low, high)
            if push is not None:
                worst_push = self._solve(rows, low, high, worst, self._raised(push))
                if worst_push is not None:
                    at = self.names.index(push)
                    low[at] = max(low[at], min(high[at], worst_push[at] - ROOM))
            found = self._solve(rows, low, high, worst, cost)
        if found is None:
            return None
        targets = dict(zip(self.names, (applied + found * self._units).tolist(), strict=True))
        binding = self._binding(rows, found, low, high, worst, free) if push else []
        gave_up = [
            (row.name, float(s) * row.unit)
            for row, s in sorted(zip(rows, worst, strict=True), key=lambda pair: -pair[0].rank)
            if row.rank > 0 and s > 1e-3
        ]
        return SteadyTargets(targets, binding, gave_up)

    # -- pieces ----------------------------------------------------------------------------------

    def _rest(self, x: Vector, u: Vector, p: Vector) -> Vector | None:
        """The rest point under `u` and `p` by damped Newton steps; None when there is none."""
        for _ in range(25):
            step = -self._newton(x, u, p).ravel()
            if not np.all(np.isfinite(step)):
                return None
            largest = float(np.max(np.abs(step) / self._state_scales))
            x = x + step * min(1.0, 1.0 / max(largest, 1e-30))
            if largest < 1e-9:
                return x
        return None

    def _rows(
        self, y: Vector, gains: Vector, cvs: Mapping[str, CvAim], backoff: float
    ) -> list[_Row]:
        model, rows = self._shape.model, list[_Row]()
        for tag, aim in cvs.items():
            at, unit = model.outputs.index(tag), UNIT_SHARE * model.scales[tag]
            row, now = gains[at] / unit, y[at] + aim.bias
            if aim.reference is not None:
                off = (float(aim.reference[-1]) - now) / unit
                rows.append(_Row(tag, 0, row, off, off, unit))
            if aim.low is not None:
                least = (aim.low - now) / unit + backoff
                rows.append(_Row(f"{tag} low", aim.rank, row, least, np.inf, unit))
            if aim.high is not None:
                most = (aim.high - now) / unit - backoff
                rows.append(_Row(f"{tag} high", aim.rank, row, -np.inf, most, unit))
        return rows

    def _box(self, free: Mapping[str, Free], applied: Vector) -> tuple[Vector, Vector]:
        """Limits and reach of each variable, from what is in force; never an empty box."""
        reach = np.array([REACH_STEPS * free[name].max_step for name in self.names])
        low = np.array([free[name].low for name in self.names])
        high = np.array([free[name].high for name in self.names])
        least = np.minimum(np.maximum(low - applied, -reach), reach) / self._units
        most = np.maximum(np.minimum(high - applied, reach), -reach) / self._units
        return least, np.maximum(least, most)

    def _yielding(self, rows: Sequence[_Row], low: Vector, high: Vector) -> Vector:
        """How much each row must yield: nothing if it can be, else the least, by rank."""
        worst = np.zeros(len(rows))
        none = (np.full(len(low), LITTLE), np.zeros(len(low)))
        if not rows or self._solve(rows, low, high, worst, none) is not None:
            return worst
        ranks = sorted({row.rank for row in rows})
        worst = np.full(len(rows), np.inf)
        for rank in ranks:
            priced = np.array([1.0 if row.rank == rank else 0.0 for row in rows])
            found = self._solve(rows, low, high, worst, none, priced)
            if found is None:
                return np.full(len(rows), np.inf)
            for i, row in enumerate(rows):
                if row.rank == rank:
                    course = float(row.gains @ found)
                    worst[i] = max(0.0, course - row.high, row.low - course) + ROOM
        return worst

    def _raised(self, push: str) -> tuple[Vector, Vector]:
        slope = np.zeros(len(self.names))
        slope[self.names.index(push)] = -1.0
        return np.full(len(self.names), LITTLE), slope

    def _solve(
        self,
        rows: Sequence[_Row],
        low: Vector,
        high: Vector,
        worst: Vector,
        cost: tuple[Vector, Vector],
        priced: Vector | None = None,
    ) -> Vector | None:
        """Minimise 1/2 m H m + g m + priced s^2 with row - s in its range, |s| <= `worst`."""
        n, k = len(low), len(rows)
        solver = self._programme(k)
        A = np.hstack([np.array([row.gains for row in rows]).reshape(k, n), -np.eye(k)])
        price = 2.0 * (np.zeros(k) if priced is None else priced) + LITTLE * LITTLE
        answer = solver(
            h=ca.DM(ca.Sparsity.diag(n + k), np.concatenate((cost[0], price))),
            g=np.concatenate((cost[1], np.zeros(k))),
            a=A,
            lba=np.array([row.low for row in rows]),
            uba=np.array([row.high for row in rows]),
            lbx=np.concatenate((low, -worst)),
            ubx=np.concatenate((high, worst)),
        )
        if not solver.stats()["success"]:
            return None
        found = np.asarray(answer["x"], dtype=float).ravel()[:n]
        return np.clip(found, low, high) if np.all(np.isfinite(found)) else None

    def _programme(self, rows: int) -> Expression:
        if rows not in self._programmes:
            n = len(self.names)
            shape = {"h": ca.Sparsity.diag(n + rows), "a": ca.Sparsity.dense(rows, n + rows)}
            quiet = {"error_on_fail": False, "print_time": False}
            self._programmes[rows] = ca.conic("targets", "daqp", shape, quiet)
        return self._programmes[rows]

    def _binding(
        self,
        rows: Sequence[_Row],
        found: Vector,
        low: Vector,
        high: Vector,
        worst: Vector,
        free: Mapping[str, Free],
    ) -> list[str]:
        """What stops the push: limits of CVs and of variables that the targets lie on."""
        words = []
        for row, s in zip(rows, worst, strict=True):
            course = float(row.gains @ found)
            if row.rank > 0 and (course >= row.high + s - 0.01 or course <= row.low - s + 0.01):
                words.append(row.name)
        for name, value, unit in zip(self.names, found, self._units, strict=True):
            one, near = free[name], 0.01 * unit
            target = one.applied + value * unit
            if target >= one.high - near:
                words.append(f"{name} high")
            elif target <= one.low + near:
                words.append(f"{name} low")
        return words
