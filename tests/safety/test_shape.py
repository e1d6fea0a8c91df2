"""The arithmetic of one setpoint, judged in exact fractions that share nothing with the code."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from safety.setpoint_rules import SetpointRule
from safety.shape import excess, is_safe, nearest, shape
from safety.wire import Grid
from tests.safety.builders import GAP, PUMP, rules

PUMP_RULE = rules().setpoints[PUMP]
finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def boxes(draw: st.DrawFn) -> SetpointRule:
    """Nested ranges of any size and place, any speed and grain."""
    edges = sorted(draw(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6, unique=True)))
    positive = st.floats(1e-9, 1e3)
    return SetpointRule(
        "mv", "mv_active",
        equipment=(edges[0], edges[5]), proven=(edges[1], edges[4]), operating=(edges[2], edges[3]),
        rate_per_s=draw(positive), resolution=draw(positive), tolerance=draw(positive),
        dwell_s=0.0, travel=1e6, swing=1.0, reversals=60,
        grid=Grid(draw(st.sampled_from([1.0, 1e-6, 1 / 60])), draw(st.sampled_from([0.0, 273.15])),
                  draw(st.booleans())),
    )  # fmt: skip


def _between(value: float, low: float, high: float) -> bool:
    return Fraction(low) <= Fraction(value) <= Fraction(high)


@pytest.mark.requirement("P1")
@pytest.mark.requirement("IL-01")
@given(rule=boxes(), wanted=finite, share=st.floats(0.0, 1.0), step=st.floats(0.0, 1e4))
@example(PUMP_RULE, -0.0, 0.5, 5e-324)
@example(PUMP_RULE, 1.7976931348623157e308, 1.0, 0.08)
def test_no_wish_leaves_the_box_or_goes_away_from_it(
    rule: SetpointRule, wanted: float, share: float, step: float
) -> None:
    low, high = rule.equipment
    applied = nearest(low + share * (high - low), rule.equipment)
    value = shape(rule, wanted, applied, step).value
    assert _between(value, *rule.equipment)
    assert _between(value, min(applied, rule.operating[0]), max(applied, rule.operating[1])), (
        "outside operating only on the way back"
    )
    assert is_safe(rule, value, applied, step)


@pytest.mark.requirement("P2")
@pytest.mark.requirement("IL-02")
@given(rule=boxes(), wanted=finite, share=st.floats(0.0, 1.0), step=st.floats(0.0, 1e4))
def test_no_move_is_faster_than_allowed_by_the_last_bit(
    rule: SetpointRule, wanted: float, share: float, step: float
) -> None:
    low, high = rule.equipment
    applied = nearest(low + share * (high - low), rule.equipment)
    value = shape(rule, wanted, applied, step).value
    assert abs(Fraction(value) - Fraction(applied)) <= Fraction(step)


@pytest.mark.requirement("P6")
@pytest.mark.parametrize("tag", [PUMP, GAP])
@given(share=st.floats(0.0, 1.0), wish=st.floats(-0.5, 1.5), seconds=st.floats(0.0, 8.0))
def test_shaping_twice_changes_nothing(tag: str, share: float, wish: float, seconds: float) -> None:
    rule = rules().setpoints[tag]
    low, high = rule.operating
    applied = nearest(low + share * (high - low), rule.operating)
    step = rule.rate_per_s * seconds
    once = shape(rule, low + wish * (high - low), applied, step).value
    assert shape(rule, once, applied, step).value == once


@pytest.mark.requirement("IL-14")
@given(share=st.floats(0.0, 1.0), wish=st.floats(0.0, 1.0))
def test_a_move_is_whole_grains_or_none(share: float, wish: float) -> None:
    low, high = PUMP_RULE.operating
    applied = low + share * (high - low)
    value = shape(PUMP_RULE, low + wish * (high - low), applied, 10.0).value
    grains = (value - applied) / PUMP_RULE.resolution
    wire = 3e-7 * value / PUMP_RULE.resolution
    assert abs(grains - round(grains)) < 1e-6 + wire or value in (ON_WIRE, 2.200000047683716)


@pytest.mark.requirement("IL-14")
def test_a_move_below_the_resolution_is_not_made() -> None:
    shaped = shape(PUMP_RULE, 2.6 + 0.9 * PUMP_RULE.resolution, 2.6, 0.08)
    assert (shaped.value, shaped.too_small, shaped.slowed) == (2.6, True, False)


@pytest.mark.requirement("IL-01")
def test_rounding_never_leaves_the_box_at_its_edge() -> None:
    """AndroidAPS rounded after clamping: 0.975 at a step of 0.05 became 1.0."""
    rule = SetpointRule("mv", "a", (0.0, 2.0), (0.0, 1.5), (0.0, 0.975), 1.0, 0.05, 0.01,
                        0.0, 9.0, 0.1, 60, Grid(1.0, 0.0, single=True))  # fmt: skip
    assert shape(rule, 5.0, 0.925, 1.0).value <= 0.975
    assert shape(rule, 5.0, 0.0, 5.0).value == pytest.approx(0.95)


ON_WIRE = struct.unpack("<f", struct.pack("<f", 3.1))[0]
"""The end of the operating range as a 32-bit float holds it: 3.0999999046325684, inside."""


@pytest.mark.requirement("IL-01")
def test_a_limit_tightened_past_the_output_ramps_it_back() -> None:
    outside = 3.3  # operating ends at 3.1
    step = 0.08
    steps = []
    while outside > 3.1:
        value = shape(PUMP_RULE, 3.5, outside, step).value
        assert ON_WIRE <= value < outside
        assert outside - value <= step
        steps.append(value)
        outside = value
    assert outside == ON_WIRE
    assert len(steps) == 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_finished_setpoint_that_is_no_number_is_not_safe(bad: float) -> None:
    assert not is_safe(PUMP_RULE, bad, 2.6, 1.0)
    assert not is_safe(PUMP_RULE, 2.6, bad, 1.0)
    assert not is_safe(PUMP_RULE, 2.6, 2.5, math.nan)


@pytest.mark.parametrize(
    ("value", "applied", "step"),
    [(0.4, 0.5, 1.0), (6.1, 6.0, 1.0), (3.2, 3.1, 1.0), (3.3, 3.2, 1.0), (2.7, 2.6, 0.05)],
)
def test_the_check_finds_what_is_outside_or_too_fast(
    value: float, applied: float, step: float
) -> None:
    assert not is_safe(PUMP_RULE, value, applied, step)


def test_a_rounding_error_outside_the_equipment_range_is_put_right_at_once() -> None:
    tiny = PUMP_RULE.tolerance / 2
    value = shape(PUMP_RULE, 2.6, 6.0 + tiny, 0.0).value
    assert value == 6.0
    assert is_safe(PUMP_RULE, value, 6.0 + tiny, 0.0)


@given(value=finite, low=finite, high=finite)
def test_nearest_and_excess_agree(value: float, low: float, high: float) -> None:
    assume(low < high)
    inside = low <= value <= high
    assert (excess(value, (low, high)) == 0.0) is inside
    assert low <= nearest(value, (low, high)) <= high
    assert (nearest(value, (low, high)) == value) is inside
