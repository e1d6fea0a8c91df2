"""P1 and P2 for every double there is: what the gate's arithmetic lets out, proved by z3.

Each claim is shown for the source text of `safety`; the broken variants beside it must fail, or
the claim says nothing. Spans are finite with low < high, as `safety.strict.span_at` demands, and
magnitudes stay below 1e300, as the exact sums do (beyond, the gate's last line sheds).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import z3

from safety import shape as arithmetic
from safety import wire
from safety.shape import Shaped
from tests.proofs import symbolic as sym

LARGE = 1.0e300
PATIENCE_S = 600

value, wanted, applied, step = (sym.double(name) for name in ("v", "wanted", "applied", "step"))
room, resolution, tolerance = (sym.double(name) for name in ("room", "resolution", "tolerance"))
span = (sym.double("low"), sym.double("high"))
equipment, operating = ((sym.double(f"{n}_low"), sym.double(f"{n}_high")) for n in ("eq", "op"))
grid = sym.Record("Grid", {"gain": sym.double("gain"), "offset": sym.double("offset"),
                           "single": z3.Bool("single")})  # fmt: skip
rule = sym.Record("SetpointRule", {"equipment": equipment, "operating": operating, "grid": grid,
                                   "resolution": resolution, "tolerance": tolerance})  # fmt: skip


def sane(*terms: Any) -> Any:
    """Say that all are finite and of a size the exact sums can hold."""
    return z3.And(sym.finite(*terms), *(z3.fpLEQ(z3.fpAbs(t), sym.number(LARGE)) for t in terms))


def not_negative(term: Any) -> Any:
    return z3.fpGEQ(term, sym.number(0.0))


def ordered(*terms: Any) -> Any:
    return z3.And(*(z3.fpLEQ(a, b) for a, b in itertools.pairwise(terms)))


NESTED = z3.And(
    sane(*equipment, *operating),
    ordered(equipment[0], operating[0]),
    z3.fpLT(*operating),
    ordered(operating[1], equipment[1]),
)
SUM = {"at_most": lambda a, b: z3.fpAdd(sym.DOWN, a, b)}
"""Proved below of the function itself; it saves the solver a second adder everywhere else."""


def holds(given_that: Any, claim: Any, logic: str = "QF_FP") -> bool:
    """Say whether the claim follows; a solver that gives up fails the test."""
    solver = z3.SolverFor(logic)
    solver.set("timeout", PATIENCE_S * 1000)
    solver.add(given_that, z3.Not(claim))
    answer = solver.check()
    assert answer != z3.unknown, solver.reason_unknown()
    return bool(answer == z3.unsat)


# -- into the box ---------------------------------------------------------------------------------


def nan_blind(value: float, span: tuple[float, float]) -> float:
    return max(span[0], min(span[1], value))


def swapped(value: float, span: tuple[float, float]) -> float:
    high, low = span
    if value < low:
        return low
    if value > high:
        return high
    return value


def box_claim(clamp: Callable[..., float]) -> bool:
    """Every finite value ends in the span, one of the span as it is; what is no number stays so."""
    result = sym.term_of(clamp, (value, span))
    inside = z3.Implies(sym.finite(value), sym.inside(span, result))
    honest = z3.Implies(z3.fpIsNaN(value), z3.fpIsNaN(result))
    kept = z3.Implies(sym.inside(span, value), z3.fpEQ(result, value))
    return holds(z3.And(sane(*span), z3.fpLT(*span)), z3.And(inside, honest, kept))


@pytest.mark.requirement("P1")
@pytest.mark.requirement("IL-01")
def test_nearest_ends_in_the_span() -> None:
    assert box_claim(arithmetic.nearest)


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("broken", [nan_blind, swapped])
def test_a_broken_clamp_is_refuted(broken: Callable[..., float]) -> None:
    assert not box_claim(broken)


# -- at the allowed speed -------------------------------------------------------------------------


@pytest.mark.requirement("P2")
def test_at_most_is_the_sum_rounded_down() -> None:
    result = sym.term_of(arithmetic.at_most, (applied, step))
    assert holds(sane(applied, step), z3.fpEQ(result, z3.fpAdd(sym.DOWN, applied, step)))


def rounded(target: float, applied: float, step: float) -> float:
    """Take the difference as it is rounded: half a unit in the last place too fast."""
    if target - applied > step:
        return math.nextafter(applied + step, applied)
    if applied - target > step:
        return math.nextafter(applied - step, applied)
    return target


def from_our_own_request(target: float, applied: float, step: float, commanded: float) -> float:
    return arithmetic.towards(target, commanded, step)


def speed_claim(
    move: Callable[..., float], *more: Any, start: Any = applied, most: Any = step
) -> bool:
    result = sym.term_of(move, (wanted, start, most, *more), SUM)
    given_that = z3.And(movable(wanted, start, most), *map(sane, more))
    return holds(given_that, moved(result, wanted, start, most))


def movable(target: Any, applied: Any, step: Any) -> Any:
    """Say that these are a move's numbers: the target may be of any size."""
    return z3.And(sym.finite(target), sane(applied, step), not_negative(step))


def moved(result: Any, target: Any, applied: Any, step: Any) -> Any:
    """Say what a move promises."""
    on_the_way = sym.between(applied, result, target)
    return z3.And(sym.within_move(result, applied, step), on_the_way)


@pytest.mark.requirement("P2")
def test_a_step_added_never_leads_back() -> None:
    total, rounded_up = (z3.fpAdd(way, applied, step) for way in (sym.DOWN, sym.UP))
    onward = z3.And(sym.finite(rounded_up), z3.fpLEQ(applied, total), z3.fpLEQ(total, rounded_up))
    assert holds(z3.And(sane(applied, step), not_negative(step)), onward)


def holds_in_order(given_that: Any, claim: Any) -> bool:
    """Say whether the claim follows from what was proved above of the sums, and from order alone.

    The sums of `applied` and `step` become numbers of which nothing else is known.
    """
    asked_of = z3.And(sane(applied, step), not_negative(step))
    stand_ins, onward = [], []
    for start, name in ((applied, "upwards"), (z3.fpNeg(applied), "downwards")):
        for way in (sym.DOWN, sym.UP):
            total = sym.double(f"{name}_{way}")
            pairs = ((start, step), (step, start))  # z3 likes to exchange them
            stand_ins += [(z3.fpAdd(way, *pair), total) for pair in pairs]
            onward.append(z3.Implies(asked_of, z3.fpLEQ(start, total)))
    known, asked = (
        sym.as_reals(z3.substitute(term, *stand_ins))
        for term in (z3.And(given_that, *onward), claim)
    )
    return holds(known, asked, "QF_LRA")


def order_claim(move: Callable[..., float]) -> bool:
    result = sym.term_of(move, (wanted, applied, step), SUM)
    return holds_in_order(movable(wanted, applied, step), moved(result, wanted, applied, step))


def whole_step(target: float, applied: float, step: float) -> float:
    if target > applied:
        return arithmetic.at_most(applied, step)
    return -arithmetic.at_most(-applied, step)


@pytest.mark.requirement("P2")
@pytest.mark.requirement("IL-02")
def test_a_move_keeps_its_step_in_real_numbers_and_never_overshoots() -> None:
    assert order_claim(arithmetic.towards)


@pytest.mark.requirement("P2")
def test_a_move_that_always_takes_its_whole_step_is_refuted() -> None:
    assert not order_claim(whole_step)


@pytest.mark.requirement("P2")
def test_a_rate_from_rounded_differences_is_refuted() -> None:
    start, most = sym.number(1.0000267556665676), sym.number(0.9999713369852543)  # one such place
    assert not speed_claim(rounded, start=start, most=most)


@pytest.mark.requirement("P2")
def test_a_rate_from_our_own_request_is_refuted() -> None:
    assert not speed_claim(from_our_own_request, sym.double("commanded"))


# -- in grains the wire can hold ------------------------------------------------------------------


def round_after_clamp(value: float, applied: float, grid: wire.Grid) -> float:
    return wire.single((value - grid.offset) / grid.gain) * grid.gain + grid.offset


def grain_claim(quantise: Callable[..., float]) -> bool:
    result = sym.term_of(quantise, (value, applied, grid))
    return holds(sane(value, applied), sym.between(applied, result, value))


@pytest.mark.requirement("P1")
@pytest.mark.requirement("IL-14")
def test_rounding_to_the_wire_stays_between_what_is_in_use_and_what_was_allowed() -> None:
    assert grain_claim(wire.quantised)


@pytest.mark.requirement("IL-14")
def test_rounding_after_the_clamp_is_refuted() -> None:
    assert not grain_claim(round_after_clamp)


@pytest.mark.requirement("IL-14")
def test_what_the_register_holds_of_a_value_of_the_span_is_in_the_span() -> None:
    result = sym.term_of(wire.settled, (value, span, grid))
    given_that = z3.And(sane(*span), z3.fpLT(*span), sym.inside(span, value))
    assert holds(given_that, sym.inside(span, result))


@pytest.mark.requirement("IL-14")
def test_whole_grains_lie_between_what_is_in_use_and_the_move() -> None:
    result = sym.term_of(arithmetic._whole_grains, (applied, value, rule))
    assert holds(sane(applied, value), sym.between(applied, result, value))


# -- altogether -----------------------------------------------------------------------------------


def smaller(a: Any, b: Any) -> Any:
    return z3.If(z3.fpLT(a, b), a, b)


def larger(a: Any, b: Any) -> Any:
    return z3.If(z3.fpGT(a, b), a, b)


def boxed(result: Any) -> Any:
    """Inside the equipment range, and never further outside the operating range than in use."""
    hull = (smaller(applied, operating[0]), larger(applied, operating[1]))
    return z3.And(sym.inside(equipment, result), sym.inside(hull, result))


IN_USE = z3.And(
    NESTED, sane(step), not_negative(step), sane(applied), sym.inside(equipment, applied)
)
"""What holds of a setpoint in use that lies in the equipment range, and of its step."""


@pytest.mark.requirement("P2")
def test_to_stay_is_always_within_the_move() -> None:
    stays = sym.within_move(applied, applied, step)
    assert holds_in_order(movable(applied, applied, step), stays)


@pytest.mark.requirement("P1")
@pytest.mark.requirement("P2")
def test_a_finite_wish_of_any_size_comes_out_lawful() -> None:
    reach = (sym.double("lowest"), sym.double("highest"))
    proved: list[Any] = [sym.inside(reach, applied)]
    shaped = sym.term_of(arithmetic.shape, (rule, wanted, applied, step), as_proved(proved, reach))
    assert shaped.kind == Shaped.__name__
    result = shaped.values["value"]
    # Every part is finite: it lies between two that are.
    given_that = sym.as_reals(z3.And(IN_USE, *proved))
    claim = sym.as_reals(z3.And(boxed(result), sym.inside(reach, result)))
    assert holds(given_that, claim, "QF_LRA")


def as_proved(proved: list[Any], reach: tuple[Any, Any]) -> dict[str, Callable[..., Any]]:
    """Return the parts as no more than what was proved of them above; `proved` collects it.

    `reach` names how far a move may go, whatever the sums are.
    """

    def any_that(promise: Callable[[Any], Any]) -> Any:
        result = sym.arbitrary()
        proved.append(promise(result))
        return result

    def towards(target: Any, start: Any, most: Any) -> Any:
        assert start is applied
        assert most is step
        promise = sym.finite(target)
        return any_that(
            lambda r: z3.Implies(
                promise, z3.And(sym.inside(reach, r), sym.between(start, r, target))
            )
        )

    def between(value: Any, start: Any, _: Any) -> Any:
        return any_that(
            lambda r: z3.Implies(sym.finite(value, start), sym.between(start, r, value))
        )

    def settled(value: Any, span: Any, _: Any) -> Any:
        asked = z3.And(z3.fpLT(*span), sym.inside(span, value))
        return any_that(lambda r: z3.Implies(asked, sym.inside(span, r)))

    def whole_grains(start: Any, value: Any, _: Any) -> Any:
        return between(value, start, _)

    return {
        "towards": towards,
        "quantised": between,
        "settled": settled,
        "_whole_grains": whole_grains,
    }


ROOM = z3.If(
    sym.inside(equipment, applied), step, z3.fpAdd(sym.NEAREST, step, rule.values["tolerance"])
)
"""How far the last check lets a setpoint in use go."""


@pytest.mark.requirement("P2")
def test_the_last_check_gives_a_setpoint_in_its_range_no_more_than_its_step() -> None:
    assert holds(IN_USE, ROOM == step)


def without_the_edge(rule: Any, value: float, applied: float, step: float) -> bool:
    """`<` for `<=`: a limit itself is refused."""
    within = rule.equipment[0] < value and value < rule.equipment[1]
    return within and arithmetic.is_safe(rule, value, applied, step)


def trusting(rule: Any, value: float, applied: float, step: float) -> bool:
    return not (value < rule.equipment[0] or value > rule.equipment[1])


def check_claim(check: Callable[..., bool]) -> bool:
    """Whatever made a finite value: it passes the check just when it is lawful."""
    passed = sym.term_of(check, (rule, value, applied, step))
    passed = z3.substitute(passed, (ROOM, step))
    lawful = z3.And(boxed(value), sym.within_move(value, applied, step))
    just_when = z3.And(z3.Implies(passed, lawful), z3.Implies(lawful, passed))
    return holds_in_order(z3.And(IN_USE, sane(value)), just_when)


@pytest.mark.requirement("P1")
@pytest.mark.requirement("P2")
def test_the_last_check_passes_what_is_lawful_and_nothing_else() -> None:
    assert check_claim(arithmetic.is_safe)


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("broken", [without_the_edge, trusting])
def test_a_broken_last_check_is_refuted(broken: Callable[..., bool]) -> None:
    assert not check_claim(broken)
