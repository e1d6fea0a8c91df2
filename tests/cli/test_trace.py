"""The trace matrix: no requirement without a test or a reason, and a matrix that can say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.app import answer
from cli.trace import CATALOGUE
from cli.trace_matrix import (
    CatalogueError,
    as_html,
    linked_tests,
    matrix,
    read_catalogue,
    results,
)
from tests.cli.ask import ROOT

COUNTS = {"REC": 15, "GMP": 16, "FS": 12, "SVC": 4, "IL": 20, "HIL": 7, "SEC": 17}
JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a.test_one" name="test_good[1]"/>
<testcase classname="tests.a.test_one" name="test_good[2]"/>
<testcase classname="tests.a.test_one" name="test_bad[1]"/>
<testcase classname="tests.a.test_one" name="test_bad[2]"><failure message="no"/></testcase>
<testcase classname="tests.a.test_one.TestClass" name="test_skipped"><skipped/></testcase>
</testsuite></testsuites>"""
ROW = {"shall": "be so", "risk": "it is <not>"}


def test_every_id_is_in_the_catalogue() -> None:
    wanted = {f"{area}-{n:02d}" for area, count in COUNTS.items() for n in range(1, count + 1)}
    assert set(read_catalogue(CATALOGUE)) == wanted | {f"P{n}" for n in range(1, 13)}


@pytest.mark.requirement("GMP-10")
def test_every_id_is_linked_to_a_test_or_open_with_a_reason() -> None:
    catalogue, tests = read_catalogue(CATALOGUE), linked_tests(ROOT)
    orphans = [row.id for row in matrix(catalogue, tests, {}) if row.status == "orphan"]
    assert orphans == [], "link a test with @pytest.mark.requirement, or say why it is open"


@pytest.mark.requirement("GMP-10")
def test_the_matrix_tells_shown_from_open_failed_not_run_and_orphan(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(JUNIT, "utf-8")
    ended = results(tmp_path / "junit.xml")
    catalogue = {name: dict(ROW) for name in ("A-1", "A-2", "A-3", "A-4", "A-5")}
    catalogue["A-5"]["open"] = "not built"
    one = "tests.a.test_one"
    tests = {
        "A-1": {f"{one}.test_good"},
        "A-2": {f"{one}.test_good", f"{one}.test_bad"},
        "A-3": {f"{one}.TestClass.test_skipped"},
        "B-1": {f"{one}.test_good"},
    }
    rows = matrix(catalogue, tests, ended)
    assert {row.id: row.status for row in rows} == {
        "A-1": "shown", "A-2": "failed", "A-3": "not run", "A-4": "orphan", "A-5": "open",
        "B-1": "orphan",
    }  # fmt: skip
    page = as_html(rows, "<matrix>")
    assert "it is &lt;not&gt;" in page
    assert "<matrix>" not in page


def test_marks_are_found_on_modules_classes_functions_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(
        "import pytest\n"
        'pytestmark = [pytest.mark.slow, pytest.mark.requirement("A-1")]\n'
        '@pytest.mark.requirement("A-2")\n'
        "async def test_one(): ...\n"
        '@pytest.mark.requirement("A-3")\n'
        "class TestTwo:\n"
        '    @pytest.mark.parametrize("x", [\n'
        '        pytest.param(1, marks=pytest.mark.requirement("A-4"))])\n'
        "    def test_two(self, x): ...\n"
        "def helper(): ...\n",
        "utf-8",
    )
    one, two = "tests.test_x.test_one", "tests.test_x.TestTwo.test_two"
    assert linked_tests(tmp_path) == {"A-1": {one, two}, "A-2": {one}, "A-3": {two}, "A-4": {two}}


def test_the_verb_writes_both_copies_and_fails_on_what_did_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "junit.xml").write_text(JUNIT, "utf-8")
    words = ["trace", "--results", str(tmp_path / "junit.xml"), "--report", str(tmp_path)]
    assert answer(words) == 1
    assert "IL-01: not run" in capsys.readouterr().out
    rows = json.loads((tmp_path / "trace.json").read_text("utf-8"))
    assert len(rows) == sum(COUNTS.values()) + 12
    assert "<td>IL-01</td>" in (tmp_path / "trace.html").read_text("utf-8")
    assert answer(["trace", "--results", str(tmp_path / "none.xml")]) == 3


@pytest.mark.parametrize("text", ["", "requirements: {A-1: {shall: x}}", "requirements: [", "- a"])
def test_a_catalogue_that_says_too_little_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(text, "utf-8")
    with pytest.raises(CatalogueError):
        read_catalogue(tmp_path / "r.yaml")
