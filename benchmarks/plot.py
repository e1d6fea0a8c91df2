"""One picture of a run: every median of processor time as a bar to its p99, on a log scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import Line, lines_of

SHOWN = ("cpu_ms", "wall_ms", "cpu_s")
"""What is drawn, the first that a row has."""


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Write the picture of a run to `path` (SVG)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    panels = {name: _shown(section["figures"]) for name, section in result["sections"].items()}
    panels = {name: lines for name, lines in panels.items() if lines}
    heights = [1 + len(lines) for lines in panels.values()] or [1]
    with rc_context({"svg.hashsalt": "rheostat", "font.size": 8}):
        figure = Figure(figsize=(9.0, 0.22 * sum(heights) + 1.0), layout="constrained")
        axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
        for row, (name, lines) in zip(axes[:, 0], panels.items(), strict=False):
            middle = [line.spread["median"] for line in lines]
            tail = [line.spread["p99"] - line.spread["median"] for line in lines]
            row.barh([line.where for line in lines], middle, color="#4878a8")
            row.barh([line.where for line in lines], tail, left=middle, color="#b8cce0")
            row.set_xscale("log")
            row.invert_yaxis()
            row.set_title(f"{name}: median and p99 of {lines[0].what}", loc="left")
        commit, when = (result["surroundings"][key] for key in ("commit", "utc"))
        figure.suptitle(f"rheostat bench, {commit[:10]}, {when}")
        figure.savefig(path, format="svg", metadata={"Date": None})


def _shown(figures: Mapping[str, Any]) -> list[Line]:
    lines = list(lines_of(figures))
    for what in SHOWN:
        if found := [x for x in lines if x.what == what and "times_faster" not in x.where]:
            return found
    return []
