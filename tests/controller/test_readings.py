"""What a request must bring before a setpoint is worth planning."""

from __future__ import annotations

import math

import pytest

from controller.plan import PlanRequest
from controller.readings import boxed

TAG = "coater.pump_ratio_sp"


def request(applied: float, low: float, high: float, step: float) -> PlanRequest:
    return PlanRequest(
        loop="coating",
        sequence=1,
        now_s=0.0,
        values={},
        quality={},
        applied={TAG: applied},
        limits={TAG: (low, high)},
        max_step={TAG: step},
        closed=True,
    )


def test_all_there_and_in_order_is_a_box() -> None:
    assert boxed(request(2.6, 2.2, 3.1, 0.08), TAG)
    assert boxed(request(2.6, 2.4, 2.4, 0.0), TAG)


@pytest.mark.parametrize("at", range(4))
def test_a_number_that_is_none_is_no_box(at: int) -> None:
    numbers = [2.6, 2.2, 3.1, 0.08]
    numbers[at] = math.nan
    assert not boxed(request(*numbers), TAG)


def test_limits_that_cross_are_no_box() -> None:
    """A solver asked for a move between them would answer with one outside of both."""
    assert not boxed(request(2.6, 3.1, 2.2, 0.08), TAG)


def test_a_setpoint_nobody_named_is_no_box() -> None:
    assert not boxed(request(2.6, 2.2, 3.1, 0.08), "coater.gap_sp")
