"""Fault runs: judged from what they left, repeatable to the byte, and no pass for a broken gate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from hil.broken_controllers import CONTROLLERS
from hil.broken_gates import BROKEN, patched
from hil.broken_parts import PARTS
from hil.fault_campaign import Job, jobs_of, play_job
from hil.fault_catalogue import Expected, Play, load_catalogue
from hil.fault_planted import BUGS, FOUND_BY, caught, play_of, play_with_bug
from hil.fault_run import Outcome, play_fault
from hil.fault_world import FaultWorld
from hil.inject_host import killed
from hil.virtual_line import Frame, default_sealed

QUICK = "pi"  # the controller of these runs: what is judged here is not its quality


@pytest.fixture(scope="module")
def sealed() -> dict[str, Any]:
    return default_sealed()


def played(
    sealed: Mapping[str, Any], fault_id: str, name: str, seed: int = 1, **changes: Any
) -> Outcome:
    fault, play = play_of(fault_id, name)
    changes = {"controller": quick(play), **changes}
    return play_fault(fault, play.model_copy(update=changes), seed, sealed)


def quick(play: Play) -> str:
    """Return the controller for a play: a model is only needed where its watch is meant."""
    return "mpc" if play.expect.rule == "IL-12" else QUICK


@pytest.mark.requirement("HIL-05")
def test_the_same_seed_gives_the_same_bytes(sealed: Mapping[str, Any]) -> None:
    one, again, other = (played(sealed, "F29", "coater", seed) for seed in (3, 3, 4))
    assert one.trace == again.trace != other.trace
    assert one.to_json() == again.to_json()


@pytest.mark.requirement("HIL-05")
def test_the_controller_itself_repeats_to_the_byte(sealed: Mapping[str, Any]) -> None:
    runs = [played(sealed, "F38", "coater", 2, controller="mpc") for _ in range(2)]
    assert runs[0].passed
    assert runs[0].trace == runs[1].trace


@pytest.mark.requirement("HIL-06")
@pytest.mark.requirement("SVC-04")
@pytest.mark.parametrize(
    "name", ["between-intent-and-wire", "inside-a-frame", "before-the-record", "back-at-once"]
)
def test_an_engine_killed_around_its_write_comes_back_off_and_reconciles(
    sealed: Mapping[str, Any], name: str
) -> None:
    outcome = played(sealed, "F62", name)
    assert outcome.passed, outcome.misses
    assert outcome.final_mode == "OFF"


@pytest.mark.requirement("P12")
@pytest.mark.parametrize(
    ("fault", "name"),
    [("F01", "speed-nan"), ("F20", "ratio"), ("F24", "mixer"), ("F27", "between-read-and-write"),
     ("F30", "coater"), ("F36", "coater"), ("F40", "plc"), ("F44", "between-intent-and-wire"),
     ("F58", "before-the-intent"), ("F60", "between-two-engines"), ("F63", "engine-and-plc"),
     ("F71", "same-records"), ("F71", "own-records")],
)  # fmt: skip
def test_a_fault_of_each_place_ends_as_the_catalogue_says(
    sealed: Mapping[str, Any], fault: str, name: str
) -> None:
    outcome = played(sealed, fault, name)
    assert outcome.passed, (outcome.misses, outcome.escapes)


@pytest.mark.requirement("GMP-15")
def test_an_expired_calibration_keeps_a_loop_open(sealed: Mapping[str, Any]) -> None:
    outcome = played(sealed, "F14", "gauge")
    assert outcome.passed, outcome.misses
    assert played(sealed, "F14", "last-day").passed


@pytest.mark.requirement("GMP-15")
def test_a_calibration_that_ends_in_closed_loop_holds_it_and_gives_it_back(
    sealed: Mapping[str, Any],
) -> None:
    outcome = played(sealed, "F14", "while-closed")
    assert outcome.passed, outcome.misses


@pytest.mark.requirement("SEC-08")
@pytest.mark.requirement("FS-03")
@pytest.mark.parametrize("fault", ["F69", "F75", "F76"])
def test_people_at_a_desk_are_met_as_the_catalogue_says(
    sealed: Mapping[str, Any], fault: str
) -> None:
    for play in next(one for one in load_catalogue() if one.id == fault).plays:
        assert played(sealed, fault, play.name).passed


@pytest.mark.slow
@pytest.mark.requirement("SEC-01")
@pytest.mark.parametrize("fault", ["F37", "F66", "F67"])
def test_a_peer_is_let_in_by_its_certificate_and_found_by_its_name(
    sealed: Mapping[str, Any], fault: str
) -> None:
    for play in next(one for one in load_catalogue() if one.id == fault).plays:
        assert played(sealed, fault, play.name).passed


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("name", ["coating", "mixing", "profile"])
def test_an_optimiser_that_proposes_anything_stays_within_limits_and_rate(
    sealed: Mapping[str, Any], name: str
) -> None:
    outcome = played(sealed, "F52", name, controller="hold", watch=25)
    assert outcome.safe, outcome.escapes
    assert outcome.setpoints > 0


def test_a_machine_that_goes_down_while_it_is_down_comes_back_later(
    sealed: Mapping[str, Any], tmp_path: Path
) -> None:
    world = FaultWorld("coating", 1, sealed, "hold", tmp_path)
    for at_s in (50.0, 70.0):
        world.strike_at("anytime", at_s, killed(world, away_s=40.0).begin)
    world.ends_s = 160.0
    asyncio.run(world.live())
    world.recorder.abandon()
    starts = [when for when, text in world.notes if text.startswith("start")]
    assert starts == [0.0, 110.0]


@pytest.mark.requirement("GMP-07")
def test_a_controller_with_the_sign_of_its_gain_wrong_is_given_back(
    sealed: Mapping[str, Any],
) -> None:
    outcome = played(sealed, "F51", "controller-at-work")
    assert outcome.passed, outcome.misses


def test_no_frame_overtakes_another_on_its_way(sealed: Mapping[str, Any], tmp_path: Path) -> None:
    world = FaultWorld("coating", 1, sealed, "hold", tmp_path)
    late, new = (
        Frame("coater", (("coater.pump_ratio_sp", ratio),), (("coater.engine_sequence", number),))
        for number, ratio in ((1, 2.5), (2, 2.6))
    )
    world.wire.deliver_later(late, 30.0)
    world.wire.deliver(new)
    world.let_pass(40.0)
    arrived = [row["value"] for row in world.line.log if row.get("tag") == "coater.engine_sequence"]
    assert arrived == [1, 2]
    world.wire.deliver_later(late, 3.0)
    world.let_pass(2.0)
    assert len(world.line.log) == 4
    world.let_pass(2.0)
    assert len(world.line.log) == 6


def test_a_hand_between_intent_and_wire_is_not_taken_for_the_engines_move(
    sealed: Mapping[str, Any],
) -> None:
    outcome = played(sealed, "F23", "gap", when="write", within=2.0)
    assert outcome.safe, outcome.escapes
    assert outcome.passed, outcome.misses


def test_what_is_not_seen_in_time_is_a_miss_and_says_what(sealed: Mapping[str, Any]) -> None:
    late = played(sealed, "F08", "speed", within=1.0)
    assert late.safe
    assert not late.passed
    assert "HOLD after 16 s, budget 8 s" in late.misses
    never = played(sealed, "F08", "speed", expect=Expected(rule="IL-06"))
    assert "IL-06 was not seen" in never.misses
    elsewhere = played(sealed, "F24", "coater", then=["AUTO"])
    assert "ended in SHED, not in AUTO" in elsewhere.misses


@pytest.mark.slow
@pytest.mark.requirement("HIL-03")
@pytest.mark.parametrize("gate", FOUND_BY)
def test_no_broken_gate_passes_the_play_that_has_to_find_it(
    sealed: Mapping[str, Any], gate: str
) -> None:
    whole = played(sealed, *FOUND_BY[gate])
    assert whole.passed, whole.misses
    controller = quick(play_of(*FOUND_BY[gate])[1])
    assert not play_with_bug(gate, 1, sealed, controller).passed


@pytest.mark.slow
@pytest.mark.requirement("HIL-03")
@pytest.mark.parametrize("controller", [name for name in CONTROLLERS if name])
def test_a_broken_controller_is_safe_and_fails_by_its_figures(
    sealed: Mapping[str, Any], controller: str
) -> None:
    found = caught(controller, sealed)
    assert found["caught"], found


def test_at_least_twenty_bugs_are_planted_in_gate_writer_and_controller() -> None:
    assert len(BUGS) >= 20
    assert set(FOUND_BY) == set(FOUND_BY) & {*BROKEN, *PARTS}
    assert set(PARTS) <= set(FOUND_BY)
    before = [getattr(place, key) for bug in PARTS for place, key, _ in PARTS[bug]()]
    for bug in PARTS:
        with patched(PARTS[bug]()):
            pass
    assert before == [getattr(place, key) for bug in PARTS for place, key, _ in PARTS[bug]()]


def test_the_self_test_says_what_it_caught_and_refuses_what_it_does_not_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert answer(["hil", "self-test", "trusts-a-new-connection", "--workers", "1"]) == 0
    assert "caught: HOLD was not seen" in capsys.readouterr().out
    assert answer(["hil", "self-test", "no-such-bug"]) == 2
    assert "no planted bug" in capsys.readouterr().err


def test_pairs_are_drawn_alike_and_of_one_loop() -> None:
    faults = load_catalogue()
    jobs = jobs_of(faults, 1, 40)
    assert jobs == jobs_of(faults, 1, 40)
    pairs = [job for job in jobs if len(job.faults) == 2]
    assert len(pairs) == len(set(pairs)) == 40
    loops = {(f.id, p.name): p.loop for f in faults for p in f.plays}
    for pair in pairs:
        assert len(set(pair.faults)) == 2
        assert len({loops[key] for key in zip(pair.faults, pair.plays, strict=True)}) == 1


@pytest.mark.requirement("HIL-06")
def test_a_double_fault_is_played(sealed: Mapping[str, Any]) -> None:
    job = Job(("F27", "F62"), ("coater", "between-cycles"), 1)
    outcome = play_job(job, sealed)
    assert outcome["pair"]
    assert outcome["safe"]
    assert outcome["misses"] == []


def test_a_run_that_breaks_off_is_no_pass(sealed: Mapping[str, Any]) -> None:
    wrong = {**sealed, "loops": {}}
    outcome = play_job(Job(("F38",), ("coater",), 1), wrong)
    assert not outcome["safe"]
    assert "broke off" in outcome["misses"][0]


@pytest.mark.requirement("HIL-07")
def test_the_command_reports_judges_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    words = ["hil", "run", "F54", "F57", "F31", "--workers", "1", "--out", out]
    assert answer(words) == 0
    said = capsys.readouterr().out
    assert "2 of 3 faults played" in said
    assert "not in this run, but played elsewhere: F31" in said
    assert answer(words) == 2, "a folder is not played over"
    assert answer([*words, "--resume", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"]
    assert report["runs"] == 4
    assert {"config", "catalogue", "sources"} <= set(report["made_by"])
    assert answer(["hil", "report", "--out", out]) == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert report["trace"] in page


def test_a_miss_is_named_and_gives_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hil import inject_config

    monkeypatch.setattr(inject_config, "judge_change", lambda *_: [])
    assert answer(["hil", "run", "F57", "--workers", "1", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "missed  F57-older-version.0001: 'RH-200' was not seen; said: accepted" in said
