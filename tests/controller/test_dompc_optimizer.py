from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from controller.optimizer import ShootingOptimizer
from controller.problem import Optimizer
from tests.controller.models import GAP, RATIO, TRIM, coating_question, coating_shape

HORIZON = 6


def dompc_optimizer(horizon: int, **options: int) -> Optimizer:
    from controller.dompc_optimizer import DompcOptimizer  # slow, and only these tests need it

    return DompcOptimizer(coating_shape(horizon), **options)


@cache
def both() -> tuple[ShootingOptimizer, Optimizer]:
    return ShootingOptimizer(coating_shape(HORIZON)), dompc_optimizer(HORIZON)


@pytest.mark.parametrize("d_coat", [-0.04, 0.0, 0.02])
@pytest.mark.parametrize(("ratio", "gap"), [(2.4, 260e-6), (2.6, 280e-6), (2.95, 320e-6)])
def test_both_solvers_make_the_same_moves(d_coat: float, ratio: float, gap: float) -> None:
    question = coating_question(
        horizon=HORIZON, applied={RATIO: ratio, GAP: gap}, disturbances={"d_coat": d_coat}
    )
    shooting, dompc = both()
    shooting.forget()
    dompc.forget()
    ours, theirs = shooting.solve(question), dompc.solve(question)
    assert ours.moves is not None
    assert theirs.moves is not None, theirs.status
    assert theirs.residual < 1e-6
    # the two integrate the oven differently by 1 %, and the air has moved little after 48 s
    for tag, tolerance in ((RATIO, 1e-3), (GAP, 2e-7), (TRIM, 0.03)):
        assert theirs.moves[tag] == pytest.approx(ours.moves[tag], abs=tolerance)
        assert theirs.echo[tag] == pytest.approx(ours.echo[tag])


def test_dompc_counts_moves_from_what_the_plc_confirmed() -> None:
    _, dompc = both()
    question = coating_question(horizon=HORIZON, applied={RATIO: 2.9}, disturbances={"d_coat": 0.2})
    for _ in range(2):  # the PLC does not follow
        answer = dompc.solve(question)
        assert answer.moves is not None
        assert answer.moves[RATIO] == pytest.approx(2.82, abs=1e-6)


def test_a_failure_of_dompc_is_no_proposal_and_is_forgotten() -> None:
    _, dompc = both()
    assert dompc.solve(coating_question(horizon=HORIZON)).moves is not None
    nan = coating_question(horizon=HORIZON, x0=np.full(5, np.nan))
    assert dompc.solve(nan).moves is None
    assert dompc.solve(coating_question(horizon=HORIZON)).moves is not None


def test_dompc_with_too_few_iterations_hands_out_nothing() -> None:
    short = dompc_optimizer(3, max_iterations=1)
    answer = short.solve(coating_question(horizon=3, disturbances={"d_coat": 0.1}))
    assert answer.moves is None
    assert answer.status.startswith("no answer")
