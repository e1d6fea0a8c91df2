"""The closed loop without a wire, faster than real time: scenarios, seeds, controllers, figures.

The cycle is the plant's own `service.cycle.run_cycle` with its gate; only the port, the clock and
the recorder differ, and the controller runs in this process. `simulate` plays every scenario on
every seed with every kind of controller, in a small pool of processes, and reports each run, the
mean with its 95 % interval, and the differences to the first kind plant by plant. Same arguments,
same numbers.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hil.pool import processes
from hil.scenario import Scenario, load_scenario
from hil.scenario_run import ScenarioRun
from hil.tables import paired_of, table_of
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
    mismatch_width: float = 1.0,
    trace: bool = False,
) -> dict[str, Any]:
    """Play one scenario on plant number `seed`; return its figures as plain data.

    `overrides` are plant parameters (SI) on top of mismatch and scenario; `mismatch_width`
    multiplies the mismatch. With `trace` the result holds the courses of the run as well.

    Raises:
        ValueError: the kind of controller is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"no controller is called {kind!r}; known are {', '.join(KINDS)}")
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    started_s, spent_s = time.perf_counter(), time.process_time()
    configuration = with_kind(sealed or default_sealed(), kind)
    run = ScenarioRun(scenario, seed, kind, configuration, overrides, mismatch_width)
    run.play()
    result = run.result()
    result["wall_s"] = round(time.perf_counter() - started_s, 2)
    result["cpu_s"] = round(time.process_time() - spent_s, 2)
    if trace:
        result["trace"] = run.trace
    return result


def with_kind(sealed: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the configuration with every loop's controller of this kind."""
    changed = copy.deepcopy(dict(sealed))
    for loop in changed["loops"].values():
        loop["controller"]["kind"] = "hold" if kind == "local" else kind
    if kind != "mpc":
        changed["limits"]["models"] = {}  # whoever has no model is not judged by how it fits
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
    """Play scenarios x seeds x kinds; return {"runs", "table", "paired", "wall_s"}.

    `seeds` None takes each scenario's own. The order of the runs does not depend on `workers`.
    `paired` holds, by the name of every other kind, the differences of the first kind to it.
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
    pairs = {kind: paired_of(runs, kinds[0], kind) for kind in kinds[1:]}
    return {"runs": runs, "table": table_of(runs), "paired": pairs, "wall_s": wall_s}


def _play_all(jobs: Sequence[tuple[Any, ...]], workers: int) -> list[dict[str, Any]]:
    if workers <= 1 or len(jobs) == 1:
        return [_play(job) for job in jobs]
    with processes(workers) as pool:
        return list(pool.map(_play, jobs))


def _play(job: tuple[Any, ...]) -> dict[str, Any]:
    scenario, seed, kind, sealed, overrides, trace = job
    return run_scenario(scenario, seed, kind, sealed, overrides, trace=trace)
