"""A campaign as one self-contained HTML page: verdicts, tables, and differences with intervals."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from hil.campaign_plan import CampaignPlan
from hil.campaign_report import difference, number
from hil.report import Report, Table, render

DOTS = {"better": "#1b6e2c", "worse": "#a30f1f", "tie": "#6b7075"}
PLOTTED = (
    ("off_spec_transient_m", "metres off spec in transients"),
    ("sigma_settled_percent", "settled sigma [%]"),
    ("time_to_on_spec_s", "time to on spec [s]"),
    ("constraint_min", "minutes outside soft constraints"),
)


def page(plan: CampaignPlan, report: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """Return the page of a campaign of scenarios."""
    tables = [_targets(report["targets"])] if report["targets"] else []
    for other, rows in report["paired"].items():
        tables.append(_differences(other, rows))
    lead = f"{plan.title}. {report['runs']} runs. " + " ".join(plan.why.split())
    hashes = [[key, str(value)] for key, value in manifest.items()]
    closing = [Table("Made by", ["", ""], hashes)]
    document = render(Report(f"Campaign {plan.name}", lead, tables, closing=closing))
    plots = "".join(
        _forest(other, rows, figure, title)
        for other, rows in report["paired"].items()
        for figure, title in PLOTTED
    )
    return document.replace("<h2>Made by", f"{plots}<h2>Made by", 1)


def _targets(rows: Sequence[Mapping[str, Any]]) -> Table:
    shown = [
        [
            row["target"], str(row["plants"]), number(row["ours"]), number(row["theirs"]),
            number(row["change_percent"]), number(row["margin"]), number(row["ci95"]),
            f"✗ {row['verdict']}" if row["verdict"] == "missed" else row["verdict"],
        ]
        for row in rows
    ]  # fmt: skip
    header = [
        "target",
        "plants",
        "ours",
        "baseline",
        "change %",
        "to the target",
        "± 95 %",
        "verdict",
    ]
    note = (
        "Met: with its 95 % interval beyond the target. Open: these plants cannot tell. Figures "
        "are summed over the target's scenarios, plant by plant."
    )
    return Table("Targets", header, shown, note)


def _differences(other: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    shown = [
        [
            row["scenario"], row["loop"], row["figure"], str(row["plants"]), number(row["ours"]),
            number(row["theirs"]), difference(row), row["verdict"],
        ]
        for row in rows
        if row["ours"] or row["theirs"]
    ]  # fmt: skip
    header = ["scenario", "loop", "figure", "plants", "ours", other, "difference", "verdict"]
    note = "Same plants, same noise. A tie: the 95 % interval of the difference holds zero."
    return Table(f"Ours against {other}, plant by plant", header, shown, note)


def _forest(other: str, rows: Sequence[Mapping[str, Any]], figure: str, title: str) -> str:
    chosen = [row for row in rows if row["figure"] == figure and (row["ours"] or row["theirs"])]
    if not chosen:
        return ""
    with mpl.rc_context({"svg.hashsalt": "rheostat", "svg.fonttype": "none", "font.size": 9}):
        drawing = Figure(figsize=(10.4, 0.9 + 0.28 * len(chosen)), layout="constrained")
        FigureCanvasSVG(drawing)
        axes = drawing.add_subplot()
        for place, row in enumerate(reversed(chosen)):
            axes.errorbar(
                row["difference"], place, xerr=row["ci95"] or 0.0, fmt="o", capsize=3,
                color=DOTS[row["verdict"]], markersize=5,
            )  # fmt: skip
        axes.axvline(0.0, color="#22262a", linewidth=0.8)
        names = [f"{row['scenario']} ({row['loop']})" for row in reversed(chosen)]
        axes.set_yticks(range(len(chosen)), names)
        axes.set_title(f"{title}: ours - {other}", loc="left", fontsize=10, fontweight="bold")
        axes.grid(visible=True, axis="x", color="#e3e5e6", linewidth=0.6)
        drawn = io.StringIO()
        drawing.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    return f"<figure>{svg[svg.index('<svg') :]}</figure>"
