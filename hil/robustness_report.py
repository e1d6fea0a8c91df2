"""What a robustness campaign shows: what may never happen, and the counts of what may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hil.campaign_plan import CampaignPlan
from hil.report import Report, Table, render

COUNTS = (
    "cycles", "plans", "good", "non_finite", "out_of_limit", "failed", "failed_when_fit",
    "recovered", "stuck", "late", "escape_count", "frames",
)  # fmt: skip
NEVER = (
    ("non_finite", "proposals that are no number"),
    ("out_of_limit", "proposals outside a limit or too fast"),
    ("escape_count", "setpoints outside the box on the wire, by the independent judge"),
    ("stuck", "fit questions unanswered after a failure: a warm start that sticks"),
    ("limit_cycles", "loops that swing in quiet weather"),
)
"""Counts that must be zero, and what they are."""


def robustness_of(plan: CampaignPlan, episodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over all episodes, by loop and together, and the verdicts."""
    loops = list(dict.fromkeys(str(episode["loop"]) for episode in episodes))
    by_loop = {loop: _sums([e for e in episodes if e["loop"] == loop]) for loop in loops}
    whole = _sums(episodes)
    return {
        "campaign": plan.name,
        "episodes": len(episodes),
        "verdicts": [
            {"never": words, "count": whole[name], "verdict": _verdict(whole, name)}
            for name, words in NEVER
        ],
        "sums": whole,
        "by_loop": by_loop,
        "swinging": [
            {"loop": e["loop"], "seed": e["seed"], **e["limit_cycle"]}
            for e in episodes
            if e["limit_cycle"]
        ],
    }


def _verdict(whole: Mapping[str, Any], name: str) -> str:
    return "met" if whole["plans"] and whole[name] == 0 else "missed"


def _sums(episodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sums: dict[str, Any] = {name: sum(int(e[name]) for e in episodes) for name in COUNTS}
    sums["limit_cycles"] = sum(e["limit_cycle"] is not None for e in episodes)
    sums["worst_ms"] = max((float(e["worst_ms"]) for e in episodes), default=0.0)
    for name in ("status", "modes", "weather"):
        total: Counter[str] = Counter()
        for episode in episodes:
            total.update(episode[name])
        sums[name] = dict(total.most_common())
    return sums


def robustness_text(report: Mapping[str, Any]) -> str:
    """Return the report as text for a terminal."""
    lines = [f"{'what may never happen':<72}{'count':>7}  verdict"]
    lines += [f"{v['never']:<72}{v['count']:>7}  {v['verdict']}" for v in report["verdicts"]]
    loops = report["by_loop"]
    lines += ["", f"{'counted':<26}" + "".join(f"{loop:>14}" for loop in loops) + f"{'all':>14}"]
    for name in (*COUNTS, "limit_cycles", "worst_ms"):
        cells = [*(sums[name] for sums in loops.values()), report["sums"][name]]
        lines.append(f"  {name:<24}" + "".join(f"{cell:>14.6g}" for cell in cells))
    for name in ("status", "modes", "weather"):
        words = ", ".join(f"{word} {count}" for word, count in report["sums"][name].items())
        lines.append(f"{name}: {words}")
    return "\n".join(lines)


def robustness_page(
    plan: CampaignPlan, report: Mapping[str, Any], manifest: Mapping[str, Any]
) -> str:
    """Return the report as one self-contained HTML page."""
    verdicts = [
        [v["never"], str(v["count"]), "✗ missed" if v["verdict"] == "missed" else v["verdict"]]
        for v in report["verdicts"]
    ]
    loops = report["by_loop"]
    counts = [
        [name, *(f"{sums[name]:.6g}" for sums in loops.values()), f"{report['sums'][name]:.6g}"]
        for name in (*COUNTS, "limit_cycles", "worst_ms")
    ]
    words = [
        [name, ", ".join(f"{word} {n}" for word, n in report["sums"][name].items())]
        for name in ("status", "modes", "weather")
    ]
    return render(
        Report(
            f"Campaign {plan.name}",
            f"{plan.title}. {report['episodes']} episodes. " + " ".join(plan.why.split()),
            [
                Table("What may never happen", ["", "count", "verdict"], verdicts),
                Table("Counted", ["", *loops, "all"], counts),
                Table("Met on the way", ["", ""], words),
            ],
            closing=[Table("Made by", ["", ""], [[k, str(v)] for k, v in manifest.items()])],
        )
    )
