"""What a campaign of faults shows: verdicts by fault and every miss, as text, JSON and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hil.fault_catalogue import Fault
from hil.report import Report, Table, render

SHARE_IN_BUDGET = 0.99  # of the runs: what a release has to show

Outcome = Mapping[str, Any]


def report_of(
    faults: Sequence[Fault], outcomes: Sequence[Outcome], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the whole report as plain data; `ok` only when nothing escaped and nothing missed."""
    alone = [one for one in outcomes if not one["pair"]]
    pairs = [one for one in outcomes if one["pair"]]
    rows = [_row(fault, [o for o in alone if o["fault"] == fault.id]) for fault in faults]
    unsafe = [one["key"] for one in outcomes if not one["safe"]]
    missed = [one for one in outcomes if one["misses"]]
    return {
        "ok": bool(outcomes) and not unsafe and not missed,
        "faults": len(faults),
        "played": sum(1 for row in rows if row["runs"]),
        "not_yet": [{"fault": f.id, "why": f.not_yet} for f in faults if not f.plays],
        "elsewhere": [row["fault"] for row in rows if not row["runs"] and row["plays"]],
        "in_part": [{"fault": f.id, "why": f.not_yet} for f in faults if f.status == "in part"],
        "runs": len(alone),
        "pairs": len(pairs),
        "cycles": sum(int(one["cycles"]) for one in outcomes),
        "frames": sum(int(one["frames"]) for one in outcomes),
        "unsafe": unsafe,
        "in_budget": _share(alone),
        "misses": [
            {"key": one["key"], "why": one["misses"], "open": one["open"]} for one in missed
        ],
        "by_fault": rows,
        "trace": _trace(outcomes),
        "made_by": dict(manifest),
    }


def _row(fault: Fault, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    ratios = [
        one["reacted_s"] / one["within_s"]
        for one in outcomes
        if one["reacted_s"] is not None and one["within_s"] > 0.0
    ]
    return {
        "fault": fault.id,
        "title": fault.title,
        "place": fault.place,
        "asked": fault.asked,
        "status": fault.status,
        "plays": len(fault.plays),
        "runs": len(outcomes),
        "safe": sum(1 for one in outcomes if one["safe"]),
        "passed": sum(1 for one in outcomes if one["passed"]),
        "slowest_share_of_budget": round(max(ratios), 3) if ratios else None,
    }


def _share(outcomes: Sequence[Outcome]) -> float | None:
    if not outcomes:
        return None
    return round(sum(1 for one in outcomes if not one["misses"]) / len(outcomes), 4)


def _trace(outcomes: Sequence[Outcome]) -> str:
    """One hash over the traces of all runs: two campaigns of the same seeds have the same."""
    from records.canonical import sha256_of

    return sha256_of([[one["key"], one["trace"]] for one in outcomes])


def as_text(report: Mapping[str, Any]) -> str:
    """Return the report as a person reads it in a terminal."""
    lines = [
        f"{report['played']} of {report['faults']} faults played, {report['runs']} runs and "
        f"{report['pairs']} pairs, {report['cycles']} cycles, {report['frames']} frames",
        f"unsafe: {len(report['unsafe'])}    in budget: {_percent(report['in_budget'])}    "
        f"missed: {len(report['misses'])}",
    ]
    lines += [f"  UNSAFE  {key}" for key in report["unsafe"]]
    for miss in report["misses"]:
        known = f"  (known: {miss['open']})" if miss["open"] else ""
        lines.append(f"  missed  {miss['key']}: {'; '.join(miss['why'])}{known}")
    lines += [f"  not yet {one['fault']}: {one['why']}" for one in report["not_yet"]]
    if elsewhere := report.get("elsewhere"):
        lines.append(f"  not in this run, but played elsewhere: {', '.join(elsewhere)}")
    lines += [f"  in part {one['fault']}: {one['why']}" for one in report["in_part"]]
    return "\n".join(lines)


def page(report: Mapping[str, Any]) -> str:
    """Return one self-contained HTML page."""
    verdict = "Nothing escaped and nothing was missed." if report["ok"] else (
        f"{len(report['unsafe'])} unsafe, {len(report['misses'])} missed."
    )  # fmt: skip
    lead = (
        f"{report['played']} of {report['faults']} faults, {report['runs']} runs and "
        f"{report['pairs']} pairs, {report['cycles']} cycles in virtual time, {report['frames']} "
        f"frames judged. In budget: {_percent(report['in_budget'])}. {verdict}"
    )
    faults = [
        [
            row["fault"], row["title"], row["place"], row["asked"], str(row["runs"]),
            _of(row["safe"], row["runs"]), _of(row["passed"], row["runs"]),
            "" if row["slowest_share_of_budget"] is None
            else f"{100 * row['slowest_share_of_budget']:.0f} %",
            row["status"],
        ]
        for row in report["by_fault"]
    ]  # fmt: skip
    header = ["fault", "what", "where", "asked", "runs", "safe", "passed", "slowest of budget", ""]
    misses = [[one["key"], "; ".join(one["why"]), one["open"]] for one in report["misses"]]
    open_ = [[one["fault"], one["why"]] for one in [*report["not_yet"], *report["in_part"]]]
    made_by = [[key, str(value)] for key, value in report["made_by"].items()]
    tables = [
        Table("Faults", header, faults, "Safe is the independent judge's word on every frame."),
        Table("Missed", ["run", "what", "known"], misses),
        Table("Not played yet, or in part", ["fault", "why"], open_),
    ]
    closing = [Table("Made by", ["", ""], [*made_by, ["trace of all runs", report["trace"]]])]
    return render(Report("Fault campaign", lead, tables, closing=closing))


def _of(good: int, runs: int) -> str:
    if not runs:
        return ""
    return str(good) if good == runs else f"✗ {good} of {runs}"


def _percent(share: float | None) -> str:
    return "none was judged" if share is None else f"{100.0 * share:.1f} %"
