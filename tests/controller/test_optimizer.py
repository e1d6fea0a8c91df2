from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import optimizer as optimizer_module
from controller.answer_check import Told, judge_answer
from controller.optimizer import ShootingOptimizer
from controller.problem import CvAim, MvAim, Question, Shape, SoftLimit, slack_price, tracking_price
from controller.transcription import discrete_map
from plant_models.coating_control import control_model
from tests.controller.models import (
    COAT,
    GAP,
    HORIZON,
    PRESSURE,
    RATIO,
    TARGET,
    TRIM,
    WINDOW,
    coating_optimizer,
    coating_question,
    coating_shape,
    two_lags,
)

BOXES = {RATIO: (2.2, 3.1), GAP: (240e-6, 340e-6), TRIM: (-8.0, 8.0)}


def fresh() -> ShootingOptimizer:
    optimizer = coating_optimizer()
    optimizer.forget()
    return optimizer


def test_the_step_of_the_programme_is_the_step_of_the_model() -> None:
    model = control_model()
    advance = discrete_map(model, 8.0)
    u = model.nominal_vector(model.inputs) + np.array([0.1, 10e-6, 1.0])
    p = model.nominal_vector(model.disturbances)
    x = fine = model.steady_state(model.nominal_vector(model.inputs), p)
    for _ in range(5):
        x = np.asarray(advance(x, u, p), dtype=float).ravel()
        for _ in range(80):  # classical Runge-Kutta, 0.1 s
            k1 = model.derivative(fine, u, p)
            k2 = model.derivative(fine + 0.05 * k1, u, p)
            k3 = model.derivative(fine + 0.05 * k2, u, p)
            k4 = model.derivative(fine + 0.1 * k3, u, p)
            fine = fine + 0.1 / 6.0 * (k1 + 2 * k2 + 2 * k3 + k4)
        miss = np.abs(x - fine) / model.scale_vector(model.states)
        assert np.max(miss) < 0.02
    at_x, at_fine = model.observe(x, u, p)[COAT], model.observe(fine, u, p)[COAT]
    assert at_x == pytest.approx(at_fine, rel=1e-5)


def test_the_way_to_the_target_of_one_lag_is_the_known_optimum() -> None:
    model = two_lags()
    shape = Shape(model, 10.0, 40, ("y",), ())
    question = Question(
        np.zeros(1),
        np.zeros((41, 1)),
        {"y": CvAim(np.full(40, 0.5), None, None, 1.0, 1)},
        {"u": MvAim(0.0, -2.0, 2.0, 10.0, 1e-9, 0.0, 0.0)},
    )
    answer = ShootingOptimizer(shape).solve(question)
    assert answer.moves is not None
    # with moves for nothing, the target is met after one step: x1 = (1 - e^(-1/3)) u0
    assert answer.moves["u"] == pytest.approx(0.5 / (1.0 - np.exp(-1.0 / 3.0)), rel=1e-3)


def test_the_coat_weight_is_brought_to_its_target() -> None:
    answer = fresh().solve(coating_question(disturbances={"d_coat": 0.03}))
    assert answer.moves is not None
    assert answer.outputs is not None
    assert answer.outputs[-1, 0] == pytest.approx(TARGET, rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries({tag: st.floats(*box) for tag, box in BOXES.items()}),
    st.floats(-0.15, 0.15),
    st.floats(0.36, 0.48),
    st.floats(0.05, 0.3),
    st.floats(-0.5, 1.5),
)
def test_no_move_leaves_the_box_or_its_pace(
    applied: dict[str, float], d_coat: float, solids: float, speed: float, d_residual: float
) -> None:
    question = coating_question(
        applied=applied,
        disturbances={
            "d_coat": d_coat,
            "coater.feed_solids": solids,
            "coater.line_speed": speed,
            "d_residual": d_residual,
        },
    )
    answer = fresh().solve(question)
    assert answer.moves is not None, answer.status
    assert answer.inputs is not None
    before = np.array([applied[tag] for tag in BOXES])
    for row in answer.inputs:
        for i, (tag, (low, high)) in enumerate(BOXES.items()):
            scale = 1e-9 * max(abs(high), abs(low))
            assert low - scale <= row[i] <= high + scale
            assert abs(row[i] - before[i]) <= question.mvs[tag].max_step + scale
        before = row


def test_moves_count_from_what_the_plc_confirmed() -> None:
    optimizer = fresh()
    far = optimizer.solve(coating_question(disturbances={"d_coat": 0.2}, applied={RATIO: 2.9}))
    assert far.moves is not None
    assert far.moves[RATIO] == pytest.approx(2.9 - 0.08, abs=1e-6)
    # the PLC did not follow: the next move starts from 2.9 again
    again = optimizer.solve(coating_question(disturbances={"d_coat": 0.2}, applied={RATIO: 2.9}))
    assert again.moves is not None
    assert again.moves[RATIO] == pytest.approx(2.9 - 0.08, abs=1e-6)


def test_an_mv_outside_its_limits_comes_back_no_faster_than_it_may() -> None:
    answer = fresh().solve(coating_question(applied={RATIO: 3.4}))
    assert answer.moves is not None
    assert answer.inputs is not None
    assert answer.moves[RATIO] == pytest.approx(3.32, abs=1e-6)
    assert np.all(answer.inputs[4:, 0] <= 3.1 + 1e-9)


def far_apart(window_rank: int, pressure_rank: int) -> dict[str, float]:
    """Excess of two limits that cannot both be kept: more flow for one, less for the other."""
    answer = fresh().solve(
        coating_question(
            limits={GAP: (280e-6, 280e-6)},
            cvs={
                COAT: CvAim(None, None, None, 1.0, 1),
                WINDOW: CvAim(None, 0.82, 0.95, 1.0, window_rank),
                PRESSURE: CvAim(None, None, 1.85e5, 1.0, pressure_rank),
            },
        )
    )
    assert answer.moves is not None
    assert answer.outputs is not None
    return {
        WINDOW: float(0.82 - answer.outputs[-1, 1]) / 0.1,
        PRESSURE: float(answer.outputs[-1, 2] - 1.85e5) / 1e5,
    }


def test_the_limit_of_the_lower_rank_yields_first() -> None:
    window_counts = far_apart(window_rank=2, pressure_rank=4)
    assert window_counts[WINDOW] < 1e-3
    assert window_counts[PRESSURE] > 0.02
    pressure_counts = far_apart(window_rank=4, pressure_rank=2)
    assert pressure_counts[PRESSURE] < 1e-3
    assert pressure_counts[WINDOW] > 0.02


def test_a_lower_limit_does_not_move_a_target_of_rank_one() -> None:
    answer = fresh().solve(coating_question(disturbances={"d_residual": 3.0}))  # thousands of ppm
    assert answer.moves is not None
    assert answer.outputs is not None
    assert np.max(answer.slack[SoftLimit("coater.residual_solvent", "high")]) > 1e-3
    assert answer.outputs[3:, 0] == pytest.approx(np.full(HORIZON - 3, TARGET), rel=3e-3)
    assert answer.moves[TRIM] > 0.1


def test_prices_fall_with_the_rank() -> None:
    prices = [slack_price(rank) for rank in range(1, 6)]
    assert all(first >= 10.0 * second for first, second in itertools.pairwise(prices))
    assert tracking_price(2.0, 1) == 2.0 * tracking_price(1.0, 1)


def test_a_number_that_is_none_gives_no_proposal_and_the_next_cycle_solves() -> None:
    optimizer = fresh()
    bad = optimizer.solve(coating_question(disturbances={"d_coat": float("nan")}, x0=np.ones(5)))
    assert bad.moves is None
    assert "not a finite number" in bad.status
    assert optimizer.solve(coating_question()).moves is not None


def test_limits_that_contradict_give_no_proposal() -> None:
    answer = fresh().solve(coating_question(limits={RATIO: (3.0, 2.0)}))
    assert answer.moves is None
    assert "above its high limit" in answer.status


def test_too_few_iterations_are_no_answer_and_poison_nothing() -> None:
    short = ShootingOptimizer(coating_shape(), max_iterations=2)
    for _ in range(5):
        failed = short.solve(coating_question(disturbances={"d_coat": 0.1}))
        assert failed.moves is None
        assert failed.status.startswith("no answer")
    assert short._last is None
    good = fresh()
    good.solve(coating_question(disturbances={"d_coat": 0.1}))
    assert good.solve(coating_question()).moves is not None


def test_an_answer_that_misses_the_model_is_refused() -> None:
    optimizer = fresh()
    question = coating_question()
    maps = optimizer._maps
    good = optimizer.solve(question)
    assert good.inputs is not None
    assert good.states is not None
    applied = np.array([question.mvs[tag].applied for tag in optimizer.shape.mvs])
    moves = np.diff(np.vstack([applied, good.inputs]), axis=0)
    states = good.states[1:].copy()
    told = Told(moves, states, 1.0, "success", True, 5, {})
    assert judge_answer(optimizer.shape, maps, question, told).moves is not None
    states[3, 1] += 1e3  # 1 kPa
    lie = Told(moves, states, 1.0, "success", True, 5, {})
    refused = judge_answer(optimizer.shape, maps, question, lie)
    assert refused.moves is None
    assert "miss the model" in refused.status
    beyond = moves.copy()
    beyond[0, 0] = 0.081
    overshot = judge_answer(
        optimizer.shape, maps, question, Told(beyond, good.states[1:], 1.0, "success", True, 5, {})
    )
    assert overshot.moves is None
    assert "overshot" in overshot.status
    nothing = Told(np.full_like(moves, np.nan), good.states[1:], 1.0, "success", True, 5, {})
    assert judge_answer(optimizer.shape, maps, question, nothing).moves is None


def test_the_echo_shows_a_limit_that_got_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer = fresh()
    for tag, box in BOXES.items():
        assert optimizer.solve(coating_question()).echo[tag] == pytest.approx(box, rel=1e-9)

    class Forgetful(optimizer_module.Bounds):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            for at in optimizer.programme.at_state:
                self.ubx[at][5] = np.inf

    monkeypatch.setattr(optimizer_module, "Bounds", Forgetful)
    assert optimizer.solve(coating_question()).echo[RATIO][1] == float("inf")


def test_same_questions_same_bits() -> None:
    questions = [
        coating_question(disturbances={"d_coat": d}) for d in (0.0, 0.02, -0.03, 0.05, 0.0)
    ]

    def bits(optimizer: ShootingOptimizer) -> list[bytes]:
        answers = [optimizer.solve(question) for question in questions]
        return [a.inputs.tobytes() for a in answers if a.inputs is not None]

    first = bits(ShootingOptimizer(coating_shape()))
    assert len(first) == len(questions)
    assert bits(ShootingOptimizer(coating_shape())) == first
