"""Faults on real sockets: the plays can be played, and one of them is."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from cli.app import answer
from hil.fault_catalogue import load_catalogue
from hil.real_line import WAYS
from hil.real_run import play_real, real_plays
from tests.hil.sealed_line import sealed_line


def test_every_real_play_names_a_fault_a_way_and_its_arguments() -> None:
    plays = [play for fault in load_catalogue() for play in real_plays(fault)]
    assert len(plays) >= 14
    for play in plays:
        inspect.signature(WAYS[play.verb]).bind(None, "", **play.args)


@pytest.mark.parametrize(
    "more", [["--seeds", "3"], ["--pairs", "2"], ["--resume"], ["--trace", "here"]]
)
def test_what_real_sockets_cannot_do_is_refused_in_words(
    more: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert answer(["hil", "run", "F32", "--real", "--out", str(tmp_path / "run"), *more]) == 2
    assert f"--real does not go with {more[0]}" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.requirement("HIL-06")
def test_a_reset_wire_holds_its_loop_and_is_back_in_time(tmp_path: Path) -> None:
    faults = [fault for fault in load_catalogue() if fault.id == "F32"]
    play, whole = play_real(faults, sealed_line(), tmp_path, 1, 8.0, lambda _: None)
    assert play["safe"], play["escapes"]
    assert whole["passed"], (whole["misses"], whole["escapes"])
    assert any(seen.startswith("HOLD") for seen in play["seen"]), play


def test_what_has_no_real_play_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["hil", "run", "F14", "--real"]) == 2
    assert "real play" in capsys.readouterr().err
