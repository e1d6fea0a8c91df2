"""The closed loop without a wire, faster than real time: scenarios, seeds, controllers, figures.

The cycle is the plant's own `service.cycle.run_cycle` with its gate; only the port, the clock and
the recorder differ, and the controller runs in this process. `simulate` plays every scenario on
every seed with every kind of controller, in a small pool of processes, and reports each run and
the mean with its 95 % interval. Same arguments, same numbers.
"""

from __future__ import annotations

import concurrent.futures
import copy
import math
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hil.kpi import interval_95
from hil.scenario import Scenario, load_scenario
from hil.scenario_run import ScenarioRun
from hil.virtual_line import default_sealed

KINDS = ("mpc", "pi", "hold", "local")
"""Controllers: ours, the tuned PI beside it, frozen proposals, and the PLC's own loops alone."""


def run_scenario(
    scenario: Scenario | str,
    seed: int,
    kind: str,
    sealed: Mapping[str, Any] | None = None,
    overrides: Mapping[str, float] | None = None,
    *,
    trace: bool = False,
) -> dict[str, Any]:
    """Play one scenario on plant number `seed`; return its figures as plain data.

    `overrides` are plant parameters (SI) on top of mismatch and scenario. With `trace` the result
    holds the courses of the run as well.

    Raises:
        ValueError: the kind of controller is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"no controller is called {kind!r}; known are {', '.join(KINDS)}")
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    started_s = time.perf_counter()
    run = ScenarioRun(scenario, seed, kind, with_kind(sealed or default_sealed(), kind), overrides)
    run.play()
    result = run.result()
    result["wall_s"] = round(time.perf_counter() - started_s, 2)
    if trace:
        result["trace"] = run.trace
    return result


def with_kind(sealed: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the configuration with every loop's controller of this kind."""
    changed = copy.deepcopy(dict(sealed))
    for loop in changed["loops"].values():
        loop["controller"]["kind"] = "hold" if kind == "local" else kind
    return changed


def simulate(
    scenarios: Sequence[str | Scenario],
    seeds: Sequence[int] | None = None,
    kinds: Sequence[str] = ("mpc", "pi"),
    overrides: Mapping[str, float] | None = None,
    sealed: Mapping[str, Any] | None = None,
    workers: int = 2,
    *,
    trace: bool = False,
) -> dict[str, Any]:
    """Play scenarios x seeds x kinds; return {"runs": [...], "table": [...], "wall_s": ...}.

    `seeds` None takes each scenario's own. The order of the runs does not depend on `workers`.
    """
    started_s = time.perf_counter()
    plain = dict(sealed) if sealed is not None else default_sealed()
    jobs = [
        (scenario, seed, kind, plain, dict(overrides or {}), trace)
        for scenario in (load_scenario(s) if not isinstance(s, Scenario) else s for s in scenarios)
        for seed in (seeds if seeds is not None else scenario.seeds)
        for kind in kinds
    ]
    runs = _play_all(jobs, workers)
    wall_s = round(time.perf_counter() - started_s, 1)
    return {"runs": runs, "table": table_of(runs), "wall_s": wall_s}


def table_of(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per scenario, loop and kind: every figure's mean and 95 % half width."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for run in runs:
        for loop, figures in run["loops"].items():
            groups.setdefault((run["scenario"], loop, run["kind"]), []).append(figures)
    return [
        {"scenario": scenario, "loop": loop, "kind": kind, "seeds": len(rows), **_row(rows)}
        for (scenario, loop, kind), rows in groups.items()
    ]


def _row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, first in rows[0].items():
        if isinstance(first, (int, float)) and not isinstance(first, bool):
            row[name] = _cell([float(figures[name]) for figures in rows])
    lists = [figures["recovery_s"] for figures in rows]
    row["recovery_s"] = [_recovery_cell(cells) for cells in zip(*lists, strict=True)]
    return row


def _recovery_cell(cells: Sequence[float | None]) -> dict[str, Any]:
    back = [cell for cell in cells if cell is not None]
    return {**_cell(back), "not_recovered": len(cells) - len(back)}


def _cell(values: Sequence[float]) -> dict[str, float | None]:
    """Mean and 95 % half width; None where there are too few runs to tell."""
    middle, half = interval_95(values)
    return {
        "mean": middle if math.isfinite(middle) else None,
        "ci95": half if math.isfinite(half) else None,
    }


def versus_of(table: Sequence[Mapping[str, Any]], ours: str, other: str) -> list[dict[str, Any]]:
    """Return, per scenario and loop, our mean over the other's; below 1 is better.

    None where the other's mean is zero and the share means nothing.
    """
    rows = {(row["scenario"], row["loop"], row["kind"]): row for row in table}
    found = []
    for (scenario, loop, kind), mine in rows.items():
        theirs = rows.get((scenario, loop, other))
        if kind != ours or theirs is None:
            continue
        off_spec = "off_spec_m" if "off_spec_m" in mine else "off_spec_min"
        shares = {
            name: mine[name]["mean"] / theirs[name]["mean"] if theirs[name]["mean"] else None
            for name in (off_spec, "sigma_percent")
        }
        found.append({"scenario": scenario, "loop": loop, "ours": ours, "other": other, **shares})
    return found


def _play_all(jobs: Sequence[tuple[Any, ...]], workers: int) -> list[dict[str, Any]]:
    if workers <= 1 or len(jobs) == 1:
        return [_play(job) for job in jobs]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(_play, jobs))


def _play(job: tuple[Any, ...]) -> dict[str, Any]:
    scenario, seed, kind, sealed, overrides, trace = job
    return run_scenario(scenario, seed, kind, sealed, overrides, trace=trace)
