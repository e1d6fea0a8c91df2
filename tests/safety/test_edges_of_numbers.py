"""The arithmetic of one setpoint, and what a register can hold, at every edge."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest

from safety.readback import verify
from safety.shape import excess, is_safe, nearest, shape, towards
from safety.state import GateState
from safety.wire import (
    Grid,
    between,
    inside,
    landed,
    quantised,
    settled,
    single,
    single_towards,
    spacing,
)
from safety.words import WriteResult
from tests.safety.builders import (
    PUMP,
    forge,
)
from tests.safety.edges import coarse, pump

# --- the arithmetic of a setpoint ----------------------------------------------------------------


def test_what_is_inside_a_span_is_given_back_itself() -> None:
    span = (2.5, 3.5)
    for value in (float("2.5"), float("3.5"), 3.0):
        assert nearest(value, span) is value
    assert (nearest(2.0, span), nearest(4.0, span)) == (2.5, 3.5)
    assert [excess(value, span) for value in (2.25, 2.5, 3.0, 3.5, 4.0)] == [
        0.25,
        0.0,
        0.0,
        0.0,
        0.5,
    ]
    assert math.isnan(excess(math.nan, span))
    assert [towards(to, 3.0, 0.5) for to in (9.0, 3.25, 3.0, 2.75, -9.0)] == [
        3.5, 3.25, 3.0, 2.75, 2.5,
    ]  # fmt: skip


def test_a_finished_setpoint_is_checked_at_every_edge() -> None:
    rule = pump()  # equipment 0.5..6, operating 1.5..3.5, tolerance 0.25
    step = 0.5
    assert is_safe(rule, 3.0, 2.5, step)
    assert not is_safe(rule, 3.0625, 2.5, step)
    assert not is_safe(rule, 1.9375, 2.5, step)
    assert is_safe(rule, 1.5, 1.75, step), "the edge of the operating range, from inside"
    assert is_safe(rule, 3.5, 3.25, step)
    assert not is_safe(rule, 1.4375, 1.75, step)
    assert not is_safe(rule, 6.0625, 6.25, step), "nearer, and still outside the equipment"
    assert not is_safe(rule, 0.4375, 0.25, step)
    for applied, inward in ((6.0, -1.0), (0.5, 1.0)):
        assert is_safe(rule, applied + inward * 0.5, applied, step)
        assert not is_safe(rule, applied + inward * 0.625, applied, step), "no room beyond the step"
    assert is_safe(rule, 5.5, 6.25, step), "a step and the tolerance, from outside"
    assert not is_safe(rule, 5.4375, 6.25, step)


def test_one_whole_grain_is_a_move_also_where_the_wire_is_coarse() -> None:
    rule = pump(grid=Grid(1.0, 0.0, True), resolution=0.0002)
    applied = single(2.6)
    shaped = shape(rule, applied + 0.0002, applied, 0.5)
    assert applied < shaped.value <= applied + 0.0002
    assert not shaped.too_small
    assert shape(pump(), 2.625, 2.5, 0.5).value == 2.625
    assert shape(pump(), 2.5625, 2.5, 0.5) == (2.5, False, False, True)
    rule = pump(grid=Grid(1.0, 0.0, True), resolution=2.0**-12, operating=(0.6, 3.5))
    near = 1.0 - 2.0**-12 + 2.0**-22  # short of a grain by just what the wire can carry
    assert shape(rule, 1.0, near, 0.5).value == 1.0
    shorter = near + 2.0**-22
    assert shape(rule, 1.0, shorter, 0.5).value == shorter


def _nearest_word(value: float, applied: float, grid: Grid) -> float:
    """Return what `quantised` promises, by trying the neighbours."""
    (bits,) = struct.unpack("<i", struct.pack("<f", (value - grid.offset) / grid.gain))
    words = [struct.unpack("<f", struct.pack("<i", bits + more))[0] for more in (-2, -1, 0, 1, 2)]
    held = [word * grid.gain + grid.offset for word in words]
    lies = [one for one in held if between(applied, one, value)]
    return min(lies, key=lambda one: abs(one - value)) if lies else applied


@pytest.mark.requirement("IL-14")
@pytest.mark.parametrize(
    "grid", [Grid(1.0, 273.15, True), Grid(1e-6, 0.0, True), Grid(1 / 60, 5.0, True)]
)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.77])
def test_a_register_holds_the_nearest_value_towards_the_one_in_use(
    grid: Grid, share: float
) -> None:
    value = grid.offset + grid.gain * (280.0 + share)
    for applied in (grid.offset + grid.gain * 279.0, grid.offset + grid.gain * 281.0):
        found = quantised(value, applied, grid)
        assert found == _nearest_word(value, applied, grid)
        assert found != applied
    word = struct.unpack("<f", struct.pack("<f", (value - grid.offset) / grid.gain))[0]
    assert landed(value, grid) == word * grid.gain + grid.offset
    low, high = landed(value, grid) - 1e-3 * grid.gain, landed(value, grid) + 1e-3 * grid.gain
    assert settled(value, (low, high), grid) == landed(value, grid)


def test_between_two_words_of_the_register_only_what_is_in_use_may_stay() -> None:
    grid = Grid(1.0, 0.0, True)
    low = single(2.5)
    applied, value = low + 3e-8, low + 6e-8  # the next word is 2.4e-7 away
    assert quantised(value, applied, grid) == applied
    assert quantised(applied, applied, grid) == applied
    plain_grid = Grid(1.0, 0.0, False)
    assert quantised(0.1, 0.0, plain_grid) == 0.1
    assert landed(0.1, plain_grid) == 0.1


@pytest.mark.requirement("IL-13")
@pytest.mark.parametrize(
    ("off", "outcome"), [(2.0, "written"), (4.0, "unknown"), (-2.0, "written")]
)
def test_a_read_back_may_differ_by_what_the_wire_can_carry(off: float, outcome: str) -> None:
    wide = coarse().setpoints[PUMP]._replace(tolerance=0.0)
    loop = replace(coarse(), setpoints={PUMP: wide})
    wanted = 2.0**24
    result = WriteResult("written", {PUMP: wanted + off}, "")
    assert verify(loop, GateState(), forge({PUMP: wanted}), result, 0.0).state.outcome == outcome


@pytest.mark.requirement("IL-13")
@pytest.mark.parametrize(("there", "outcome"), [(0.25, "written"), (0.3125, "unknown")])
def test_a_read_back_may_differ_by_the_tolerance(there: float, outcome: str) -> None:
    result = WriteResult("written", {PUMP: there}, "")
    found = verify(coarse(), GateState(), forge({PUMP: 0.0}), result, 0.0)
    assert found.state.outcome == outcome


@pytest.mark.requirement("IL-14")
def test_what_lands_on_the_end_of_a_span_is_in_it() -> None:
    grid = Grid(1.0, 0.0, True)
    low, high = single(2.6), single(2.7)
    above, below = low + 1e-9, high - 1e-9  # both land on the ends
    assert (landed(above, grid), landed(below, grid)) == (low, high)
    assert (settled(above, (low, high), grid), settled(below, (low, high), grid)) == (low, high)
    assert inside(above, (low, high), grid) == above
    assert inside(below, (low, high), grid) == below
    odd = (2.6000002, 2.6999998)  # neither end can be held
    assert landed(odd[0], grid) < odd[0]
    for value in odd:
        found = settled(value, odd, grid)
        assert odd[0] <= found <= odd[1]
        assert found == single(found)
        assert abs(found - value) < 2.0**-21
        assert inside(value, odd, grid) == found


def test_neighbours_of_a_register_are_so_far_apart() -> None:
    assert spacing(298.15, Grid(1.0, 273.15, True)) == 25.0 * 2.0**-22
    assert spacing(268.15, Grid(1.0, 273.15, True)) == 5.0 * 2.0**-22
    assert spacing(298.15, Grid(1.0, 273.15, False)) == 0.0


def test_a_32_bit_float_has_a_largest_a_next_and_keeps_what_is_no_number() -> None:
    largest = 3.4028234663852886e38
    assert [single(value) for value in (1e39, -1e39, math.inf, -math.inf, largest, 0.5)] == [
        largest, -largest, largest, -largest, largest, 0.5,
    ]  # fmt: skip
    assert math.isnan(single(math.nan))
    tiny, step = 2.0**-149, 2.0**-23
    assert [single_towards(0.0, goal) for goal in (0.0, 1.0, -1.0)] == [0.0, tiny, -tiny]
    assert [single_towards(1.0, goal) for goal in (1.0, 2.0, 0.0, -2.0)] == [
        1.0, 1.0 + step, 1.0 - step / 2, 1.0 - step / 2,
    ]  # fmt: skip
    assert [single_towards(-1.0, goal) for goal in (-2.0, 0.0, 2.0)] == [
        -1.0 - step, -1.0 + step / 2, -1.0 + step / 2,
    ]  # fmt: skip


def test_both_ends_lie_between() -> None:
    assert [
        between(*three) for three in ((1, 1, 2), (1, 2, 2), (2, 1, 1), (2, 2, 1), (1, 1, 1))
    ] == [True] * 5
    assert [between(*three) for three in ((1, 0, 2), (1, 3, 2), (2, 3, 1), (2, 0, 1))] == [
        False
    ] * 4
