"""The scorecard: a few figures per scenario and loop, beside the tuned PI, comparable by commit.

figure           what it is (less is better in all of them)                        unit
sigma            standard deviation of the true value about its mean               % of target
off_spec         product outside the release band                                  m or min
travel           sum of all setpoint moves per hour, mean over the setpoints       ranges/h
recovery         time from an event until the value is back and stays              s
constraint       time outside the constraints of good practice                     min
compute          median time of a solve, in shares of the loop's period            1

All but `compute` repeat to the last digit for the same seeds on the same machine; `compute` is a
time of this machine and is never part of a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hil.campaign_store import manifest_of_sources
from hil.kpi import mean
from hil.revision import commit_of_tree
from hil.scenario import Scenario
from hil.simulate import simulate
from records.canonical import sha256_of

FORMAT = "rheostat score 1"
OURS, THEIRS = "mpc", "pi"
FIGURES = ("sigma", "off_spec", "travel", "recovery", "constraint", "compute")
JUDGED = FIGURES[:-1]
WORSE = 1.02  # times the older figure: less than that is no change
_SMALLEST = 1e-9

Row = Mapping[str, Any]


def score(
    scenarios: Sequence[Scenario], seeds: int, sealed: Mapping[str, Any], workers: int = 2
) -> dict[str, Any]:
    """Play every scenario on plants 1 to `seeds` with both controllers; return the scorecard."""
    found = simulate(scenarios, range(1, seeds + 1), (OURS, THEIRS), None, sealed, workers)
    periods = {name: float(loop["period"]) for name, loop in sealed["loops"].items()}
    return {
        "format": FORMAT,
        "commit": commit_of_tree(),
        "sources": manifest_of_sources(),
        "config": sha256_of(sealed),
        "scenarios": sha256_of([one.model_dump(mode="json") for one in scenarios]),
        "seeds": seeds,
        "rows": rows_of(found["runs"], periods),
    }


def rows_of(runs: Sequence[Row], periods: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return one row per scenario, loop and controller: each figure's mean over the plants.

    A figure that no plant had is None; one that a plant never reached (it did not recover) too.
    """
    groups: dict[tuple[str, str, str], list[dict[str, float | None]]] = {}
    for run in runs:
        for loop, figures in run["loops"].items():
            key = (str(run["scenario"]), str(loop), str(run["kind"]))
            groups.setdefault(key, []).append(_figures(figures, run["plans"][loop], periods[loop]))
    return [
        {"scenario": scenario, "loop": loop, "controller": kind, "plants": len(rows),
         **{name: _mean([row[name] for row in rows]) for name in FIGURES}}
        for (scenario, loop, kind), rows in groups.items()
    ]  # fmt: skip


def _figures(figures: Row, plans: Row, period_s: float) -> dict[str, float | None]:
    travels = [float(v) for name, v in figures.items() if name.startswith("travel ")]
    back: Sequence[float | None] = figures.get("recovery_s") or []
    known = [float(one) for one in back if one is not None]
    solve_ms = plans["solve_ms_p50"]
    return {
        "sigma": figures.get("sigma_percent"),
        "off_spec": figures.get("off_spec_m", figures.get("off_spec_min")),
        "travel": mean(travels) if travels else None,
        "recovery": mean(known) if known and len(known) == len(back) else None,
        "constraint": figures.get("constraint_min"),
        "compute": None if solve_ms is None else float(solve_ms) / 1000.0 / period_s,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return mean(known) if len(known) == len(values) and known else None


def leaderboard(card: Row) -> list[dict[str, Any]]:
    """Return, by loop and figure, our figure over the PI's: the geometric mean of all scenarios.

    Only scenarios count in which both have a figure above zero; `of` says how many those were.
    """
    theirs = {_where(row): row for row in card["rows"] if row["controller"] == THEIRS}
    ratios: dict[tuple[str, str], list[float]] = {}
    for row in card["rows"]:
        other = theirs.get(_where(row))
        if row["controller"] != OURS or other is None:
            continue
        for name in JUDGED:
            a, b = row[name], other[name]
            if a is not None and b is not None and min(a, b) > _SMALLEST:
                ratios.setdefault((row["loop"], name), []).append(a / b)
    return [
        {"loop": loop, "figure": name, "ours_over_pi": _geometric(found), "of": len(found)}
        for (loop, name), found in sorted(ratios.items())
    ]


def compared(card: Row, older: Row) -> list[dict[str, Any]]:
    """Return every figure of ours that changed against an older card, worst first.

    Raises:
        ValueError: the cards were not made on the same scenarios and seeds.
    """
    for what in ("format", "scenarios", "seeds"):
        if card.get(what) != older.get(what):
            raise ValueError(f"the two cards differ in their {what}: {card.get(what)!r} and "
                             f"{older.get(what)!r}")  # fmt: skip
    before = {(*_where(row), row["controller"]): row for row in older["rows"]}
    found = []
    for row in card["rows"]:
        was = before.get((*_where(row), row["controller"]))
        if row["controller"] != OURS or was is None:
            continue
        found += [
            {"scenario": row["scenario"], "loop": row["loop"], "figure": name,
             "was": was[name], "is": row[name], "verdict": _verdict(was[name], row[name])}
            for name in JUDGED
            if was[name] != row[name]
        ]  # fmt: skip
    return sorted(found, key=lambda one: ("worse", "same", "better").index(one["verdict"]))


def _verdict(was: float | None, is_: float | None) -> str:
    old, new = (math.inf if one is None else one for one in (was, is_))
    if new > old * WORSE + _SMALLEST:
        return "worse"
    return "better" if old > new * WORSE + _SMALLEST else "same"


def as_text(card: Row) -> str:
    """Return scorecard and leaderboard for a terminal."""
    head = f"{'scenario':<22}{'loop':<9}{'by':<5}" + "".join(f"{name:>11}" for name in FIGURES)
    lines = [head]
    for row in card["rows"]:
        cells = "".join(f"{number(row[name]):>11}" for name in FIGURES)
        lines.append(f"{row['scenario']:<22}{row['loop']:<9}{row['controller']:<5}{cells}")
    lines += ["", f"{'loop':<9}{'figure':<12}{'ours over PI':>13}{'of':>5}"]
    for row in leaderboard(card):
        lines.append(
            f"{row['loop']:<9}{row['figure']:<12}{row['ours_over_pi']:>13.3f}{row['of']:>5}"
        )
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Return a figure for people; '-' is none."""
    return "-" if value is None else f"{value:.4g}"


def _where(row: Row) -> tuple[str, str]:
    return str(row["scenario"]), str(row["loop"])


def _geometric(values: Sequence[float]) -> float:
    return math.exp(mean([math.log(value) for value in values]))
