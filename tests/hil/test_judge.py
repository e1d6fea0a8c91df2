from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hil.judge import BOXES, judge_logs, judge_rows, main


def frame(
    plant_s: float, ratio: float, active: float, *, remote: bool = True, number: int | None = None
) -> list[dict[str, Any]]:
    words: dict[str, tuple[float, float | None]] = {"coater.pump_ratio_sp": (ratio, active)}
    words |= {} if number is None else {"coater.engine_sequence": (number, None)}
    words |= {"coater.engine_heartbeat": (7, None)}
    return [
        {"plant_s": plant_s, "tag": tag, "value": value, "active": at, "remote": remote}
        for tag, (value, at) in words.items()
    ]


def honest_log() -> list[dict[str, Any]]:
    rows, ratio = [], 2.6
    for cycle in range(50):
        wanted = min(ratio + 0.05, 3.1)
        rows += frame(8.0 * cycle, wanted, ratio)
        ratio = wanted
    return rows


def test_an_honest_log_is_clean() -> None:
    verdict = judge_rows(honest_log())
    assert verdict.clean
    assert (verdict.frames, verdict.setpoints, verdict.half_frames) == (50, 50, 0)
    assert verdict.closest_to_limit["coater.pump_ratio_sp"] == 0.0
    assert verdict.travel["coater.pump_ratio_sp"] == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("value", "active", "why"),
    [
        (3.15, 3.1, "outside"),
        (2.15, 2.2, "outside"),
        (2.70, 2.6, "moves"),
        (math.nan, 2.6, "not a number"),
        (math.inf, 2.6, "not a number"),
        (2.6, math.nan, "moves"),
    ],
)
def test_a_planted_escape_is_found(value: float, active: float, why: str) -> None:
    rows = honest_log()
    rows[40:40] = frame(160.5, value, active)
    verdict = judge_rows(rows)
    assert not verdict.clean
    assert why in verdict.escapes[0]["why"]


def test_many_small_moves_in_a_hurry_are_too_fast() -> None:
    rows = frame(0.0, 2.6, 2.6) + frame(1.0, 2.67, 2.6)
    assert not judge_rows(rows).clean
    assert judge_rows(frame(0.0, 2.6, 2.6) + frame(8.0, 2.67, 2.6)).clean


@pytest.mark.parametrize(("other", "clean"), [(2.66, True), (2.6601, True), (2.69, False)])
def test_an_engine_that_tracks_takes_none_of_the_others_time(other: float, clean: bool) -> None:
    rows = frame(0.0, 2.66, 2.6) + frame(8.0, other, 2.66) + frame(8.0, other + 0.079, other)
    assert judge_rows(rows).clean is clean
    early = frame(0.0, 2.66, 2.6) + frame(3.0, 2.66, 2.66) + frame(4.0, 2.739, 2.66)
    assert not judge_rows(early).clean


def test_a_doubled_frame_goes_on_with_its_move_and_begins_no_other() -> None:
    first = frame(0.0, 2.6, 2.6) + frame(8.0, 2.67, 2.6)
    assert judge_rows(first + frame(9.0, 2.67, 2.62)).clean
    assert not judge_rows(first + frame(9.0, 2.67, 2.59)).clean, "the PLC went elsewhere meanwhile"
    assert not judge_rows(first + frame(9.0, 2.671, 2.62)).clean, "another word, so another move"


def test_a_hand_that_moves_a_setpoint_under_a_command_is_not_the_engine() -> None:
    hand = {"plant_s": 7.0, "event": "by hand", "moved": "coater.pump_ratio_sp", "by": -0.2}
    first = frame(0.0, 2.6, 2.6)
    assert judge_rows([*first, hand, *frame(8.0, 2.62, 2.4)]).clean
    assert not judge_rows([*first, hand, *frame(8.0, 2.7, 2.4)]).clean, "more than hand and rate"
    assert not judge_rows([*first, *frame(8.0, 2.62, 2.4)]).clean, "nobody's hand"
    later = [*first, hand, *frame(8.0, 2.4, 2.4), *frame(16.0, 2.62, 2.4)]
    assert not judge_rows(later).clean, "by then it was known"


@pytest.mark.parametrize(
    ("number", "hand_s", "clean"),
    [
        (11, 14.0, True),  # a cycle later by its number, three by the clock: 16 s under way
        (13, 14.0, False),  # three cycles later by both: it was made when the hand had moved
        (11, 1.0, False),  # delayed as long, and made after the hand all the same
        (9, 14.0, False),  # an old number is a frame that came twice, or a new engine
    ],
)
def test_what_a_hand_moves_under_a_late_command_is_not_the_engine(
    number: int, hand_s: float, clean: bool
) -> None:
    hand = {"plant_s": hand_s, "event": "by hand", "moved": "coater.pump_ratio_sp", "by": -0.2}
    rows = [*frame(0.0, 2.6, 2.6, number=10), hand, *frame(24.0, 2.6, 2.4, number=number)]
    assert judge_rows(rows).clean is clean


@pytest.mark.parametrize(("taken_s", "clean"), [(4.0, True), (-5.0, True), (-5.5, False)])
def test_what_the_plc_moves_itself_under_a_command_is_not_the_engine(
    taken_s: float, clean: bool
) -> None:
    taken = {
        "plant_s": taken_s,
        "event": "local: a trip took the loop back",
        "before": {"coater.pump_ratio_sp": 2.6},
        "after": {"coater.pump_ratio_sp": 2.59},
    }
    rows = [taken, *frame(0.0, 2.6, 2.6, number=10), *frame(8.0, 2.67, 2.58, number=11)]
    assert judge_rows(rows).clean is clean


def test_a_plc_that_came_up_anew_has_a_clock_of_its_own() -> None:
    before = frame(100.0, 2.6, 2.6)
    assert judge_rows(before + frame(3.0, 2.67, 2.6)).clean
    assert not judge_rows(before + frame(3.0, 2.69, 2.6)).clean, "a cycle's move, and no more"
    back = frame(100.0, 2.66, 2.6) + frame(0.0, 2.66, 2.66) + frame(93.0, 2.66, 2.66)
    assert judge_rows(back + frame(101.0, 2.739, 2.66)).clean


def test_holding_what_the_plc_itself_has_outside_the_box_is_no_escape_but_pushing_on_is() -> None:
    assert judge_rows(frame(0.0, 3.2, 3.2)).clean
    assert judge_rows(frame(0.0, 3.15, 3.2)).clean
    assert not judge_rows(frame(0.0, 3.21, 3.2)).clean


@pytest.mark.parametrize(
    ("value", "active", "number", "remote", "clean"),
    [
        (3.1078, 3.1017, 11, False, True),  # 8 s under way, and the PLC's own loop came down
        (3.1078, 3.1017, 11, True, False),  # the PLC followed us: nobody moved but we
        (3.1078, 3.1017, 12, False, False),  # two cycles later by both: it was made at 3.1017
        (3.19, 3.1017, 11, False, False),  # more than a loop moves in 8 s
        (3.0, 3.1017, 11, False, True),  # as far off, the other way
        (2.92, 3.1017, 11, False, False),
    ],
)
def test_a_late_word_to_a_plc_in_local_is_where_its_own_loop_was(
    value: float, active: float, number: int, *, remote: bool, clean: bool
) -> None:
    first = frame(0.0, 3.0, 3.0, number=10, remote=False)
    rows = [*first, *frame(16.0, value, active, number=number, remote=remote)]
    assert judge_rows(rows).clean is clean


def test_a_frame_cut_in_half_is_counted() -> None:
    rows = frame(0.0, 2.6, 2.6)[:1] + frame(8.0, 2.6, 2.6)
    assert judge_rows(rows).half_frames == 1


def test_a_take_over_tells_silence_and_bump() -> None:
    rows = frame(100.0, 2.6, 2.6)
    before = {"coater.pump_ratio_sp": 2.6}
    after = {"coater.pump_ratio_sp": 2.609}
    text = "local: the engine's heartbeat stood still for 24 s (watchdog)"
    rows.append({"plant_s": 124.0, "event": text, "before": before, "after": after})
    (takeover,) = judge_rows(rows).takeovers
    assert takeover["silent_s"] == 24.0
    assert takeover["bump_share_of_range"] == pytest.approx(0.01)


def test_an_empty_log_proves_nothing() -> None:
    assert not judge_rows([]).clean


def test_it_reads_logs_cut_off_by_a_kill(tmp_path: Path) -> None:
    log = tmp_path / "plc-coater.jsonl"
    log.write_text("\n".join(json.dumps(row) for row in honest_log()) + '\n{"plant_s": 4', "utf-8")
    assert judge_logs([log]).frames == 50
    assert main(["--log", str(log)]) == 0


def test_every_box_is_one_a_setpoint_can_be_in() -> None:
    for box in BOXES.values():
        assert box.low < box.high
        assert box.rate_per_s * box.cycle_s < box.high - box.low
        assert box.rounding < 0.02 * box.rate_per_s * box.cycle_s
