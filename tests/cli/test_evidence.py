"""The evidence pack: rendered alike from the same results, verified off-line, gated for release."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from cli.evidence_collect import node_of, place_of, read_yaml
from cli.evidence_facts import facts, pins
from cli.evidence_pack import FORMAT
from cli.evidence_results import deviations, read_results
from cli.trace import CATALOGUE
from cli.trace_matrix import linked_tests, read_catalogue
from hil.fault_catalogue import load_catalogue
from hil.fault_planted import caught
from hil.virtual_line import default_sealed
from service.paper.model import Page, Table
from service.paper.pdf import write_pdf
from tests.cli.ask import ROOT

TEST = "tests.a.test_one.test_good"
OUTCOME = {"key": "F62-x.0001", "fault": "F62", "pair": False, "safe": True, "passed": True,
           "misses": [], "open": ""}  # fmt: skip
REQUIREMENTS = {
    "A-1": {"shall": "be so", "risk": "it is <not>"},
    "A-2": {"shall": "be so too", "risk": "nobody knows", "open": "not built, 아직"},
}


def made(folder: Path, **changes: Any) -> Path:
    """Write the results of a small run to `folder`/results; a change replaces one file."""
    results = folder / "results"
    files: dict[str, Any] = {
        "run.json": {"format": FORMAT, "utc": "2026-01-01T00:00:00Z", "scope": "quick",
                     "commit": "c", "version": "0", "steps": []},
        "facts.json": {"implementation": "CPython", "python": "3", "system": "s", "libc": "l",
                       "architecture": "a", "locks": {}, "sources": {"a.py": "00"},
                       "packages": [{"name": "p", "locked": "1", "installed": "1"}]},
        "requirements.json": REQUIREMENTS, "tests.json": {"A-1": [TEST]},
        "links.json": {"A-1": ["F62"]},
        "faults.json": {f: {"title": "t", "asked": "a"} for f in ("F62", "F63")},
        "known-limits.json": ["it is emulated"],
        "hil/report.json": {"by_fault": [], "not_yet": [], "in_part": [], "unsafe": []},
        "hil/runs/F62-x.0001.json": OUTCOME,
        "planted.json": [{"bug": "b", "fault": "F49", "play": "p", "caught": True, "by": ["x"]}],
        "score.json": {"rows": []}, "demo.json": {}, "timing.json": {"loops": {}},
        **changes,
    }  # fmt: skip
    for name, body in files.items():
        path = results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body), "utf-8")
    (results / "junit.xml").write_text(
        changes.get("junit", '<testsuites><testsuite><testcase classname="tests.a.test_one" '
                    'name="test_good"/></testsuite></testsuites>'), "utf-8"
    )  # fmt: skip
    (results / "traces").mkdir(exist_ok=True)
    (results / "traces" / "F62-x.0001.mcap").write_bytes(b"a trace")
    return folder


def blocking(folder: Path) -> list[str]:
    return [one.what for one in deviations(read_results(folder / "results")) if one.blocks]


@pytest.mark.requirement("GMP-16")
def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    source = made(tmp_path / "source")
    for name in ("one", "two"):
        assert answer(["evidence", "--from", str(source), "--out", str(tmp_path / name)]) == 0
    files = [p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file()]
    assert {"evidence.pdf", "junit.xml", "manifest.json", "trace.html"} <= {p.name for p in files}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


@pytest.mark.requirement("GMP-10")
@pytest.mark.requirement("GMP-16")
def test_three_clicks_lead_from_a_requirement_to_the_trace(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    answer(["evidence", "--from", str(made(tmp_path / "source")), "--out", str(pack)])
    page, clicks = "trace.html#A-1", []
    for wanted in (f"tests.html#{TEST}", "results/traces/F62-x.0001.mcap"):
        row = _row(pack, page)
        assert wanted in re.findall(r'href="([^"]+)"', row)
        clicks.append(wanted)
        page = wanted
    assert (pack / page).is_file()
    assert "passed" in _row(pack, clicks[0])
    assert "results/traces/F62-x.0001.mcap" in _row(pack, "oq.html#F62")
    assert "it is &lt;not&gt;" in (pack / "trace.html").read_text("utf-8")


def test_every_link_of_a_pack_leads_somewhere(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    answer(["evidence", "--from", str(made(tmp_path / "source")), "--out", str(pack)])
    for page in pack.glob("*.html"):
        for link in re.findall(r'href="([^"]+)"', page.read_text("utf-8")):
            name, _, anchor = link.partition("#")
            assert (pack / name).is_file(), f"{page.name} leads to {link}"
            assert not anchor or f'id="{anchor}"' in (pack / name).read_text("utf-8"), link


def _row(pack: Path, place: str) -> str:
    name, _, anchor = place.partition("#")
    text = (pack / name).read_text("utf-8")
    return text[text.index(f'id="{anchor}"') :].partition("</tr>")[0]


@pytest.mark.requirement("GMP-16")
def test_a_pack_is_verified_and_whatever_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack"
    answer(["evidence", "--from", str(made(tmp_path / "source")), "--out", str(pack)])
    named = capsys.readouterr().out.split()[-1]
    assert answer(["evidence", "verify", str(pack)]) == 0
    assert named in capsys.readouterr().out
    (pack / "results" / "score.json").write_text("{}", "utf-8")
    (pack / "oq.html").unlink()
    (pack / "more.txt").write_text("x", "utf-8")
    assert answer(["evidence", "verify", str(pack)]) == 1
    said = capsys.readouterr().out
    for line in (
        "changed: results/score.json",
        "missing: oq.html",
        "not in the manifest: more.txt",
    ):
        assert line in said
    assert answer(["evidence", "verify", str(tmp_path)]) == 3
    (pack / "manifest.json").write_text('{"format": "x", "files": {}}', "utf-8")
    assert answer(["evidence", "verify", str(pack)]) == 3


@pytest.mark.requirement("GMP-10")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"tests.json": {}}, "A-1 is orphan"),
        ({"tests.json": {"A-1": ["tests.a.test_two.test_not_run"]}}, "A-1 is not run"),
        ({"planted.json": [{"bug": "b", "fault": "F49", "play": "p", "caught": False, "by": []}]},
         "'b' was not caught by F49"),
        ({"planted.json": []}, "none was played"),
        ({"hil/runs/F62-x.0001.json": {**OUTCOME, "safe": False, "passed": False}},
         "F62-x.0001 was UNSAFE"),
        ({"junit": '<testsuites><testsuite><testcase classname="tests.a.test_one" '
                   'name="test_good"><failure message="no"/></testcase></testsuite></testsuites>'},
         "A-1 is failed"),
    ],
)  # fmt: skip
def test_a_release_is_refused_for_what_is_not_shown(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    source = made(tmp_path / "source", **change)
    words = ["evidence", "--from", str(source), "--out", str(tmp_path / "pack")]
    assert answer([*words, "--release"]) == (1 if said else 0)
    assert (said in blocking(source)) if said else blocking(source) == []


def test_what_is_open_skipped_or_missed_is_a_deviation(tmp_path: Path) -> None:
    missed = {**OUTCOME, "passed": False, "misses": ["HOLD was not seen"], "open": "not built"}
    source = made(
        tmp_path / "source",
        **{
            "hil/runs/F62-x.0001.json": missed,
            "junit": '<testsuites><testsuite><testcase classname="tests.a.test_one" '
            'name="test_good"/><testcase classname="tests.a.test_one" name="test_other"><skipped '
            'message="no server here"/></testcase></testsuite></testsuites>',
        },
    )
    found = {one.what: one.why for one in deviations(read_results(source / "results"))}
    assert found["1 faults were left out of this run"] == "F63"
    assert found["A-2 is open"] == "not built, 아직"
    assert found["tests.a.test_one.test_other skipped"] == "no server here"
    assert found["F62-x.0001 was missed"] == "HOLD was not seen (known: not built)"


def test_results_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    source = made(tmp_path / "source")
    out = str(tmp_path / "pack")
    assert answer(["evidence", "--from", str(source), "--quick", "--out", out]) == 2
    assert answer(["evidence", "--from", str(source), "--out", str(source)]) == 2
    (source / "results" / "facts.json").unlink()
    assert answer(["evidence", "--from", str(source), "--out", out]) == 3
    assert answer(["evidence", "--from", str(tmp_path / "none"), "--out", f"{out}2"]) == 3


def test_korean_is_set_in_a_korean_face(tmp_path: Path) -> None:
    page = Page("x", "증거", "한글 text", (Table("표", ["이름"], [["값 µ ≤ 3"]]),))
    write_pdf(tmp_path / "x.pdf", [page], "x")
    content = (tmp_path / "x.pdf").read_bytes()
    assert b"HYGothic-Medium" in content
    assert b"DejaVuSans" in content


def test_a_text_longer_than_a_page_goes_on_on_the_next(tmp_path: Path) -> None:
    """What a failed test says can be long, and then the pack matters most."""
    said = "\n".join(f"line {number} of what went wrong" for number in range(500))
    page = Page("x", "x", "x", [Table("x", ["a", "b"], [["short", "short"], ["failed", said]])])
    write_pdf(tmp_path / "x.pdf", [page], "x")
    assert (tmp_path / "x.pdf").read_bytes().count(b"/Type /Page\n") >= 3


def test_the_installation_is_compared_with_the_lock() -> None:
    found = facts(ROOT)
    assert {row["name"] for row in found["packages"]} == {
        name for name, _ in pins(ROOT / "requirements.lock")
    }
    assert len(found["packages"]) > 20
    assert "safety/gate.py" in found["sources"]
    assert "requirements.lock" in found["locks"]


def test_links_name_requirements_and_faults_that_exist() -> None:
    links = read_yaml("faults")
    assert set(links) <= set(read_catalogue(CATALOGUE))
    assert {fault for all_ in links.values() for fault in all_} <= {f.id for f in load_catalogue()}
    assert read_yaml("limits", "known-limits")


def test_every_linked_test_has_a_node_pytest_can_find() -> None:
    for tests in linked_tests(ROOT).values():
        for test in tests:
            path, *names = node_of(test).split("::")
            assert f"def {names[-1]}(" in (ROOT / path).read_text("utf-8")


def test_the_tests_of_a_file_run_in_the_order_they_stand_there() -> None:
    file = "tests/hil/test_whole_line.py"
    names = ("test_the_engine_starts_off_and_writes_nothing", "test_a_killed_solver_costs_no_more_"
             "than_a_hold")  # fmt: skip
    first, later = (f"{file}::{name}" for name in names)
    assert sorted([later, first], key=place_of) == [first, later]
    assert sorted([later, first]) == [later, first], "by name it would be the other way round"


def test_a_planted_bug_is_only_caught_where_the_whole_gate_passes() -> None:
    row = caught("remote-ignored", default_sealed())
    assert row["whole_gate_passes"]
    assert row["caught"]
    assert row["by"]
