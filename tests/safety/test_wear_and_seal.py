"""Wear (IL-14, IL-17), what the wire holds (IL-14), the seal (IL-20), old requests (IL-09)."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.rules import LoopRules, loop_rules
from safety.seal import sealed_copy, unbroken
from safety.wear import Wear, moved, rested, travel_left, worn_out
from safety.wire import Grid, inside, landed, quantised, settled
from safety.words import Mode
from tests.safety.builders import (
    BALANCE,
    CROSS,
    GAP,
    LOOP,
    PUMP,
    SPEED,
    SPEEDS,
    VOTE,
    WEIGHT,
    Drive,
    ask,
    rules,
    sealed,
)

PUMP_RULE = rules().setpoints[PUMP]

# --- wear (IL-14, IL-17) -------------------------------------------------------------------------


@pytest.mark.requirement("IL-17")
@given(
    story=st.lists(st.tuples(st.floats(0.0, 2000.0), st.floats(0.0, 1.0)), max_size=60),
    start_s=st.floats(0.0, 1e6),
)
def test_no_hour_has_more_travel_than_allowed(
    story: list[tuple[float, float]], start_s: float
) -> None:
    wear, now_s, moves = Wear(), start_s, []
    for elapsed_s, share in story:
        now_s += elapsed_s
        wear = rested(wear, PUMP_RULE, elapsed_s)
        step = share * travel_left(wear, PUMP_RULE)
        wear = moved(wear, PUMP_RULE, 2.0, 2.0 + step, now_s)
        moves.append((now_s, step))
    for begin, _ in moves:
        hour = sum(step for at, step in moves if begin <= at <= begin + 3600.0)
        assert hour <= PUMP_RULE.travel * (1 + 1e-9)


@pytest.mark.requirement("IL-14")
def test_only_a_swing_counts_as_a_reversal() -> None:
    wear = Wear()
    for before, after in ((2.5, 2.6), (2.6, 2.58), (2.58, 2.62), (2.62, 2.56), (2.56, 2.7)):
        wear = moved(wear, PUMP_RULE, before, after, 1.0)
    assert (wear.reversals, wear.heading, wear.turn) == (2.0, 1, 2.7)
    assert not worn_out(wear, PUMP_RULE)
    assert worn_out(wear._replace(reversals=31.0), PUMP_RULE)


@pytest.mark.requirement("IL-14")
def test_the_gate_dwells_holds_a_swinging_loop_and_spends_no_travel_it_has_not() -> None:
    drive = Drive(rules(**{f"limits__setpoints__{PUMP}__dwell": 20.0}))
    drive.to_auto()
    drive.cycle(ask("AUTO"), {PUMP: 2.9, GAP: 280e-6})
    verdict = drive.cycle(ask("AUTO"), {PUMP: 2.9, GAP: 280e-6})
    assert verdict.limiting.startswith(f"IL-14 {PUMP}: moved less than 20 s ago")
    assert verdict.allowed[PUMP] == drive.plant.applied[PUMP]
    poor = Drive(rules(**{f"limits__setpoints__{PUMP}__travel": 0.1}))
    poor.to_auto()
    verdict = poor.cycle(ask("AUTO"), {PUMP: 2.9, GAP: 280e-6})
    assert verdict.limiting.startswith("IL-17")
    assert verdict.allowed[PUMP] == pytest.approx(2.65, abs=1e-6)
    wild = Drive(rules(**{f"limits__setpoints__{PUMP}__reversals": 4}))
    wild.to_auto()
    seen = {
        wild.cycle(ask("AUTO"), {PUMP: 2.6 + side, GAP: 280e-6}).limiting[:5]
        for side in (0.2, 0.2, -0.2, -0.2) * 8
    }
    assert "IL-14" in seen
    assert wild.state.mode is Mode.SHED


# --- the wire (IL-14), the seal (IL-20), old requests (IL-09) ------------------------------------


def _single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@pytest.mark.requirement("P1")
@given(
    applied=st.floats(-1e6, 1e6), value=st.floats(-1e6, 1e6),
    gain=st.sampled_from([1.0, 1e-6, 1 / 60]), offset=st.sampled_from([0.0, 273.15]),
)  # fmt: skip
def test_rounding_to_the_wire_goes_towards_what_is_in_use(
    applied: float, value: float, gain: float, offset: float
) -> None:
    grid = Grid(gain, offset, single=True)
    result = quantised(value, applied, grid)
    low, high = sorted((Fraction(applied), Fraction(value)))
    assert low <= Fraction(result) <= high
    if result not in (applied, value):
        assert _single((result - offset) / gain) * gain + offset == result


@pytest.mark.requirement("P1")
@given(
    ends=st.tuples(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3)), share=st.floats(0.0, 1.0),
    single=st.booleans(),
)  # fmt: skip
def test_what_is_settled_lands_inside(
    ends: tuple[float, float], share: float, single: bool
) -> None:
    span = (ends[0], ends[0] + ends[1])
    value = min(max(span[0] + share * ends[1], span[0]), span[1])
    grid = Grid(1.0, 0.0, single)
    for result in (settled(value, span, grid), inside(value, span, grid)):
        assert span[0] <= landed(result, grid) <= span[1]


def _altered(value: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    """Yield where, and `value` with one field altered, for every field in it, however deep."""
    if hasattr(value, "_replace") or dataclasses.is_dataclass(value):
        names = getattr(value, "_fields", None) or [f.name for f in dataclasses.fields(value)]
        for name in names:
            for place, inner in _altered(getattr(value, name), f"{way}.{name}"):
                made = {name: inner}
                yield place, (value._replace(**made) if hasattr(value, "_replace")
                              else dataclasses.replace(value, **made))  # fmt: skip
    elif isinstance(value, Mapping):
        for tag, part in value.items():
            for place, inner in _altered(part, f"{way}[{tag}]"):
                yield place, {**value, tag: inner}
        yield f"{way}, one less", dict(list(value.items())[1:])
    elif isinstance(value, tuple):
        for number, part in enumerate(value):
            for place, inner in _altered(part, f"{way}[{number}]"):
                yield place, (*value[:number], inner, *value[number + 1 :])
        yield f"{way}, one more", (*value, 0)
    else:
        yield way, _other(value)


@pytest.mark.requirement("IL-20")
@pytest.mark.requirement("P11")
def test_the_seal_covers_every_field_of_the_rules() -> None:
    loop = _three_speeds_and_all()
    assert unbroken(loop)
    checked = set()
    for place, altered in _altered(loop):
        assert not unbroken(altered), f"{place} may change unnoticed"
        checked.add(place)
    assert len(checked) > 400
    assert unbroken(loop)


@pytest.mark.requirement("P11")
def test_no_rule_can_be_altered_where_it_stands() -> None:
    loop = rules()
    with pytest.raises(dataclasses.FrozenInstanceError):
        loop.period_s = 1.0  # type: ignore[misc]
    kinds: tuple[Any, ...] = (PUMP_RULE, PUMP_RULE.grid, loop.watch, *loop.inputs.values())
    for rule in kinds:
        with pytest.raises(AttributeError):
            object.__setattr__(rule, rule._fields[0], 1.0)
    with pytest.raises(TypeError):
        loop.setpoints[PUMP] = PUMP_RULE  # type: ignore[index]


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, float | int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, frozenset):
        return value | {99}
    assert value is None, f"what else is there than {value!r}?"
    return 1.0


def _three_speeds_and_all() -> LoopRules:
    whole = sealed(
        limits__votes={SPEED: VOTE},
        limits__cross=CROSS,
        limits__guards={WEIGHT: {"trip": [0.05, 0.1], "return": [0.06, 0.09], "trip_after": 1,
                                 "return_after": 2}},
        limits__balances=BALANCE,
        limits__models={LOOP: {"innovation": 9.0, "cycles": 3}},
    )  # fmt: skip
    for tag in SPEEDS[1:]:
        whole["tags"][tag] = whole["tags"][SPEED]
        whole["loops"][LOOP]["optional"].append(tag)
    return loop_rules(whole, LOOP)


@pytest.mark.requirement("IL-20")
def test_a_limit_changed_in_memory_ends_in_off_and_equal_files_in_equal_seals() -> None:
    drive = Drive(rules())
    drive.to_auto()
    wider = drive.rules.setpoints[PUMP]._replace(operating=(0.0, 9.0))
    limits = {**drive.rules.setpoints, PUMP: wider}
    drive.rules = dataclasses.replace(drive.rules, setpoints=limits)
    verdict = drive.cycle(ask("AUTO"), {PUMP: 3.0, GAP: 280e-6})
    assert (verdict.mode, verdict.command, verdict.limiting[:5]) == (Mode.OFF, None, "IL-20")
    assert sealed_copy(rules()) == rules().seal != sealed_copy(drive.rules)
    assert not unbroken(dataclasses.replace(rules(), seal=()))


@pytest.mark.requirement("IL-09")
def test_an_older_request_is_a_repetition() -> None:
    drive = Drive()
    drive.to_auto(number=5)
    verdict = drive.cycle(ask("AUTO", 4))
    assert verdict.mode is Mode.OFF
    assert "older than 5" in verdict.limiting
    assert drive.cycle(ask("AUTO", 4, reset=True)).mode is Mode.OFF
    assert drive.cycle(ask("AUTO", 6)).mode is Mode.SHADOW


@pytest.mark.requirement("IL-02")
def test_time_that_ran_backwards_holds_until_it_has_caught_up() -> None:
    drive = Drive()
    drive.to_auto()
    modes = [drive.cycle(ask("AUTO"), elapsed_s=by).mode for by in (-20.0, 8.0, 8.0, 8.0)]
    assert modes == [Mode.HOLD, Mode.HOLD, Mode.HOLD, Mode.AUTO]
