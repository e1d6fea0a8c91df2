from __future__ import annotations

import ctypes
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import casadi as ca
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import native_source, realtime, stage_qp
from controller.answer_check import Told
from controller.asked import Asked
from controller.compiled import library
from controller.interpreted import InterpretedKit
from controller.optimizer import ShootingOptimizer
from controller.problem import Answer, CvAim, MvAim, Optimizer, Question, Shape, SoftLimit
from controller.realtime import RealtimeOptimizer
from controller.search import Found, Kit
from controller.transcription import discrete_map
from plant_models.control_model import Vector
from plant_models.mixing_control import control_model as mixing_model
from tests.controller.models import (
    COAT,
    GAP,
    HORIZON,
    PRESSURE,
    RATIO,
    RESIDUAL,
    TARGET,
    TRIM,
    WINDOW,
    coating_optimizer,
    coating_question,
    coating_shape,
    two_lags,
)

BOXES = {RATIO: (2.2, 3.1), GAP: (240e-6, 340e-6), TRIM: (-8.0, 8.0)}
ANCHOR, JACKET, SOLVENT = "mixer.anchor_sp", "mixer.jacket_sp", "mixer.solvent_sp"
VISCOSITY, TEMP, TORQUE = "mixer.viscosity_25c", "mixer.temp", "mixer.torque"


@pytest.fixture(scope="module", autouse=True)
def library_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every library of these tests is kept here, and none in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(base))
        yield base
        quick_coating.cache_clear()
        quick_mixing.cache_clear()


@cache
def quick_coating() -> RealtimeOptimizer:
    return RealtimeOptimizer(coating_shape(), recovery=coating_optimizer())


def warm() -> RealtimeOptimizer:
    """The coating optimiser after one question at rest."""
    optimizer = quick_coating()
    optimizer.forget()
    assert optimizer.solve(coating_question()).moves is not None
    return optimizer


def mixing_shape() -> Shape:
    limits = (SoftLimit(TEMP, "low"), SoftLimit(TEMP, "high"), SoftLimit(TORQUE, "high"))
    return Shape(mixing_model(), 20.0, 30, (VISCOSITY, TEMP, TORQUE), limits)


@cache
def patient_mixing() -> ShootingOptimizer:
    return ShootingOptimizer(mixing_shape())


@cache
def quick_mixing() -> RealtimeOptimizer:
    return RealtimeOptimizer(mixing_shape(), recovery=patient_mixing())


def mixing_question(rng: np.random.Generator, spread: float = 1.0) -> Question:
    model = mixing_model()
    names = (*model.states, *model.inputs, *model.disturbances)
    off = {name: spread * float(rng.uniform(-1.0, 1.0)) * model.scales[name] for name in names}
    at = {name: model.nominal[name] + 0.3 * off[name] for name in names}
    at["mixer.dissolved"] = 1.0
    at["mixer.solids"] = model.nominal["mixer.solids"] + 0.05 * off["mixer.solids"]
    at["mixer.unblended"] = abs(at["mixer.unblended"])
    at[SOLVENT] = abs(at[SOLVENT])
    aims = {
        VISCOSITY: CvAim(np.full(30, 6.0), None, None, 1.0, 1),
        TEMP: CvAim(np.full(30, 298.15), 297.15, 299.15, 2.0, 2),
        TORQUE: CvAim(None, None, 360.0, 1.0, 3),
    }
    return Question(
        np.array([at[name] for name in model.states]),
        np.tile([at[name] for name in model.disturbances], (31, 1)),
        aims,
        {
            ANCHOR: MvAim(at[ANCHOR], 0.25, 0.8333, 0.0833, 1.0, 0.5, 0.01),
            JACKET: MvAim(at[JACKET], 285.15, 307.15, 1.0, 1.0, at[JACKET], 0.0),
            SOLVENT: MvAim(at[SOLVENT], 0.0, 0.025, 0.0167, 1.0, 0.0, 0.01),
        },
    )


def random_coating(rng: np.random.Generator) -> Question:
    return coating_question(
        applied={tag: float(rng.uniform(*box)) for tag, box in BOXES.items()},
        disturbances={
            "d_coat": float(rng.uniform(-0.1, 0.1)),
            "coater.feed_solids": float(rng.uniform(0.38, 0.46)),
            "coater.line_speed": float(rng.uniform(0.1, 0.25)),
            "d_residual": float(rng.uniform(-0.5, 1.0)),
        },
    )


def units_apart(shape: Shape, one: Answer, other: Answer) -> float:
    """The largest difference of a first move, in tenths of the MV's scale."""
    assert one.moves is not None, one.status
    assert other.moves is not None, other.status
    scales = shape.model.scales
    return max(abs(one.moves[tag] - other.moves[tag]) / (0.1 * scales[tag]) for tag in one.moves)


# -- the optimum ----------------------------------------------------------------------------------


def test_the_next_cycle_agrees_with_the_converged_reference() -> None:
    rng = np.random.default_rng(1)
    quick, patient = quick_coating(), coating_optimizer()
    quick.forget()
    for _ in range(25):
        first = random_coating(rng)
        quick.solve(first)
        # one cycle on: the line has moved a little, and is asked again
        solved = quick.recoveries
        x0 = first.x0 + 0.02 * rng.normal(size=5) * quick.shape.model.scale_vector(
            quick.shape.model.states
        )
        second = Question(x0, first.disturbances, first.cvs, first.mvs)
        answer = quick.solve(second)
        assert quick.recoveries == solved, answer.notes
        patient.forget()
        reference = patient.solve(second)
        assert units_apart(quick.shape, answer, reference) < 0.02
        assert answer.cost <= reference.cost + 1e-3 * (1.0 + reference.cost)


def test_the_mixer_agrees_with_the_converged_reference() -> None:
    rng = np.random.default_rng(2)
    quick, patient = quick_mixing(), patient_mixing()
    quick.forget()
    for _ in range(12):
        question = mixing_question(rng)
        answer = quick.solve(question)
        patient.forget()
        reference = patient.solve(question)
        assert units_apart(quick.shape, answer, reference) < 0.05, answer.notes
        assert answer.cost <= reference.cost + 2e-3 * (1.0 + reference.cost)


def closed_loop_cost(optimizer: Optimizer, cycles: int) -> float:
    """Squared errors, in units, of a loop with target steps, a lot step, and a wrong model."""
    model = optimizer.shape.model
    rng = np.random.default_rng(3)
    question = mixing_question(rng, spread=0.0)
    advance = discrete_map(model, 20.0, 4)
    x = question.x0
    u = np.array([question.mvs[tag].applied for tag in model.inputs])
    p = question.disturbances[0].copy()
    lot = model.disturbances.index("d_visc")
    cost = 0.0
    for k in range(cycles):
        told = p.copy()
        p[lot] = 0.05 if k > 20 else 0.0  # the estimator knows of it one cycle late
        target = 6.0 if k < 45 else 5.7
        cvs = dict(question.cvs) | {VISCOSITY: CvAim(np.full(30, target), None, None, 1.0, 1)}
        mvs = {
            tag: MvAim(
                float(u[i]), mv.low, mv.high, mv.max_step, mv.move_weight, mv.rest, mv.rest_weight
            )
            for i, (tag, mv) in enumerate(question.mvs.items())
        }
        answer = optimizer.solve(Question(x, np.tile(told, (31, 1)), cvs, mvs))
        assert answer.moves is not None, answer.status
        u = np.array([answer.moves[tag] for tag in model.inputs])
        x = np.asarray(advance(x, u, p), dtype=float).ravel()
        seen = model.observe(x, u, p)
        cost += ((seen[VISCOSITY] - target) / 0.5) ** 2 + (seen[TEMP] - 298.15) ** 2
    return cost


def test_the_closed_loop_costs_what_the_reference_costs() -> None:
    quick, patient = quick_mixing(), patient_mixing()
    quick.forget()
    before = quick.recoveries
    cost = closed_loop_cost(quick, 70)
    patient.forget()
    assert cost == pytest.approx(closed_loop_cost(patient, 70), rel=0.005)
    assert quick.recoveries - before <= 3  # at the start, and at most at the two jumps


def small_shape() -> Shape:
    return Shape(two_lags(), 10.0, 40, ("y",), ())


def small_question(target: float) -> Question:
    return Question(
        np.zeros(1),
        np.zeros((41, 1)),
        {"y": CvAim(np.full(40, target), None, None, 1.0, 1)},
        {"u": MvAim(0.0, -2.0, 2.0, 10.0, 1e-9, 0.0, 0.0)},
    )


def test_a_model_without_soft_limits_is_solved_too() -> None:
    optimizer = RealtimeOptimizer(small_shape())
    for target in (0.4, 0.5):
        answer = optimizer.solve(small_question(target))
        assert answer.moves is not None
        # moves for nothing: the target is met after one step, x1 = (1 - e^(-1/3)) u0
        assert answer.moves["u"] == pytest.approx(target / (1.0 - np.exp(-1.0 / 3.0)), rel=1e-3)
    assert optimizer.recoveries == 0


# -- limits ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.fixed_dictionaries({tag: st.floats(*box) for tag, box in BOXES.items()}),
            st.floats(-0.15, 0.15),
            st.floats(0.36, 0.48),
            st.floats(0.05, 0.3),
            st.floats(-0.5, 1.5),
            st.floats(0.0, 0.4),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_no_move_leaves_the_box_or_its_pace(
    cycles: list[tuple[dict[str, float], float, float, float, float, float]],
) -> None:
    quick = quick_coating()
    quick.forget()
    for applied, d_coat, solids, speed, d_residual, tighter in cycles:
        boxes = {
            tag: (low + tighter * (high - low), high - tighter * (high - low))
            for tag, (low, high) in BOXES.items()
        }
        disturbances = {
            "d_coat": d_coat,
            "coater.feed_solids": solids,
            "coater.line_speed": speed,
            "d_residual": d_residual,
        }
        question = coating_question(applied=applied, disturbances=disturbances, limits=boxes)
        answer = quick.solve(question)
        assert answer.moves is not None, answer.status
        assert answer.inputs is not None
        before = np.array([applied[tag] for tag in BOXES])
        for k, row in enumerate(answer.inputs):
            for i, tag in enumerate(BOXES):
                (low, high), step = boxes[tag], question.mvs[tag].max_step
                reach, least = (k + 1) * step, 1e-9 * abs(boxes[tag][1])
                assert row[i] >= min(low, applied[tag] + reach) - least
                assert row[i] <= max(high, applied[tag] - reach) + least
                assert abs(row[i] - before[i]) <= step + least
            before = row


def test_moves_count_from_what_the_plc_confirmed() -> None:
    optimizer = warm()
    for _ in range(2):  # the second time the PLC did not follow
        far = coating_question(disturbances={"d_coat": 0.2}, applied={RATIO: 2.9})
        answer = optimizer.solve(far)
        assert answer.moves is not None
        assert answer.moves[RATIO] == pytest.approx(2.9 - 0.08, abs=1e-6)


def test_an_mv_that_may_not_move_stands_still() -> None:
    optimizer = warm()
    question = coating_question(
        disturbances={"d_coat": 0.02}, limits={GAP: (280e-6, 280e-6)}, max_step={TRIM: 0.0}
    )
    for _ in range(2):
        answer = optimizer.solve(question)
        assert answer.inputs is not None
        assert answer.inputs[:, 1] == pytest.approx(np.full(20, 280e-6), abs=1e-12)
        assert answer.inputs[:, 2] == pytest.approx(np.zeros(20), abs=1e-9)
    assert not answer.notes


def test_the_echo_is_what_the_programme_held() -> None:
    optimizer = warm()
    boxes = {RATIO: (2.3, 2.9), GAP: (250e-6, 300e-6), TRIM: (-4.0, 5.0)}
    for _ in range(2):
        answer = optimizer.solve(coating_question(limits=boxes))
        for tag, box in boxes.items():
            assert answer.echo[tag] == pytest.approx(box, rel=1e-9)


def far_apart(window_rank: int, pressure_rank: int) -> dict[str, float]:
    """Excess of two limits that cannot both be kept: more flow for one, less for the other."""
    optimizer = warm()
    question = coating_question(
        limits={GAP: (280e-6, 280e-6)},
        cvs={
            COAT: CvAim(None, None, None, 1.0, 1),
            WINDOW: CvAim(None, 0.82, 0.95, 1.0, window_rank),
            PRESSURE: CvAim(None, None, 1.85e5, 1.0, pressure_rank),
            RESIDUAL: CvAim(None, None, 900e-6, 1.0, 5),
        },
    )
    optimizer.solve(question)
    before = optimizer.recoveries
    answer = optimizer.solve(question)
    assert optimizer.recoveries == before, answer.notes
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


# -- failures -------------------------------------------------------------------------------------


class Broken:
    """An optimiser that never has an answer."""

    shape = coating_shape()

    def solve(self, question: Question) -> Answer:
        return Answer("no answer: broken", None)

    def forget(self) -> None:
        return None


def test_the_start_is_searched_from_standing_still_without_the_recovery() -> None:
    optimizer = RealtimeOptimizer(coating_shape())
    question = coating_question(disturbances={"d_coat": 0.03})
    first = optimizer.solve(question)
    second = optimizer.solve(question)
    assert optimizer.recoveries == 0
    assert not optimizer._recovery  # not even built
    assert first.notes == second.notes == ()
    assert second.iterations <= realtime.STEPS
    patient = coating_optimizer()
    patient.forget()
    assert units_apart(optimizer.shape, first, patient.solve(question)) < 0.02


def test_a_number_that_is_none_gives_no_proposal_and_the_next_cycle_solves() -> None:
    optimizer = warm()
    for bad in (
        coating_question(disturbances={"d_coat": float("nan")}, x0=np.ones(5)),
        coating_question(x0=np.full(5, np.inf)),
        coating_question(limits={RATIO: (float("nan"), 3.0)}),
        coating_question(limits={RATIO: (3.0, 2.0)}),
        coating_question(cvs={COAT: CvAim(np.full(20, np.nan), None, None, 1.0, 1)}),
    ):
        answer = optimizer.solve(bad)
        assert answer.moves is None
        assert answer.status.startswith("not asked")
        assert optimizer._last is None
        assert optimizer.solve(coating_question()).moves is not None


def test_absurd_states_do_not_harm_the_next_cycle() -> None:
    optimizer = warm()
    for x0 in (np.zeros(5), np.full(5, 1e12), np.array([-3.0, 1e9, 1e-9, 900.0, 50.0])):
        answer = optimizer.solve(coating_question(x0=x0))
        if answer.moves is not None:
            assert all(low <= answer.moves[tag] <= high for tag, (low, high) in BOXES.items())
        assert optimizer.solve(coating_question()).moves is not None


def no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search may make a step from now on."""
    monkeypatch.setattr(realtime, "STEPS", 0)
    monkeypatch.setattr(realtime, "PATIENT_STEPS", 0)


def test_when_everything_fails_there_is_no_proposal_and_no_start_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    optimizer = RealtimeOptimizer(coating_shape(), recovery=Broken())
    no_steps(monkeypatch)
    for _ in range(3):
        answer = optimizer.solve(coating_question(disturbances={"d_coat": 0.03}))
        assert answer.moves is None
        assert answer.status.startswith("no answer")
        assert optimizer._last is None
    assert optimizer.recoveries == 3
    monkeypatch.undo()
    assert optimizer.solve(coating_question()).moves is not None


def test_the_recovery_answers_where_no_search_closes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer = warm()
    before = optimizer.recoveries
    no_steps(monkeypatch)
    question = coating_question(disturbances={"d_coat": 0.03})
    answer = optimizer.solve(question)
    assert optimizer.recoveries == before + 1
    assert any(note.startswith("solved patiently: no answer") for note in answer.notes)
    patient = coating_optimizer()
    patient.forget()
    assert units_apart(optimizer.shape, answer, patient.solve(question)) < 1e-6
    monkeypatch.undo()
    assert optimizer.solve(question).iterations <= realtime.STEPS  # and starts the next search


@pytest.mark.parametrize("seed", range(4))
def test_after_any_run_of_failures_the_first_feasible_cycle_is_solved(seed: int) -> None:
    rng = np.random.default_rng(seed)
    optimizer = quick_coating()
    optimizer.forget()
    for _ in range(int(rng.integers(1, 6))):
        optimizer.solve(random_coating(rng))
        for _ in range(int(rng.integers(1, 4))):
            bad = [
                coating_question(x0=np.full(5, np.nan)),
                coating_question(x0=np.array([1e9, -1e12, 1.0, 1e6, 80.0])),
                coating_question(disturbances={"coater.line_speed": -1e6}, x0=np.ones(5)),
                coating_question(limits={GAP: (340e-6, 240e-6)}),
                coating_question(max_step={TRIM: float("nan")}),
            ][int(rng.integers(5))]
            optimizer.solve(bad)
    question = coating_question(disturbances={"d_coat": 0.02})
    answer = optimizer.solve(question)
    patient = coating_optimizer()
    patient.forget()
    assert units_apart(optimizer.shape, answer, patient.solve(question)) < 0.02


@pytest.mark.parametrize("lie", ["nothing", "nan", "half"])
def test_a_quadratic_solver_that_lies_is_found_out(
    lie: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    honest = stage_qp._qp

    def dishonest(size: Any, manner: Any) -> Any:
        qp = honest(size, manner)
        names = ("h", "g", "a", "lba", "uba", "lbx", "ubx")
        given = {name: ca.MX.sym(name, qp.sparsity_in(name)) for name in names}
        found = qp(**given)
        factor = {"nothing": 1e-30, "nan": float("nan"), "half": 0.5}[lie]
        out = [factor * found["x"], found["lam_a"], found["lam_x"]]
        return ca.Function("lie", list(given.values()), out, names, ["x", "lam_a", "lam_x"])

    monkeypatch.setattr(stage_qp, "_qp", dishonest)
    slow = RealtimeOptimizer(
        coating_shape(), cache=tmp_path, compiler="no-such-cc", recovery=coating_optimizer()
    )
    refuses_to_believe(slow)


def refuses_to_believe(optimizer: RealtimeOptimizer) -> None:
    """Every search of `optimizer` is wrong, and its recovery gives the optimum."""
    before = optimizer.recoveries
    optimizer.solve(coating_question())
    question = coating_question(disturbances={"d_coat": 0.03})
    answer = optimizer.solve(question)
    assert optimizer.recoveries > before
    assert any("not optimal" in note or "no number" in note for note in answer.notes)
    patient = coating_optimizer()
    patient.forget()
    assert units_apart(optimizer.shape, answer, patient.solve(question)) < 1e-6


@pytest.fixture(scope="module")
def liar(
    library_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RealtimeOptimizer, ctypes.c_double]:
    """An optimiser whose compiled solver lies by a factor, and that factor: 1 is the truth."""
    folder = tmp_path_factory.mktemp("native")
    for name in (*native_source.SEARCH, "check.c"):
        text = (native_source._NATIVE / name).read_text("utf-8")
        honest = "        found->signs = judge(q);\n"
        assert (honest in text) == (name == "search.c")
        lying = "        for (long k = 0; k < a->n; k++) q->m[k][0] *= lie;\n"
        factor = "double lie = 1.0;\n" if name == "search.c" else ""
        (folder / name).write_text(factor + text.replace(honest, lying + honest), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_source, "_NATIVE", folder)
        optimizer = RealtimeOptimizer(coating_shape(), recovery=coating_optimizer())
        search = library(*native_source.search_source(coating_shape()))
    assert optimizer.note == ""
    return optimizer, ctypes.c_double.in_dll(ctypes.CDLL(str(search)), "lie")


@pytest.mark.parametrize("lie", [0.0, np.nan, 0.5])
def test_a_compiled_quadratic_solver_that_lies_is_found_out(
    lie: float, liar: tuple[RealtimeOptimizer, ctypes.c_double]
) -> None:
    optimizer, factor = liar
    optimizer.forget()
    honest = optimizer.recoveries
    optimizer.solve(coating_question())
    assert optimizer.recoveries == honest
    factor.value = lie
    optimizer.forget()
    try:
        refuses_to_believe(optimizer)
    finally:
        factor.value = 1.0


def test_a_jump_of_limits_is_answered_with_the_optimum() -> None:
    optimizer, patient = warm(), coating_optimizer()
    tight = {RATIO: (2.2, 2.45), TRIM: (3.0, 8.0)}
    for limits in (tight, {}, tight):
        question = coating_question(limits=limits, disturbances={"d_coat": 0.01})
        answer = optimizer.solve(question)
        patient.forget()
        assert units_apart(optimizer.shape, answer, patient.solve(question)) < 0.02


def settled(question: Question) -> tuple[Kit, Asked, Found]:
    """The compiled search's plan for `question`, from standing still."""
    kit, asked = quick_coating()._tools(len(question.disturbances) - 1)
    assert asked.fill(question) == ""
    found = kit.search(asked, question, np.zeros((asked.steps, 3)), 20, 0.01)
    assert found.why == ""
    return kit, asked, found


LIES: Mapping[str, Callable[[Told], Told]] = {
    "miss the model": lambda told: replace(told, states=told.states + 1e-4),
    "costs": lambda told: replace(told, cost=told.cost * 0.999),
    "overshot": lambda told: replace(told, moves=told.moves + np.array([0.0, 1e-5, 0.0])),
    "not a finite answer": lambda told: replace(told, moves=told.moves * np.nan),
    "no answer: other": lambda told: replace(told, success=False, status="other"),
}


@pytest.mark.parametrize("said", LIES)
def test_the_check_does_not_believe_the_search(said: str) -> None:
    question = coating_question(disturbances={"d_coat": 0.03})
    kit, asked, found = settled(question)
    assert kit.judge(asked, question, found.told).moves is not None
    answer = kit.judge(asked, question, LIES[said](found.told))
    assert answer.moves is None
    assert said in answer.status


def test_both_checks_come_to_the_same_answer() -> None:
    rng = np.random.default_rng(7)
    slow = InterpretedKit(coating_shape())
    for _ in range(10):
        question = random_coating(rng)
        kit, asked, found = settled(question)
        one, other = kit.judge(asked, question, found.told), slow.judge(asked, question, found.told)
        assert one.moves is not None
        assert one.moves == pytest.approx(other.moves, rel=1e-12)
        for mine, theirs in (
            (one.inputs, other.inputs),
            (one.states, other.states),
            (one.outputs, other.outputs),
        ):
            assert mine is not None
            assert mine == pytest.approx(theirs, rel=1e-10)
        assert dict(one.slack) == pytest.approx(dict(other.slack), rel=1e-6, abs=1e-12)
        assert one.cost == other.cost


def test_both_searches_find_the_same_plan() -> None:
    rng = np.random.default_rng(8)
    slow = InterpretedKit(coating_shape())
    for _ in range(10):
        question = random_coating(rng)
        _, asked, found = settled(question)
        other = slow.search(asked, question, np.zeros((HORIZON, 3)), 20, 0.01)
        assert other.why == ""
        assert np.max(np.abs(found.moves - other.moves)) < 0.02
        assert found.told.cost == pytest.approx(other.told.cost, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 7, HORIZON])
def test_a_shorter_horizon_needs_no_rebuild(steps: int) -> None:
    patient = ShootingOptimizer(coating_shape(steps))
    optimizer = quick_coating()
    optimizer.forget()
    libraries = optimizer._libraries
    question = coating_question(
        horizon=steps,
        disturbances={"d_coat": 0.03},
        cvs={COAT: CvAim(np.full(steps, TARGET), None, None, 1.0, 1)},
    )
    for _ in range(2):
        answer = optimizer.solve(question)
        assert answer.inputs is not None
        assert answer.inputs.shape == (steps, 3)
    assert optimizer._libraries is libraries
    assert units_apart(optimizer.shape, answer, patient.solve(question)) < 0.02
    assert optimizer.solve(coating_question()).moves is not None


def test_a_longer_horizon_than_was_built_is_refused() -> None:
    question = coating_question(
        horizon=HORIZON + 1, cvs={COAT: CvAim(np.full(HORIZON + 1, TARGET), None, None, 1.0, 1)}
    )
    answer = quick_coating().solve(question)
    assert answer.moves is None
    assert answer.status.startswith("not asked: a horizon of 21 steps")


# -- machine code and bits ------------------------------------------------------------------------


def test_without_a_compiler_the_answers_are_the_same_and_a_note_says_so(tmp_path: Path) -> None:
    slow = RealtimeOptimizer(
        coating_shape(), cache=tmp_path, compiler="no-such-cc", recovery=coating_optimizer()
    )
    slow.solve(coating_question())
    question = coating_question(disturbances={"d_coat": 0.03})
    answer = slow.solve(question)
    assert slow.recoveries == 0
    assert any("no C compiler" in note for note in answer.notes)
    assert units_apart(slow.shape, answer, warm().solve(question)) < 1e-3


def test_a_cache_that_cannot_be_written_is_a_note_and_no_error() -> None:
    slow = RealtimeOptimizer(
        coating_shape(), cache=Path("/proc/rheostat"), recovery=coating_optimizer()
    )
    answer = slow.solve(coating_question())
    assert answer.moves is not None
    assert any("interpreter" in note for note in answer.notes)


def test_damaged_machine_code_is_not_run(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert RealtimeOptimizer(small_shape(), cache=cache).note == ""
    for kept in cache.glob("*.so"):
        good = kept.read_bytes()
        kept.unlink()  # a new file: the old one is still in use
        kept.write_bytes(good[: len(good) // 2])
    slow = RealtimeOptimizer(small_shape(), cache=cache, compiler="no-such-cc")
    assert "interpreter" in slow.note
    assert slow.solve(small_question(0.4)).moves is not None
    assert RealtimeOptimizer(small_shape(), cache=cache).note == ""
    cache.chmod(0o500)
    assert RealtimeOptimizer(small_shape(), cache=cache, compiler="no-such-cc").note == ""
    cache.chmod(0o700)


def bits_of(optimizer: Optimizer) -> str:
    """A hash of every number of a few answers."""
    optimizer.forget()
    digest = hashlib.sha256()
    for d_coat in (0.0, 0.02, -0.03, 0.05, 0.05, 0.0):
        answer = optimizer.solve(coating_question(disturbances={"d_coat": d_coat}))
        parts: tuple[Vector | None, ...] = (answer.inputs, answer.states, answer.outputs)
        for part in parts:
            assert part is not None
            digest.update(part.tobytes())
        digest.update(repr((answer.cost, answer.iterations, answer.residual)).encode())
    return digest.hexdigest()


def test_same_questions_same_bits_also_in_a_fresh_process() -> None:
    here = bits_of(quick_coating())
    assert {bits_of(quick_coating()) for _ in range(25)} == {here}
    assert bits_of(RealtimeOptimizer(coating_shape())) == here  # arrays elsewhere in memory
    code = (
        "from tests.controller.test_realtime import bits_of, coating_shape, RealtimeOptimizer;"
        "print(bits_of(RealtimeOptimizer(coating_shape())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == here, done.stderr


def test_a_jump_is_told_from_a_drift() -> None:
    _, asked = warm()._tools(HORIZON)

    def wishes(limits: Mapping[str, tuple[float, float]], target: float) -> Vector:
        cvs = {COAT: CvAim(np.full(20, target), None, None, 1.0, 1)}
        assert asked.fill(coating_question(limits=limits, cvs=cvs)) == ""
        return asked.wishes()

    plain = wishes({}, TARGET)
    drift = np.abs(wishes({RATIO: (2.25, 3.1)}, TARGET + 2e-4) - plain)
    jump = np.abs(wishes({RATIO: (2.4, 3.1)}, TARGET) - plain)
    assert 0.0 < np.max(drift) <= realtime.JUMP < np.max(jump)
