"""How the real-time optimiser's time grows: with horizon, states, and loops on one core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import casadi as ca
import numpy as np

from benchmarks.figures import Stopwatch
from benchmarks.race import Race
from controller.realtime import RealtimeOptimizer
from plant_models import coating_control
from plant_models.control_model import ControlModel

HORIZONS: Final = (20, 40, 80, 160)
CELLS: Final = (0, 2, 4, 8, 16)
LOOPS: Final = (1, 4, 16, 64)
CYCLES: Final = 120
DELAY_S: Final = 60.0  # what the cells of the widened model stand for
COAT: Final = "coater.dry_coat_weight"


def run(sealed: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Every growth, as plain data; times are those of whole solves."""
    return {
        "horizon": {loop: _horizons(loop, sealed, seed) for loop in ("coating", "mixing")},
        "states": _states(sealed, seed),
        "loops_on_one_core": {loop: _loops(loop, sealed, seed) for loop in ("coating", "mixing")},
    }


def with_delay(model: ControlModel, cells: int) -> ControlModel:
    """The coater with its coat weight seen after `cells` stirred cells in a row."""
    if not cells:
        return model
    x, u, p = (ca.SX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
    chain = ca.SX.sym("chain", cells)
    y = model.measure(x, u, p)
    at = model.outputs.index(COAT)
    flow = (ca.vertcat(y[at], chain[:-1]) - chain) * cells / DELAY_S
    seen = ca.vertcat(y[:at], chain[-1], y[at + 1 :])
    wide = ca.vertcat(x, chain)
    names = tuple(f"cell{i}" for i in range(cells))
    groups = (model.states, model.inputs, model.disturbances)
    rest = model.observe(*map(model.nominal_vector, groups))
    return replace(
        model,
        states=(*model.states, *names),
        rhs=ca.Function("rhs", [wide, u, p], [ca.vertcat(model.rhs(x, u, p), flow)]),
        measure=ca.Function("measure", [wide, u, p], [seen]),
        nominal={**model.nominal, **dict.fromkeys(names, rest[COAT])},
        scales={**model.scales, **dict.fromkeys(names, model.scales[COAT])},
    )


def _horizons(loop: str, sealed: Mapping[str, Any], seed: int) -> dict[str, Any]:
    rows = {n: _figures(Race(loop, sealed, _ONE, CYCLES, seed, horizon=n)) for n in HORIZONS}
    return {"rows": rows, "exponent": _exponents(rows)}


def _states(sealed: Mapping[str, Any], seed: int) -> dict[str, Any]:
    rows = {}
    for cells in CELLS:
        model = with_delay(coating_control.control_model(), cells)
        race = Race("coating", sealed, _ONE, CYCLES, seed, model=model)
        rows[len(model.states)] = _figures(race)
    return {"rows": rows, "exponent": _exponents(rows)}


def _loops(loop: str, sealed: Mapping[str, Any], seed: int) -> dict[int, Any]:
    """Many optimisers in turn: what one core can carry, caches included."""
    told = {}
    for count in LOOPS:
        lanes = {f"realtime {i}": RealtimeOptimizer for i in range(count)}
        race = Race(loop, sealed, lanes, max(8, CYCLES // count), seed)
        race.run()
        every = Stopwatch()
        for lane in race.lanes.values():
            every.cpu_ms += lane.watch.cpu_ms[1:]
            every.wall_ms += lane.watch.wall_ms[1:]
        spread = every.told()
        busy_ms = count * float(np.mean(every.cpu_ms))
        told[count] = {**spread, "share_of_a_core": busy_ms / (1000.0 * race.spec.period_s)}
    return told


def _figures(race: Race) -> dict[str, Any]:
    race.run()
    told = race.figures("realtime")
    return {name: told[name] for name in ("failed", "iterations", "total", "recoveries")}


def _exponents(rows: Mapping[int, Mapping[str, Any]]) -> dict[str, float]:
    """The power that time grows with, from the first row to the last; 1 is linear."""
    sizes = sorted(rows)
    growth = np.log(sizes[-1] / sizes[0])
    return {
        name: float(
            np.log(
                rows[sizes[-1]]["total"]["cpu_ms"][name] / rows[sizes[0]]["total"]["cpu_ms"][name]
            )
            / growth
        )
        for name in ("median", "p99")
    }


_ONE: Final = {"realtime": RealtimeOptimizer}
