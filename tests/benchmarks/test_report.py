"""What a run of the benchmark says of itself: verdicts from numbers, tables, comparison."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import Verdict, spread
from benchmarks.plot import draw
from benchmarks.report import compared, lines_of, missed, text_of

FIGURES: dict[str, Any] = {
    "coating": {"ours": {"failed": 0, "total": {"cpu_ms": spread([1.0, 2.0, 3.0])}}},
    "sizes": [{"bolts": 12, "load": "calm", "cpu_ms": spread([0.5])}],
}
RESULT: dict[str, Any] = {
    "surroundings": {
        "utc": "2026-01-01T00:00:00Z", "commit": "c" * 40, "changed_files": 0, "cpu": "a",
        "cores": 2, "load": 0.0, "python": "3.11", "packages": {},
    },
    "sections": {
        "solvers": {"figures": FIGURES, "verdicts": [Verdict("x", 49.0, ">=", 50.0).to_json()]}
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("measured", "relation", "passed"),
    [(50.0, ">=", True), (49.9, ">=", False), (50.1, "<=", False), (math.nan, "<=", False)],
)
def test_a_verdict_follows_from_the_number(measured: float, relation: Any, passed: bool) -> None:
    assert Verdict("x", measured, relation, 50.0).passed == passed


def test_every_spread_is_found_with_what_stands_beside_it() -> None:
    lines = list(lines_of(FIGURES))
    assert [line.where for line in lines] == ["coating / ours / total", "sizes / 12 bolts, calm"]
    assert lines[0].spread["median"] == 2.0
    assert lines[0].beside == {"failed": 0}


def test_the_text_names_a_miss() -> None:
    assert "MISS  x: 49 (asked: >= 50)" in text_of(RESULT)
    assert missed(RESULT) == ["x"]


def test_two_runs_are_compared_spread_by_spread() -> None:
    new = copy.deepcopy(RESULT)
    new["sections"]["solvers"]["figures"]["sizes"][0]["cpu_ms"] = spread([1.0])
    new["surroundings"]["cpu"] = "b"
    text = compared(new, RESULT)
    row = next(line for line in text.splitlines() if "12 bolts" in line)
    assert row.split()[-4:] == ["2.00"] * 4
    assert "another processor" in text


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw(RESULT, tmp_path / "bench.svg")
    assert "<svg" in (tmp_path / "bench.svg").read_text("utf-8")
