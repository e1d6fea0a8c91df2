"""A run as one HTML file that needs nothing else: tables and plots, readable offline in ten years.

The caller says what to show (`Report`); this module only draws. Plots are inline SVG, so the
file can be archived, printed and diffed.
"""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#22262a"
COLOURS = {"main": "#1c4f7c", "other": "#b25e00", "thin": "#9aa0a6"}

STYLE = """
body{font:15px/1.45 "Noto Sans","Segoe UI",system-ui,sans-serif;color:#22262a;max-width:1080px;
margin:24px auto;padding:0 16px;background:#f4f4f3}h1{font-size:26px}h2{font-size:19px;
margin-top:32px}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;
background:#fff}th,td{border:1px solid #c9ccce;padding:4px 9px;text-align:right;
vertical-align:top}th{background:#e6e7e8;font-weight:600}th:first-child,td:first-child,td.text
{text-align:left}td.bad{font-weight:700;color:#a30f1f}figure{margin:12px 0;background:#fff;
border:1px solid #c9ccce}figure svg{width:100%;height:auto;display:block}.note{color:#50565c}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#fff;border:1px solid #c9ccce;
padding:8px}@media print{body{background:#fff}}
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart: minutes against values; `look` is main, other or thin."""

    label: str
    minutes: Sequence[float]
    values: Sequence[float | None]
    look: str = "main"


@dataclass(frozen=True, slots=True)
class Chart:
    """One plot: curves, and the target and limits that belong to them."""

    title: str
    unit: str
    curves: Sequence[Curve]
    target: float | None = None
    band: tuple[float, float] | None = None
    marks: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table; cells are shown as they are, a cell that starts with '✗' stands out."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one run has to tell."""

    title: str
    lead: str
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    closing: Sequence[Table] = field(default_factory=tuple)


def render(report: Report) -> str:
    """Return `report` as one self-contained HTML document."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(report.title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{html.escape(report.title)}</h1><p>{html.escape(report.lead)}</p>",
        *(_table(table) for table in report.tables),
        *(_figure(chart) for chart in report.charts),
        *(_table(table) for table in report.closing),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
    rows = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return (
        f"<h2>{html.escape(table.title)}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{note}"
    )


def _cell(cell: str) -> str:
    if cell.startswith("✗"):
        return f'<td class="bad text">{html.escape(cell)}</td>'
    is_text = any(c.isalpha() for c in cell) and len(cell) > 12
    return (
        f'<td class="text">{html.escape(cell)}</td>' if is_text else f"<td>{html.escape(cell)}</td>"
    )


def _figure(chart: Chart) -> str:
    with mpl.rc_context({"svg.hashsalt": "rheostat", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10.4, 2.9), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for curve in chart.curves:
            values = [float("nan") if v is None else v for v in curve.values]
            axes.plot(
                curve.minutes, values, label=curve.label, color=COLOURS[curve.look],
                linewidth=0.8 if curve.look == "thin" else 1.5,
                linestyle="--" if curve.look == "other" else "-",
            )  # fmt: skip
        if chart.target is not None:
            axes.axhline(chart.target, color=INK, linewidth=0.8)
        if chart.band is not None:
            axes.axhspan(*chart.band, color="#2e7d32", alpha=0.08, linewidth=0)
        for minute, text in chart.marks:
            axes.axvline(minute, color="#9aa0a6", linewidth=0.7, linestyle=":")
            axes.annotate(
                text, (minute, 1.0), xycoords=("data", "axes fraction"), rotation=90, va="top",
                ha="right", fontsize=7, color="#50565c",
            )  # fmt: skip
        axes.set_title(chart.title, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel("minutes of production")
        axes.set_ylabel(chart.unit)
        axes.grid(visible=True, color="#e3e5e6", linewidth=0.6)
        axes.legend(loc="upper right", fontsize=8, framealpha=0.9, ncols=len(chart.curves))
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    return f"<figure>{svg[svg.index('<svg') :]}</figure>"
