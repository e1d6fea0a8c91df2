"""The profile's quadratic programme: right or silent, whatever it is asked."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cd_kkt import CdProblem, Matrix, Multipliers, Vector, bending, certify
from controller.cd_qp import BREACH_UM, CdAnswer, CdLimits, CdQuestion, ProfileQp
from plant_models.cd_profile import interaction_matrix, lane_centres_m

BOLTS = 12
PERCENT_PER_UM = 0.61


def lip(bolts: int = BOLTS, width: float = 2.1, slope_um: float | None = None) -> ProfileQp:
    """A lip of `bolts` with two boxes a bolt; `width` in bolt pitches."""
    boxes = 2 * bolts
    response = interaction_matrix(
        lane_centres_m(float(bolts), boxes),
        lane_centres_m(float(bolts), bolts),
        PERCENT_PER_UM,
        width,
        2.0,
        0.1,
    )
    return ProfileQp(response, CdLimits(10.0, slope_um))


def question(
    profile: Vector, bolts: int = BOLTS, applied: float = 0.0, step: float = 5.0
) -> CdQuestion:
    """Ask from a flat lip in a range of 50 um."""
    flat = np.full(bolts, applied)
    return CdQuestion(profile, flat, np.full(bolts, -50.0), np.full(bolts, 50.0), flat * 0.0 + step)


def bump(boxes: int, at: float, percent: float) -> Vector:
    """A profile with one wide hump."""
    x = (np.arange(boxes) + 0.5) / boxes
    hump = percent * np.exp(-(((x - at) / 0.15) ** 2))
    free: Vector = hump - hump.mean()
    return free


LIP, SLOPED = lip(), lip(slope_um=4.0)


def settle(qp: ProfileQp, profile: Vector, scans: int = 30) -> tuple[Vector, list[CdAnswer]]:
    """Ask again and again, the bolts following."""
    asked, answers = question(profile, qp.bolts), []
    for _ in range(scans):
        answers.append(qp.solve(asked))
        bolts = answers[-1].bolts
        assert bolts is not None, answers[-1].status
        asked = replace(asked, applied=bolts)
    return asked.applied, answers


def test_a_wide_hump_is_nearly_gone_when_the_bolts_have_moved() -> None:
    hump = bump(LIP.boxes, 0.4, 3.0)
    bolts, _ = settle(LIP, hump)
    left = hump + LIP.G @ bolts
    assert left.std() < 0.1 * hump.std()
    assert abs(bolts.mean()) < 1e-6


def test_no_move_is_longer_than_allowed_and_no_lip_bent_more() -> None:
    bolts, answers = settle(LIP, bump(LIP.boxes, 0.1, 40.0))
    moves = np.abs(np.diff([a.bolts for a in answers if a.bolts is not None], axis=0))
    assert moves.max() <= 5.0 + BREACH_UM
    assert np.abs(bending(bolts)).max() == pytest.approx(10.0, abs=1e-3)
    assert answers[-1].binding > 0.0


def test_slope_rows_bind_where_they_are_asked_for() -> None:
    hump = bump(LIP.boxes, 0.5, 20.0)
    free, _ = settle(LIP, hump)
    sloped, _ = settle(SLOPED, hump)
    assert np.abs(np.diff(free)).max() > 4.1
    assert np.abs(np.diff(sloped)).max() <= 4.0 + 3.0 * BREACH_UM


def test_rounding_of_the_bolts_on_their_way_does_not_ratchet_the_bending() -> None:
    asked = question(bump(LIP.boxes, 0.1, 40.0))
    for _ in range(60):
        answer = LIP.solve(asked)
        assert answer.bolts is not None
        asked = replace(asked, applied=np.trunc(answer.bolts / 0.1) * 0.1)
        assert not answer.eased
    assert np.abs(bending(asked.applied)).max() <= 10.4


def test_a_lip_bent_too_far_is_straightened_and_never_bent_further() -> None:
    crooked = 30.0 * np.where(np.arange(BOLTS) % 2 == 0, 1.0, -1.0)
    asked = replace(question(np.zeros(LIP.boxes)), applied=crooked)
    bent = [np.abs(bending(crooked)).max()]
    for scan in range(12):
        answer = LIP.solve(asked)
        assert answer.bolts is not None
        assert answer.eased == (scan < 5)  # then one move is enough
        asked = replace(asked, applied=answer.bolts)
        bent.append(np.abs(bending(answer.bolts)).max())
    assert all(later <= sooner + 1e-5 for sooner, later in itertools.pairwise(bent))
    assert bent[-1] < 10.0 + 1e-5


def test_weak_modes_are_left_alone() -> None:
    blurred = lip(width=4.5)
    assert blurred.modes < BOLTS - 1
    left, sigma, right = np.linalg.svd(blurred.G, full_matrices=False)
    weakest = left[:, blurred.modes]  # the first mode that is not asked for
    answer = blurred.solve(question(2.0 * weakest))
    assert answer.bolts is not None
    assert np.abs(answer.bolts).max() < 1e-3
    assert sigma[blurred.modes] <= 0.15 * sigma[0]
    assert right.shape == (BOLTS, BOLTS)


def test_the_pump_fixes_the_mean_so_no_answer_aims_at_it() -> None:
    same = LIP.solve(question(np.full(LIP.boxes, 7.0)))
    assert same.bolts is not None
    assert np.abs(same.bolts).max() < 1e-6


@pytest.mark.parametrize("bolts", [12, 60, 200])
def test_every_size_is_solved_and_certified(bolts: int) -> None:
    qp = lip(bolts)
    wave = 8.0 * np.sin(np.arange(qp.boxes) / 9.0)
    answer = qp.solve(question(wave, bolts))
    assert answer.status == "solved"
    assert answer.residual <= 1e-6


def test_the_same_question_gives_the_same_bits_whatever_came_before() -> None:
    asked = question(bump(LIP.boxes, 0.3, 12.0))
    first, fresh = LIP.solve(asked), lip()
    for percent in (-30.0, 1.0, 80.0):
        fresh.solve(question(bump(LIP.boxes, 0.7, percent)))
    fresh.solve(question(np.full(LIP.boxes, math.nan)))
    second = fresh.solve(asked)
    assert first.bolts is not None
    assert second.bolts is not None
    assert first.bolts.tobytes() == second.bolts.tobytes()


REPLAY = """
from tests.controller.test_cd_qp import bump, lip, question
qp = lip()
answers = {qp.solve(question(bump(qp.boxes, 0.3, 12.0))).bolts.tobytes() for _ in range(1000)}
print(len(answers), answers.pop().hex())
"""


def test_a_thousand_replays_in_a_fresh_process_give_the_same_bits() -> None:
    here = LIP.solve(question(bump(LIP.boxes, 0.3, 12.0))).bolts
    assert here is not None
    said = subprocess.run(
        [sys.executable, "-c", REPLAY], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], timeout=120.0,
    ).stdout.split()  # fmt: skip
    assert said == ["1", here.tobytes().hex()]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda q: replace(q, profile=q.profile * math.nan), "profile is not finite"),
        (lambda q: replace(q, applied=q.applied + math.inf), "applied is not finite"),
        (lambda q: replace(q, low=q.high + 1.0), "inverted"),
        (lambda q: replace(q, max_step=-q.max_step), "inverted"),
        (lambda q: replace(q, profile=q.profile[1:]), "boxes"),
        (lambda q: replace(q, applied=q.applied[1:]), "bolts"),
    ],
)
def test_a_bad_question_has_no_answer(spoil: Callable[[CdQuestion], CdQuestion], why: str) -> None:
    answer = LIP.solve(spoil(question(bump(LIP.boxes, 0.4, 3.0))))
    assert answer.bolts is None
    assert why in answer.status


def test_a_solver_that_lies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    qp = lip()
    asked = question(bump(qp.boxes, 0.4, 3.0))
    honest = qp._ask

    def lying(p: CdProblem) -> tuple[object, Vector, Multipliers, int]:
        status, x, multipliers, iterations = honest(p)
        return status, 0.99 * x, multipliers, iterations

    monkeypatch.setattr(qp, "_ask", lying)
    answer = qp.solve(asked)
    assert answer.bolts is None
    assert "wrong answer" in answer.status


def test_the_certificate_refuses_no_numbers() -> None:
    p = LIP.problem(question(bump(LIP.boxes, 0.4, 3.0)))
    nothing = Multipliers(np.zeros(BOLTS), np.zeros(BOLTS - 2), None, 0.0)
    assert certify(p, np.full(BOLTS, math.nan), nothing).residual == math.inf
    assert certify(p, np.zeros(BOLTS), nothing).residual > 1e-3


def test_a_response_that_is_none_is_refused() -> None:
    for response in (np.zeros((6, 4)), np.full((6, 4), math.nan), np.ones((6, 2))):
        with pytest.raises(ValueError, match="response"):
            ProfileQp(response, CdLimits(10.0))


LENGTHS = st.integers(3, 30)
NUMBERS = st.floats(-60.0, 60.0)


@st.composite
def questions(draw: st.DrawFn) -> CdQuestion:
    """Any finite question: bolts out of range, bent lips, frozen bolts, a lip off its mean."""
    rough = draw(st.lists(NUMBERS, min_size=BOLTS, max_size=BOLTS))
    waves = draw(st.lists(NUMBERS, min_size=2 * BOLTS, max_size=2 * BOLTS))
    low, high = draw(st.floats(-50.0, 0.0)), draw(st.floats(0.0, 50.0))
    steps = draw(st.lists(st.sampled_from([0.0, 0.5, 5.0]), min_size=BOLTS, max_size=BOLTS))
    every = np.ones(BOLTS)
    return CdQuestion(np.array(waves), np.array(rough), low * every, high * every, np.array(steps))


def feasible_neighbours(p: CdProblem, u: Vector, seed: int) -> Matrix:
    """Points inside all limits near u: random ways without a mean, shortened until they fit."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(20):
        way = rng.standard_normal(len(u))
        way -= way.mean()
        share = 4.0
        while share > 1e-4:
            v = u + share * way
            inside = (v >= p.low).all() and (v <= p.high).all()
            if inside and (np.abs(bending(v)) <= p.bend).all():
                found.append(v)
                break
            share *= 0.5
    return np.array(found).reshape(-1, len(u))


@settings(max_examples=150, deadline=None)
@given(questions(), st.integers(0, 2**31))
def test_an_answer_is_inside_all_limits_and_nothing_near_it_is_better(
    asked: CdQuestion, seed: int
) -> None:
    answer = LIP.solve(asked)
    p = LIP.problem(asked, eased=answer.eased)
    if answer.bolts is None:  # fail closed is lawful, but only in words
        assert answer.status.startswith(("no optimum", "wrong answer"))
        return
    u = answer.bolts
    assert np.isfinite(u).all()
    assert (np.abs(u - asked.applied) <= asked.max_step + 2e-6).all()
    assert (u >= np.minimum(asked.low, asked.applied) - 2e-6).all()
    assert (u <= np.maximum(asked.high, asked.applied) + 2e-6).all()
    worst_now = np.abs(bending(np.clip(asked.applied, p.low, p.high))) * answer.eased
    assert (np.abs(bending(u)) <= np.maximum(10.0, worst_now) + 3e-6).all()
    cost = 0.5 * u @ p.H @ u + p.f @ u
    for v in feasible_neighbours(p, u, seed):
        assert 0.5 * v @ p.H @ v + p.f @ v >= cost - 1e-6 * (1.0 + abs(cost))


@settings(max_examples=60, deadline=None)
@given(questions())
def test_every_fit_question_has_an_answer(asked: CdQuestion) -> None:
    assert LIP.solve(asked).status == "solved"
