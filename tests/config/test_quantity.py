from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config_quantity import (
    KNOWN_UNITS,
    QuantityError,
    read_quantity,
    read_unit,
    si_value,
)


def si(text: object, unit: str, *, difference: bool = False, per_second: bool = False) -> float:
    return si_value(read_quantity(text), unit, difference=difference, per_second=per_second)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("85.7 g/m2", "g/m2", 0.0857),
        ("10 m/min", "m/min", 10 / 60),
        ("30 rpm", "rpm", 0.5),
        ("2.5 rev/m", "rev/m", 2.5),
        ("25 degC", "degC", 298.15),
        ("298.15 K", "degC", 298.15),
        ("42 wt%", "wt%", 0.42),
        ("42 %", "wt%", 0.42),
        ("900 ppm", "ppm", 9e-4),
        ("280 um", "um", 2.8e-4),
        ("280 µm", "um", 2.8e-4),
        ("9.5 bar", "bar", 9.5e5),
        ("360 N*m", "N*m", 360.0),
        ("6 Pa*s", "Pa*s", 6.0),
        ("6000 mPa*s", "Pa*s", 6.0),
        ("8 s", "s", 8.0),
        ("2.5 h", "s", 9000.0),
        ("1e7 m", "m", 1e7),
        (0.65, "", 0.65),
        ("65 %", "", 0.65),
    ],
)
def test_people_write_units_and_the_house_gets_si(text: object, unit: str, expected: float) -> None:
    assert si(text, unit) == expected


def test_rates_and_steps_of_a_temperature_are_differences() -> None:
    assert si("0.05 delta_degC/s", "degC", per_second=True) == 0.05
    assert si("5 delta_degC", "degC", difference=True) == 5.0
    assert si("0.05 kg/min/s", "kg/min", per_second=True) == pytest.approx(0.05 / 60)
    assert si("0.25 rpm/s", "rpm", per_second=True) == pytest.approx(0.25 / 60)


@pytest.mark.parametrize(
    ("text", "unit", "code", "word"),
    [
        (0.9, "um", "RH-1020", "missing unit"),
        ("0.9", "um", "RH-1020", "write '0.9 um'"),
        ("12 rpm", "m/min", "RH-1022", "a speed is due"),
        ("12 m", "bar", "RH-1022", "a pressure is due"),
        ("12 m/s/s", "bar", "RH-1022", "the rate of change of a speed"),
        ("5 delta_degC", "degC", "RH-1023", "a temperature is due"),
        (math.nan, "um", "RH-1024", "finite"),
        (".inf um", "um", "RH-1024", "finite"),
        ("1e999 um", "um", "RH-1024", "finite"),
        ("nan um", "um", "RH-1024", "finite"),
        ("12 umm", "um", "RH-1021", "Did you mean"),
        ("12 RPM", "rpm", "RH-1021", "Did you mean `rpm`?"),
        ("twelve um", "um", "RH-1021", "cannot read"),
        ("1 m**9999", "um", "RH-1021", "not a unit"),
        ("1 __import__", "um", "RH-1021", "not a unit"),
        (True, "um", "RH-1012", "true or false"),
        (None, "um", "RH-1012", "nothing"),
        ([1, 2], "um", "RH-1012", "a list"),
    ],
)
def test_what_is_no_quantity_is_refused_in_words(
    text: object, unit: str, code: str, word: str
) -> None:
    with pytest.raises(QuantityError) as caught:
        si(text, unit)
    assert caught.value.code == code
    assert word in f"{caught.value.what} {caught.value.next_step}"


def test_an_absolute_temperature_is_no_step() -> None:
    with pytest.raises(QuantityError) as caught:
        si("5 degC", "degC", difference=True)
    assert caught.value.code == "RH-1023"
    assert "delta_degC" in caught.value.next_step


@pytest.mark.parametrize("unit", KNOWN_UNITS)
def test_every_unit_that_is_offered_can_be_read(unit: str) -> None:
    due = read_unit(unit)
    assert si(f"2 {unit}", unit) == float(2 * due.factor + due.offset)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        value = si(text, "um")
    except QuantityError:
        return
    assert math.isfinite(value)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_in_si_passes_unchanged(number: float) -> None:
    assert si(f"{number!r} Pa", "Pa") == number
