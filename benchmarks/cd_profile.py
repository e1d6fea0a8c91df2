"""Times the profile's quadratic programme from 12 to 400 bolts, beside other solvers in one run.

    python benchmarks/cd_profile.py --output cd.json

A closed loop per size and load: the profile walks at random, the bolts follow each answer. 'Calm'
asks for a few micrometres, so that hardly a limit binds; 'hard' for so many that a third of all
limits (range, move, bending) do. Every solver answers the same question in the same cycle, in turn.
'ours' is the whole call: question in, certified answer out; the others are their bare solve, on the
problem as `ProfileQp` poses it, without any check. Peers run when they are installed: piqp always
is, daqp and osqp are not needed by anything else here. Times are this process's processor times.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from controller.cd_filter import Point, ProfileFilter, Walks
from controller.cd_kkt import CdProblem, Matrix, Vector, breach_um
from controller.cd_qp import CdLimits, CdQuestion, ProfileQp
from plant_models.cd_profile import interaction_matrix, lane_centres_m

SIZES = (12, 60, 120, 200, 400)
LOADS: Mapping[str, float] = {"calm": 3.0, "hard": 11.0}
"""Standard deviation [%] of the profile that is asked away."""
CYCLES = 120
SEED = 20261125
BOX_PER_BOLT, WIDTH, RANGE_UM, STEP_UM = 2, 2.1, 50.0, 5.0
LIMIT_MS, LIMIT_BOLTS = 1.0, 200

Peer = Callable[[CdProblem], Vector]


def run(seed: int = SEED, cycles: int = CYCLES) -> dict[str, Any]:
    """Race every size and load; return plain data with a verdict on 200 bolts."""
    sizes = [_race(bolts, load, seed, cycles) for bolts in SIZES for load in LOADS]
    due = [row["ours"]["cpu_ms"]["median"] for row in sizes if row["bolts"] == LIMIT_BOLTS]
    worst = max(row["ours"]["residual"] for row in sizes)
    failed = sum(row["ours"]["failed"] for row in sizes)
    return {
        "seed": seed,
        "cycles": cycles,
        "sizes": sizes,
        "filter": _filter(seed, cycles),
        "verdicts": [
            _verdict(f"median ms with {LIMIT_BOLTS} bolts, either load", max(due), LIMIT_MS),
            _verdict("worst optimality residual of an answer", worst, 1.0e-6),
            _verdict("questions without an answer", float(failed), 0.0),
        ],
    }


def _race(bolts: int, load: str, seed: int, cycles: int) -> dict[str, Any]:
    qp = ProfileQp(_response(bolts), CdLimits(10.0))
    walk = _Walk(qp.boxes, LOADS[load], seed)
    every = np.ones(bolts)
    asked = CdQuestion(
        np.zeros(qp.boxes), 0.0 * every, -RANGE_UM * every, RANGE_UM * every, STEP_UM * every
    )
    peers = {name: made for name, maker in PEERS.items() if (made := maker(qp)) is not None}
    times: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    worse: dict[str, list[float]] = {name: [] for name in peers}
    outside: dict[str, list[float]] = {name: [] for name in peers}
    residual, failed, binding, iterations = 0.0, 0, [0.0], [0]
    for _ in range(cycles):
        asked = replace(asked, profile=walk.step())
        answer, ms = _timed(qp.solve, asked)
        times["ours"].append(ms)
        problem = qp.problem(asked)
        for name, peer in peers.items():
            found, ms = _timed(peer, problem)
            times[name].append(ms)
            cost = 0.5 * found @ problem.H @ found + problem.f @ found
            worse[name].append((cost - answer.cost) / (1.0 + abs(answer.cost)))
            outside[name].append(breach_um(problem, found))
        if answer.bolts is None:
            failed += 1
            continue
        residual = max(residual, answer.residual)
        binding.append(answer.binding)
        iterations.append(answer.iterations)
        asked = replace(asked, applied=answer.bolts)
    return {
        "bolts": bolts,
        "load": load,
        "modes": qp.modes,
        "active_share": float(np.mean(binding[1:])),
        "ours": {
            "cpu_ms": _spread(times["ours"]),
            "iterations": float(np.mean(iterations[1:])),
            "residual": residual,
            "failed": failed,
        },
        "peers": {
            name: {
                "cpu_ms": _spread(times[name]),
                "cost_above_ours": float(np.max(worse[name])),
                "outside_um": float(np.max(outside[name])),
            }
            for name in peers
        },
    }


def _response(bolts: int) -> Matrix:
    pitch = lane_centres_m(float(bolts), bolts)
    boxes = lane_centres_m(float(bolts), BOX_PER_BOLT * bolts)
    return interaction_matrix(boxes, pitch, 0.61, WIDTH, 2.0, 0.1)


class _Walk:
    """A profile of cosines whose weights walk at random about zero, coarse ones the most."""

    def __init__(self, boxes: int, percent: float, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        order = np.arange(1, max(3, boxes // 4))
        x = (np.arange(boxes) + 0.5) / boxes
        weights = 1.0 / np.sqrt(order)
        self._weights = percent * weights / float(np.linalg.norm(weights))
        self._modes = np.sqrt(2.0) * np.cos(np.pi * np.outer(x, order))
        self._now = self._weights * self._rng.standard_normal(len(order))

    def step(self) -> Vector:
        fresh = self._weights * self._rng.standard_normal(len(self._weights))
        self._now = 0.95 * self._now + 0.3 * fresh
        profile: Vector = self._modes @ self._now
        return profile


def _filter(seed: int, cycles: int) -> dict[str, Any]:
    """Time one traverse of 22 points through the filter of mean and profile."""
    boxes, rng = 22, np.random.default_rng(seed)
    filter_ = ProfileFilter(boxes, Walks(8e-4, 1e-4, 4e-3, 3.0, 0.03, 0.02, 6.0))
    times = []
    for scan in range(cycles):
        noise = (4e-3 * rng.standard_normal(boxes)).tolist()
        order = range(boxes) if scan % 2 == 0 else range(boxes - 1, -1, -1)
        points = [Point(7.0 * scan + 0.25 * i, box, noise[i]) for i, box in enumerate(order)]
        times.append(_timed(filter_.take, points)[1])
    return {"points": boxes, "cpu_ms": _spread(times)}


# -- peers: the same problem, their bare solve --------------------------------------------------


def _piqp(qp: ProfileQp) -> Peer:
    """The solver we use, without our question before it and our certificate behind it."""
    return lambda p: qp._ask(p)[1]  # noqa: SLF001 - that is what is timed


def _daqp(qp: ProfileQp) -> Peer | None:
    """A dual active set with its factor kept: bounds first, then bending, then the total."""
    daqp = _installed("daqp")
    if daqp is None:
        return None
    n = qp.bolts
    rows = np.vstack([np.diff(np.eye(n), 2, axis=0), np.ones((1, n))])
    model = daqp.Model()
    sense = np.zeros(n + len(rows), dtype=np.int32)
    sense[-1] = 5  # an equality
    start = np.ones(n + len(rows))
    p = qp.problem(CdQuestion(np.zeros(qp.boxes), *([np.zeros(n)] * 4)))
    model.setup(p.H, np.zeros(n), rows, start, -start, sense)

    def solve(p: CdProblem) -> Vector:
        upper = np.concatenate([p.high, p.bend, [p.total]])
        lower = np.concatenate([p.low, -p.bend, [p.total]])
        model.update(f=p.f, bupper=upper, blower=lower)
        found: Vector = np.array(model.solve()[0])
        return found

    return solve


def _osqp(qp: ProfileQp) -> Peer | None:
    """A splitting method at 1e-5, on the same band with an arrow."""
    osqp, sparse = _installed("osqp"), _installed("scipy.sparse")
    if osqp is None or sparse is None:
        return None
    n = qp.bolts
    rows = np.vstack([np.eye(n), np.diff(np.eye(n), 2, axis=0), np.ones((1, n))])
    table = sparse.csc_matrix(np.column_stack([rows, np.zeros(len(rows))]))
    start = np.ones(len(rows))
    solver = osqp.OSQP()
    solver.setup(
        sparse.triu(qp._P, format="csc"),  # noqa: SLF001 - the same structure for all
        np.zeros(n + 1), table, -start, start, verbose=False,
        eps_abs=1e-5, eps_rel=1e-5, max_iter=20000,
    )  # fmt: skip

    def solve(p: CdProblem) -> Vector:
        lower = np.concatenate([p.low, -p.bend, [p.total]])
        upper = np.concatenate([p.high, p.bend, [p.total]])
        solver.update(q=np.append(p.f, 0.0), l=lower, u=upper)
        found: Vector = np.array(solver.solve().x[:n])
        return found

    return solve


PEERS: Mapping[str, Callable[[ProfileQp], Peer | None]] = {
    "piqp": _piqp,
    "daqp": _daqp,
    "osqp": _osqp,
}


def _installed(module: str) -> Any:  # noqa: ANN401 - whatever the module is
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


# -- telling -----------------------------------------------------------------------------------


def _timed(call: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:  # noqa: ANN401
    start_s = time.thread_time()
    found = call(argument)
    return found, 1000.0 * (time.thread_time() - start_s)


def _spread(times: list[float]) -> dict[str, float]:
    shares = {"median": 0.5, "p99": 0.99, "max": 1.0}
    return {name: float(np.quantile(times, share)) for name, share in shares.items()}


def _verdict(what: str, measured: float, limit: float) -> dict[str, Any]:
    return {
        "what": what, "measured": measured, "relation": "<=", "limit": limit,
        "passed": bool(measured <= limit),
    }  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run, print a table and write JSON."""
    parser = argparse.ArgumentParser(description="The profile's quadratic programme")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cycles", type=int, default=CYCLES)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(argv)
    result = run(options.seed, options.cycles)
    out = sys.stdout.write
    for row in result["sizes"]:
        lanes = {"ours": row["ours"], **row["peers"]}
        cells = [
            f"{k} {v['cpu_ms']['median']:.3f}/{v['cpu_ms']['p99']:.3f}" for k, v in lanes.items()
        ]
        share = f"{100.0 * row['active_share']:.0f} % active"
        out(f"{row['bolts']:4d} {row['load']:5s} {share:>12s} median/p99 ms {'  '.join(cells)}\n")
    for verdict in result["verdicts"]:
        out(f"{'pass' if verdict['passed'] else 'FAIL'} {verdict['what']} {verdict['measured']}\n")
    if options.output is not None:
        options.output.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0 if all(verdict["passed"] for verdict in result["verdicts"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
