"""What a campaign shows: targets with verdicts, tables, and one page that needs nothing else."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hil.campaign_plan import CampaignPlan, Target
from hil.kpi import interval_95
from hil.paired import change_percent, paired, spread
from hil.tables import Run, figures_of, paired_of, table_of

WORDS = {"better": "met", "worse": "missed", "tie": "open"}


def report_of(plan: CampaignPlan, runs: Sequence[Run]) -> dict[str, Any]:
    """Return targets, paired differences and means of a campaign of scenarios, as plain data."""
    ours, others = plan.controllers[0], plan.controllers[1:]
    return {
        "campaign": plan.name,
        "runs": len(runs),
        "targets": [judged(target, runs, plan.controllers) for target in plan.targets],
        "paired": {other: paired_of(runs, ours, other) for other in others},
        "table": table_of(runs),
    }


def judged(target: Target, runs: Sequence[Run], controllers: Sequence[str]) -> dict[str, Any]:
    """Return one target with what was found: 'met', 'missed' or 'open' (cannot be told).

    Figures are summed over the target's scenarios, plant by plant; only plants that have all of
    them count.
    """
    ours = _by_plant(target, runs, controllers[0])
    row: dict[str, Any] = {"target": target.name, "loop": target.loop, "figure": target.figure}
    if target.rule == "spread":
        deviation, half = spread(list(ours.values()))
        low, high = deviation - half, deviation + half
        verdict = "met" if high <= target.value else "missed" if low > target.value else "open"
        return {
            **row, "plants": len(ours), "ours": _plain(deviation), "theirs": None,
            "change_percent": None, "margin": _plain(deviation - target.value),
            "ci95": _plain(half), "verdict": verdict,
        }  # fmt: skip
    theirs = _by_plant(target, runs, controllers[1])
    plants = [seed for seed in ours if seed in theirs]
    a, b = [ours[seed] for seed in plants], [theirs[seed] for seed in plants]
    result = paired(a, b, share=1.0 - target.value if target.rule == "less" else 1.0)
    verdict = WORDS[result.verdict]
    if target.rule == "no_more":
        more = any(x > y for x, y in zip(a, b, strict=True))
        verdict = "missed" if more else "met" if plants else "open"
    return {
        **row, "plants": len(plants), "ours": _plain(interval_95(a)[0]),
        "theirs": _plain(interval_95(b)[0]), "change_percent": _plain(change_percent(a, b)),
        "margin": _plain(result.difference), "ci95": _plain(result.half), "verdict": verdict,
    }  # fmt: skip


def _by_plant(target: Target, runs: Sequence[Run], kind: str) -> dict[int, float]:
    found = figures_of(runs, kind, target.loop)
    wanted = {Path(name).stem for name in target.scenarios}
    sums: dict[int, list[float]] = {}
    for (scenario, seed), figures in found.items():
        value = figures.get(target.figure)
        if scenario in wanted and value is not None:
            sums.setdefault(seed, []).append(float(value))
    return {seed: math.fsum(v) for seed, v in sums.items() if len(v) == len(wanted)}


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_text(report: Mapping[str, Any]) -> str:
    """Return targets and comparisons as text for a terminal."""
    lines = []
    if report["targets"]:
        lines += [f"{'target':<62}{'plants':>7}{'ours':>10}{'theirs':>10}{'change':>9}  verdict"]
        lines += [
            f"{row['target']:<62}{row['plants']:>7}{number(row['ours']):>10}"
            f"{number(row['theirs']):>10}{_percent(row['change_percent']):>9}  {row['verdict']}"
            for row in report["targets"]
        ]
    for other, rows in report["paired"].items():
        lines += ["", compared("ours", other, rows)]
    return "\n".join(lines)


def compared(ours: str, other: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the differences to another controller as text, without rows that are all zero."""
    lines = [
        f"{ours} against {other}, plant by plant (95 % interval of the difference)",
        f"{'scenario':<28}{'loop':<9}{'figure':<26}{ours:>9}{other:>9}{'difference':>22}  verdict",
    ]
    lines += [
        f"{row['scenario']:<28}{row['loop']:<9}{row['figure']:<26}{number(row['ours']):>9}"
        f"{number(row['theirs']):>9}{difference(row):>22}  {row['verdict']}"
        for row in rows
        if row["ours"] or row["theirs"]
    ]
    return "\n".join(lines)


def as_csv(report: Mapping[str, Any]) -> str:
    """Return every mean with its interval, one line per scenario, loop, controller and figure."""
    drawn = io.StringIO()
    writer = csv.writer(drawn, lineterminator="\n")
    writer.writerow(["scenario", "loop", "controller", "plants", "figure", "mean", "ci95"])
    for row in report["table"]:
        for figure, cell in row.items():
            if isinstance(cell, Mapping):
                where = [row["scenario"], row["loop"], row["kind"], row["seeds"]]
                writer.writerow([*where, figure, cell["mean"], cell["ci95"]])
    return drawn.getvalue()


def number(value: float | None) -> str:
    """Return a number for people, '-' for none."""
    return "-" if value is None else f"{value:.4g}"


def difference(row: Mapping[str, Any]) -> str:
    """Return a difference with its half width."""
    half = row["ci95"]
    return f"{row['difference']:+.3g}" + ("" if half is None else f" +/- {half:.2g}")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.0f} %"
