"""The sections of `./rheostat bench`: what each measures, and what its figures are held against.

A section's figures are plain data. Where a mapping has a 'median', it is a spread of times; the
text tables, the plot and the comparison with an older run all find spreads by that sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Verdict
from benchmarks.surroundings import surroundings

FORMAT = 1
START_REPEATS = 5
GATE_CYCLES = 10_000
"""A p99.9 of fewer judgements is hardly more than the worst of them."""
VIEWERS_S = 20.0
"""Length of each calm and each crowded turn [wall s]."""
NOISE_RATIO = 1.5
"""What two calm turns of one run may differ by in their p99, more or less."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: `cycles` per problem, the `seed`, the sealed configuration."""

    cycles: int
    seed: int
    sealed: Mapping[str, Any]


def bench(
    names: list[str], wanted: Wanted, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Run the sections called `names`; return everything as plain data."""
    result: dict[str, Any] = {
        "format": FORMAT,
        "surroundings": surroundings(),
        "cycles": wanted.cycles,
        "seed": wanted.seed,
        "sections": {},
    }
    for name in names:
        tell(f"{name} ...")
        figures = SECTIONS[name](wanted)
        verdicts = figures.pop("verdicts", [])
        result["sections"][name] = {"figures": figures, "verdicts": verdicts}
    return result


def _solvers(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import solvers

    told = solvers.run(wanted.cycles, wanted.seed)
    lines: list[Verdict] = []
    for loop, lanes in told.items():
        ours = lanes["realtime"]
        faster = ours["times_faster"]["cpu_ms"]
        above = ours["cost_over_reference_percent"]
        lines += [
            Verdict(f"{loop}: times faster than stock do-mpc, median", faster["median"], ">=", 50),
            Verdict(f"{loop}: times faster than stock do-mpc, p99", faster["p99"], ">=", 25),
            Verdict(f"{loop}: cost above the converged reference [%]", above, "<=", 0.5),
            Verdict(f"{loop}: failed cycles", ours["failed"], "<=", 0),
        ]
    return {**told, "verdicts": [line.to_json() for line in lines]}


def _scaling(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import solvers

    told = solvers.scaling()
    lines = [
        Verdict(
            f"{loop}: power of the horizon (20 to 160) that the median grows with",
            rows["exponent"]["median"],
            "<=",
            1.0,
        ).to_json()
        for loop, rows in told["horizon"].items()
    ]
    return {**told, "verdicts": lines}


def _estimators(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import estimators

    return estimators.run(wanted.cycles, wanted.seed)


def _profile(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import cd_profile

    return cd_profile.run(wanted.seed)


def _cycle(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import full_cycle

    told = full_cycle.run(wanted.cycles, wanted.seed, wanted.sealed)
    lines = [
        Verdict(f"{loop}: cycles without a proposal", row["without_proposal"], "<=", 0).to_json()
        for loop, row in told.items()
    ]
    return {**told, "verdicts": lines}


def _gate(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import gate, gate_engine

    cycles = max(wanted.cycles, GATE_CYCLES)
    alone = gate.run(cycles, wanted.seed)
    engine = gate_engine.run(cycles, wanted.seed, wanted.sealed)
    cpu = alone["judge"]["cpu_ms"]["p99_9"]
    cost = engine["gate_cpu_ms"]["p99_9"]
    lines = [
        Verdict("judge alone: p99.9, processor time [ms]", cpu, "<=", gate.LIMIT_MS),
        Verdict("in the engine: p99.9, processor time [ms]", cost, "<=", gate.LIMIT_MS),
    ]
    return {"alone": alone, "in_the_engine": engine, "verdicts": [one.to_json() for one in lines]}


def _start(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import cold_start

    told = cold_start.run(START_REPEATS, wanted.sealed)
    lines = [
        Verdict(
            f"{loop}: cold process to first proposal, cached code, median wall [s]",
            rows["worker"]["wall_s"]["median"],
            "<=",
            1.0,
        ).to_json()
        for loop, rows in told.items()
    ]
    return {**told, "verdicts": lines}


def _replays(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import replays

    return replays.run(wanted.cycles, wanted.seed, wanted.sealed)


def _viewers(wanted: Wanted) -> dict[str, Any]:
    from benchmarks import viewers

    told = viewers.run(VIEWERS_S, wanted.seed, wanted.sealed)
    crowd, outlived = told["crowd"], told["cycles_after_the_page_was_killed"]
    lines = [
        Verdict("lateness p99, crowded over calm", told["p99_over_calm"], "<=", NOISE_RATIO),
        Verdict("answers of the page per second", crowd["answers_per_s"], ">=", 1000.0),
        Verdict("events per second and viewer", crowd["events_per_s_and_viewer"], ">=", 5.0),
        Verdict("cycles after the page was killed", outlived, ">=", 1),
    ]
    return {**told, "verdicts": [line.to_json() for line in lines]}


SECTIONS: Mapping[str, Callable[[Wanted], dict[str, Any]]] = {
    "solvers": _solvers,
    "scaling": _scaling,
    "estimators": _estimators,
    "profile": _profile,
    "cycle": _cycle,
    "gate": _gate,
    "start": _start,
    "replays": _replays,
    "viewers": _viewers,
}
"""Section -> how it is measured."""
ON_REQUEST = ("replays", "viewers")
"""Sections that run only when asked for by name: they take too long beside the others."""
