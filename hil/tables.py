"""Runs side by side: means with intervals, differences plant by plant, spread over the plants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hil.kpi import interval_95
from hil.paired import change_percent, paired, spread

Run = Mapping[str, Any]
SPREAD_OF = "batch_end_percent"
SPREAD = "batch_viscosity_sd_percent"
COMPARED = (
    "sigma_percent", "sigma_settled_percent", "off_spec_m", "off_spec_min",
    "off_spec_transient_m", "off_spec_transient_min", "startup_waste_m", "time_to_on_spec_s",
    "end_point_min", "cd_two_sigma_percent", "constraint_min", "constraint_hard_min",
    "constraint_breaches",
)  # fmt: skip
"""Figures of which less is better; travel and gate are shown but not compared."""


def subject_of(run: Run) -> str:
    """The scenario of a run, with its variation where it has one of its own."""
    variation = run.get("variation", "as-published")
    own = "" if variation == "as-published" else f" + {variation}"
    return f"{run['scenario']}{own}"


def table_of(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one row per scenario, loop and kind: every figure's mean and 95 % half width."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for run in runs:
        for loop, figures in run["loops"].items():
            groups.setdefault((subject_of(run), loop, run["kind"]), []).append(figures)
    return [
        {"scenario": scenario, "loop": loop, "kind": kind, "seeds": len(rows), **_row(rows)}
        for (scenario, loop, kind), rows in groups.items()
    ]


def _row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in rows[0]:
        values = [figures[name] for figures in rows]
        if all(value is None or _is_number(value) for value in values):
            row[name] = _cell([float(value) for value in values if value is not None])
            absent = sum(value is None for value in values)
            if absent:
                row[name]["absent"] = absent
    if SPREAD_OF in row:
        deviation, half = spread([f[SPREAD_OF] for f in rows if f[SPREAD_OF] is not None])
        row[SPREAD] = {"mean": _finite(deviation), "ci95": _finite(half)}
    if "recovery_s" in rows[0]:
        lists = [figures["recovery_s"] for figures in rows]
        row["recovery_s"] = [_recovery_cell(cells) for cells in zip(*lists, strict=True)]
    return row


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _recovery_cell(cells: Sequence[float | None]) -> dict[str, Any]:
    back = [cell for cell in cells if cell is not None]
    return {**_cell(back), "not_recovered": len(cells) - len(back)}


def _cell(values: Sequence[float]) -> dict[str, Any]:
    """Mean and 95 % half width; None where there are too few runs to tell."""
    middle, half = interval_95(values)
    return {"mean": _finite(middle), "ci95": _finite(half)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def figures_of(runs: Sequence[Run], kind: str, loop: str) -> dict[tuple[str, int], Run]:
    """Return the figures of one controller by (scenario, seed)."""
    return {
        (subject_of(run), run["seed"]): run["loops"][loop]
        for run in runs
        if run["kind"] == kind and loop in run["loops"]
    }


def paired_of(runs: Sequence[Run], ours: str, other: str) -> list[dict[str, Any]]:
    """Return, per scenario, loop and figure, our difference to the other on the same plants.

    A plant counts where both have the figure. `verdict` says better, worse or tie.
    """
    found: list[dict[str, Any]] = []
    loops = dict.fromkeys(loop for run in runs for loop in run["loops"])
    for scenario in dict.fromkeys(subject_of(run) for run in runs):
        for loop in loops:
            mine, theirs = (figures_of(runs, kind, loop) for kind in (ours, other))
            plants = [key for key in mine if key[0] == scenario and key in theirs]
            for figure in COMPARED:
                pairs = [
                    (mine[key][figure], theirs[key][figure])
                    for key in plants
                    if mine[key].get(figure) is not None and theirs[key].get(figure) is not None
                ]
                if pairs:
                    found.append(_paired_row(scenario, loop, figure, pairs))
    return found


def _paired_row(
    scenario: str, loop: str, figure: str, pairs: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    result = paired(a, b)
    return {
        "scenario": scenario,
        "loop": loop,
        "figure": figure,
        "plants": result.plants,
        "ours": interval_95(a)[0],
        "theirs": interval_95(b)[0],
        "difference": result.difference,
        "ci95": _finite(result.half),
        "change_percent": _finite(change_percent(a, b)),
        "verdict": result.verdict,
    }
