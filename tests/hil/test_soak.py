"""The soak: the same whoever plays it, brings lines back, and finds a gate that lets things out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from hil.fault_disk import FaultyRecorder
from hil.fault_soak import CHUNK, Chunk, chunks_of, play_chunk, total_of
from hil.fault_storm import FOR_GOOD, plays_of
from hil.fault_world import FaultWorld
from hil.virtual_line import default_sealed
from records.record_key import keys_path
from safety import cuts
from safety.setpoint_rules import SetpointRule
from safety.shape import shape


@pytest.fixture(scope="module")
def sealed() -> dict[str, Any]:
    return default_sealed()


def test_chunks_make_the_cycles_asked_for() -> None:
    chunks = chunks_of(2 * CHUNK + 7, 3)
    assert [chunk.cycles for chunk in chunks] == [CHUNK, CHUNK, 7]
    assert len({chunk.key for chunk in chunks}) == 3
    assert chunks_of(3 * CHUNK, 3)[:2] == chunks[:2]  # so that a soak can be made longer


@pytest.mark.parametrize("loop", ["coating", "profile", "mixing"])
def test_every_loop_is_struck_by_what_can_strike_it_again(loop: str) -> None:
    plays = plays_of(loop)
    assert len({fault for fault, _ in plays}) > 20
    assert not {play.verb for _, play in plays} & set(FOR_GOOD)
    assert any(play.verb == "random_wishes" for _, play in plays)


@pytest.mark.requirement("HIL-06")
def test_a_chunk_repeats_is_safe_and_comes_back_to_auto(sealed: Mapping[str, Any]) -> None:
    chunk = Chunk(0, 4, 60)
    one = play_chunk(chunk, sealed)
    assert one == play_chunk(chunk, sealed)
    total = total_of([one])
    assert total["ok"], (total["escapes"], total["misses"])
    assert total["cycles"] >= 60
    assert total["faults"] > 3
    assert total["auto"] > 12
    assert total["setpoints"] > 0


@pytest.mark.requirement("HIL-06")
def test_equal_plants_sign_with_one_key_and_name_neither_place_nor_process(
    sealed: Mapping[str, Any], tmp_path: Path
) -> None:
    def left_by(seed: int, name: str) -> tuple[bytes, list[tuple[float, str]]]:
        folder = tmp_path / name
        folder.mkdir()
        world = FaultWorld("coating", seed, sealed, "hold", folder)
        world.note(f"{folder}/records.sqlite is written by process {os.getpid()}")
        recorder = asyncio.run(FaultyRecorder.open(folder / "records.sqlite", world))
        recorder.abandon()
        return keys_path(folder / "records.sqlite").read_bytes(), world.notes

    assert left_by(3, "one") == left_by(3, "again")
    assert left_by(3, "third")[0] != left_by(4, "other")[0]
    assert str(os.getpid()) not in left_by(3, "fourth")[1][0][1]


@pytest.mark.requirement("HIL-03")
def test_a_gate_that_moves_too_fast_does_not_pass_a_soak(
    sealed: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    true = shape

    def hasty(rule: SetpointRule, wanted: float, applied: float, step: float) -> Any:
        return true(rule, wanted, applied, 20.0 * step)

    monkeypatch.setattr(cuts, "shape", hasty)
    monkeypatch.setattr(cuts, "towards", lambda wish, *_: wish)
    monkeypatch.setattr(cuts, "is_safe", lambda *_: True)
    found = play_chunk(Chunk(0, 4, 60), sealed)
    assert found["unsafe"] > 0
    assert not total_of([found])["ok"]


def test_a_harness_that_breaks_off_is_no_pass(sealed: Mapping[str, Any]) -> None:
    found = play_chunk(Chunk(0, 4, 20), {**sealed, "loops": {}})
    assert "broke off" in found["misses"][0]
    assert not total_of([found])["ok"]


def test_the_command_keeps_chunks_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "soak"
    words = ["hil", "soak", "--seed", "4", "--workers", "1", "--out", str(folder), "--cycles", "12"]
    assert answer(words) in (0, 1)  # so short a soak may not reach AUTO, and then it proves nothing
    assert len(list((folder / "runs").iterdir())) == 1
    assert answer(words) == 2  # what is there is not played over
    capsys.readouterr()
    assert answer([*words, "--resume"]) in (0, 1)
    assert "0 of 1 chunk(s) to play" in capsys.readouterr().err
    assert answer(["hil", "soak", "--cycles", "0"]) == 2
