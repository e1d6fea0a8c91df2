"""Recorded questions, answered again: the same bits here and in a fresh process."""

from __future__ import annotations

import copy

from benchmarks.replays import hash_in_a_fresh_process, hash_of, recorded, run
from controller.factory import build_controller
from hil.virtual_line import default_sealed

MINUTES = 4.0


def test_replays_of_all_loops_give_the_same_bits_also_in_a_fresh_process() -> None:
    told = run(5, 3, default_sealed(), MINUTES)
    assert set(told["questions"]) == {"coating", "profile", "mixing"}
    assert min(told["questions"].values()) >= 10
    (verdict,) = told["verdicts"]
    assert verdict["measured"] == 1
    assert verdict["passed"]


def test_the_last_bit_of_one_reading_gives_another_hash() -> None:
    sealed = default_sealed()
    asked = recorded(2.0, 3, sealed)
    controllers = {loop: build_controller(loop, sealed) for loop in asked}
    other = {loop: copy.deepcopy(list(questions)) for loop, questions in asked.items()}
    values = other["mixing"][-1]["values"]
    values["mixer.torque"] *= 1.0 + 2.0**-50
    assert hash_of(controllers, asked) == hash_of(controllers, asked)
    assert hash_of(controllers, asked) != hash_of(controllers, other)
    assert hash_in_a_fresh_process(other, sealed) == hash_of(controllers, other)
