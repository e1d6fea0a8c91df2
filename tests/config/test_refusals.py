from __future__ import annotations

import socket
import subprocess
import threading

import pytest

from service.config_load import load_line
from service.config_problem import WHY, ConfigError
from tests.config.conftest import Copy
from tests.config.spoiled import SPOILED, A


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize(
    ("file", "old", "new", "code", "words"), SPOILED, ids=[f"{row[3]} {row[2]}" for row in SPOILED]
)
def test_one_mistake_is_found_where_it_stands(
    copy: Copy, file: str, old: str, new: str, code: str, words: str
) -> None:
    copy.replace(file, old, new)
    problems = copy.problems()
    if not code:
        assert problems == []  # YAML 1.2: 'no' is a word, not false
        return
    wanted = [
        problem for problem in problems if problem.code == code and words in problem.as_text()
    ]
    assert wanted, "\n".join(problem.as_text() for problem in problems)
    problem = wanted[0]
    assert problem.what
    assert problem.why == WHY[code]
    assert problem.next
    text = (copy.folder / file).read_text("utf-8").splitlines()
    place = problem.file.removeprefix(f"{copy.folder}/")
    if place == file:
        assert problem.source == text[problem.line - 1]
        assert 1 <= problem.column <= len(problem.source) + 1


def test_every_code_is_proved_by_a_mistake_above() -> None:
    assert {row[3] for row in SPOILED if row[3]} | {"RH-1044"} == set(WHY)


def test_a_setpoint_without_limits_is_refused(copy: Copy) -> None:
    text = (copy.folder / "limits.yaml").read_text("utf-8")
    start, end = text.index("  coater.gap_sp:"), text.index("  coater.oven_trim_sp:")
    (copy.folder / "limits.yaml").write_text(text[:start] + text[end:], "utf-8")
    problem = copy.only_problem()
    assert (problem.code, problem.path) == ("RH-1044", "loops.coating.mvs.coater.gap_sp")
    assert (
        copy.line.read_text("utf-8")
        .splitlines()[problem.line - 1]
        .strip()
        .startswith("coater.gap_sp: coater.gap_sp_active")
    )


def test_a_refused_line_is_never_loaded(copy: Copy) -> None:
    copy.replace("limits.yaml", "rate: 1 um/s", "rate: .nan")
    with pytest.raises(ConfigError) as caught:
        load_line(copy.line)
    assert list(caught.value.problems) == copy.problems()


def test_the_place_is_exact(copy: Copy) -> None:
    copy.replace("line.yaml", "period: 8 s", "period: 8")
    problem = copy.only_problem()
    lines = copy.line.read_text("utf-8").splitlines()
    number = lines.index("    period: 8") + 1
    assert (problem.line, problem.column) == (number, len("    period: ") + 1)
    assert problem.as_text().splitlines()[:3] == [
        f"{copy.line}:{number}:13: RH-1020 loops.coating.period: missing unit: 8 of what?",
        "    |     period: 8",
        "    |             ^",
    ]


def test_all_mistakes_of_all_files_are_found_in_one_pass(copy: Copy) -> None:
    copy.replace("line.yaml", "hold_cycles: 6", "hold_cycle: 6")
    copy.replace("line.yaml", "heartbeat_in: coater.heartbeat", "heartbeat_in: coater.hartbeat")
    copy.replace("tags.yaml", "type: uint32", "type: uint33")
    copy.replace("limits.yaml", "operating: [240 um, 340 um]", "operating: [340 um, 240 um]")
    copy.replace("limits.yaml", "rate: 1 um/s", "rate: 1")
    copy.replace("limits.yaml", "tolerance: 0.2 um", "tolerance: 0.2 um\n    tolerance: 0.2 um")
    copy.replace("limits.yaml", "validity: [0 bar, 15 bar]", "validity: [.nan, 15 bar]")
    copy.replace(A, "85.7 g/m2", "85.7 um")
    found = {problem.code for problem in copy.problems()}
    assert found >= {
        "RH-1003", "RH-1010", "RH-1011", "RH-1013", "RH-1020", "RH-1022", "RH-1024", "RH-1030",
        "RH-1040",
    }  # fmt: skip


def test_an_unreadable_file_does_not_silence_the_others(copy: Copy) -> None:
    (copy.folder / "tags.yaml").write_text("tags: [", "utf-8")
    copy.replace("line.yaml", "hold_cycles: 6", "hold_cycles: six")
    assert [problem.code for problem in copy.problems()] == ["RH-1012", "RH-1002"]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"- a\n- b\n", b"%YAML 1.1\n---\na: no\n"]
)
def test_what_is_no_configuration_is_refused(copy: Copy, content: bytes) -> None:
    copy.line.write_bytes(content)
    assert copy.problems()[0].code in ("RH-1001", "RH-1002", "RH-1004")


def test_no_such_file(copy: Copy) -> None:
    copy.line.unlink()
    assert copy.only_problem().code == "RH-1001"


def test_recipe_b_on_the_line_of_recipe_a_is_refused_for_what_it_would_do(copy: Copy) -> None:
    copy.replace("line.yaml", "recipes/a-solvent-acrylic.yaml", "recipes/b-hydrogel.yaml")
    problems = copy.problems()
    assert {problem.code for problem in problems} == {"RH-1032", "RH-1033"}
    assert {problem.path for problem in problems} == {
        "recipe.targets.coater.dry_coat_weight", "recipe.nominal.solids", "recipe.nominal.gap",
    }  # fmt: skip


def test_checking_starts_nothing(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("checking a configuration must start nothing")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(threading.Thread, "start", forbidden)
    before = sorted(copy.folder.rglob("*"))
    assert copy.problems() == []
    assert sorted(copy.folder.rglob("*")) == before
