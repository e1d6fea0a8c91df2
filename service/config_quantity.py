"""Quantities as people write them ('280 um', '0.25 rpm/s') into exact SI numbers.

pint knows the units; its registry is filled with the plant's own short list instead of the
thousand units it ships, so a typing error cannot become an exotic unit and loading takes no time.
Rotation is a dimension of its own here (rev/s, rev/m): radians never enter. The arithmetic is
exact (fractions) and rounded once, at the very end.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pint

from service.config_problem import did_you_mean

_DEFINITIONS = """
micro- = 1e-6 = u-
milli- = 1e-3 = m-
centi- = 1e-2 = c-
kilo- = 1e3 = k-
meter = [length] = m
second = [time] = s
gram = [mass] = g
kelvin = [temperature]; offset: 0 = K
degC = kelvin; offset: 273.15
revolution = [rotation] = rev
minute = 60 * second = min
hour = 60 * minute = h
rpm = revolution / minute
newton = kilogram * meter / second ** 2 = N
pascal = newton / meter ** 2 = Pa
bar = 100000 * pascal
liter = 0.001 * meter ** 3 = L
watt = newton * meter / second = W
percent = 0.01
ppm = 1e-6
fraction = []
"""

KNOWN_UNITS = (
    "m", "cm", "mm", "um", "m2", "s", "min", "h", "m/s", "m/min", "g", "kg", "g/m2", "kg/m2",
    "kg/s", "kg/min", "kg/h", "kg/min/s", "kg/m3", "rev", "rpm", "rpm/s", "rev/s", "rev/m",
    "rev/m/s", "K", "degC", "delta_degC", "delta_degC/s", "Pa", "kPa", "mbar", "bar", "N*m",
    "Pa*s", "W", "L", "L/min", "wt%", "%", "ppm", "fraction", "um/s",
)  # fmt: skip
"""What 'did you mean' offers; any product of the units above is understood as well."""

_WORDS: dict[str, str] = {
    "[length]": "a length", "[time]": "a time", "[mass]": "a mass", "": "a plain fraction",
    "[length]/[time]": "a speed", "[mass]/[length]2": "a coat weight",
    "[mass]/[time]": "a mass flow", "[mass]/[length]3": "a density", "[rotation]": "a rotation",
    "[rotation]/[time]": "a rotation speed", "[rotation]/[length]": "a pump ratio",
    "[temperature]": "a temperature", "[mass]/[length]/[time]2": "a pressure",
    "[mass][length]2/[time]2": "a torque", "[mass]/[length]/[time]": "a viscosity",
    "[length]2": "an area", "[length]3": "a volume", "[length]3/[time]": "a volume flow",
}  # fmt: skip

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER}|[+-]?\.?(?:nan|inf|infinity))\s*(.*?)\s*", re.IGNORECASE)
_UNIT = re.compile(r"[A-Za-z_]+[23]?(?:[*/][A-Za-z_]+[23]?)*")
_NOT_A_NUMBER = re.compile(r"[+-]?\.?(nan|inf|infinity)", re.IGNORECASE)


class QuantityError(ValueError):
    """A text is not the quantity that is due; `code` is the stable error code."""

    def __init__(self, code: str, what: str, next_step: str) -> None:
        """Keep what is wrong and what to do about it."""
        super().__init__(what)
        self.code = code
        self.what = what
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: SI value = number * factor + offset.

    `powers` are those of the base dimensions; `temperature` is 'absolute' (degC), 'difference'
    (delta_degC), 'either' (K) or '' where the unit is not a temperature.
    """

    text: str
    factor: Fraction
    offset: Fraction
    powers: tuple[tuple[str, int], ...]
    temperature: str

    def over_seconds(self) -> tuple[tuple[str, int], ...]:
        """Return the dimension of this unit's rate of change."""
        powers = dict(self.powers)
        powers["[time]"] = powers.get("[time]", 0) - 1
        return tuple(sorted((name, power) for name, power in powers.items() if power))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the unit it was written in (None: a bare number), not yet converted."""

    text: str
    number: Fraction
    unit: Unit | None


@functools.cache
def _registry() -> Any:  # noqa: ANN401 - pint's registry has no static type
    registry: Any = pint.UnitRegistry(None, non_int_type=Fraction, cache_folder=None)
    for line in _DEFINITIONS.strip().splitlines():
        registry.define(line)
    return registry


@functools.cache
def read_unit(text: str) -> Unit:
    """Return the unit that `text` names; '' and 'fraction' are the plain number.

    Raises:
        QuantityError: RH-1021, with the unit that was probably meant.
    """
    plain = text.strip().replace("·", "*").replace("µ", "u").replace("μ", "u")
    pint_text = re.sub(r"wt%|%", "percent", plain) or "fraction"
    if not _UNIT.fullmatch(pint_text):
        raise _unknown_unit(text)
    try:
        unit = _registry().parse_units(re.sub(r"([A-Za-z])([23])(?=$|[*/])", r"\1**\2", pint_text))
    except (pint.PintError, ValueError, TypeError, AttributeError) as error:
        raise _unknown_unit(text) from error
    return _unit_of(plain, unit)


def _unknown_unit(text: str) -> QuantityError:
    hint = did_you_mean(text, KNOWN_UNITS)
    return QuantityError(
        "RH-1021",
        f"'{text}' is not a unit this plant uses.{hint}",
        "write one of: " + ", ".join(KNOWN_UNITS),
    )


def _unit_of(text: str, unit: Any) -> Unit:  # noqa: ANN401 - pint's unit class is built at run time
    quantity = _registry().Quantity
    powers = {str(k): int(v) for k, v in dict(unit.dimensionality).items()}
    # pint's root of mass is the gram; SI counts in kilograms
    scale = Fraction(1, 1000) ** powers.get("[mass]", 0)
    zero = Fraction(quantity(Fraction(0), unit).to_root_units().magnitude)
    one = Fraction(quantity(Fraction(1), unit).to_root_units().magnitude)
    temperature = ""
    if powers == {"[temperature]": 1}:
        temperature = "absolute" if zero else "difference" if "delta" in text else "either"
    return Unit(text, (one - zero) * scale, zero, tuple(sorted(powers.items())), temperature)


def read_quantity(value: object) -> Quantity:
    """Return what was written, its unit understood but not yet judged.

    Raises:
        QuantityError: not a number, not finite, or a unit nobody knows.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise QuantityError(
            "RH-1012",
            f"{_kind(value)} stands where a quantity is due",
            "write a number and its unit, for instance '280 um'",
        )
    text = str(value)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError(
            "RH-1021",
            f"cannot read '{text}' as a quantity",
            "write a number, a space and a unit, for instance '280 um'",
        )
    if _NOT_A_NUMBER.fullmatch(match[1]) or not math.isfinite(float(match[1])):
        raise QuantityError("RH-1024", f"'{text}' is not a finite number", "write a real number")
    return Quantity(text, Fraction(match[1]), read_unit(match[2]) if match[2] else None)


def si_value(
    quantity: Quantity, unit_text: str, *, difference: bool = False, per_second: bool = False
) -> float:
    """Return `quantity` in SI, where a quantity of the kind of `unit_text` is due.

    `difference` asks for a step of that kind (for degC: delta_degC), `per_second` for its rate
    of change. A bare number is right only where the unit is '' (a plain fraction).

    Raises:
        QuantityError: missing unit, wrong dimension, or temperature against difference.
    """
    due = read_unit(unit_text)
    shown = _due_text(due, difference=difference, per_second=per_second)
    if quantity.unit is None:
        if not unit_text:
            return float(quantity.number)
        raise QuantityError(
            "RH-1020", f"missing unit: {quantity.text} of what?", f"write '{quantity.text} {shown}'"
        )
    powers = due.over_seconds() if per_second else due.powers
    if quantity.unit.powers != powers:
        raise QuantityError(
            "RH-1022",
            f"'{quantity.text}' is {_words(quantity.unit.powers)}, "
            f"but {_words(powers)} is due here",
            f"write it in {shown}, or in a unit of the same kind",
        )
    _same_temperature(quantity, due, shown, difference=difference, per_second=per_second)
    return float(quantity.number * quantity.unit.factor + quantity.unit.offset)


def si_text(unit: Unit) -> str:
    """Return the SI unit of the same kind, in the letters of the configuration: 'kg/m2'."""
    letters = {"[mass]": "kg", "[rotation]": "rev", "[temperature]": "K", "[length]": "m",
               "[time]": "s"}  # fmt: skip
    powers = [(letters[name], power) for name, power in _mass_first(unit.powers)]
    above = "*".join(f"{n}{p if p > 1 else ''}" for n, p in powers if p > 0)
    below = "".join(f"/{n}{-p if p < -1 else ''}" for n, p in powers if p < 0)
    return (above or "1") + below


def parameter_value(quantity: Quantity, unit_text: str) -> float:
    """Return a model parameter in its own SI unit, as its table writes it ('N m', 'W/m2/K').

    A bare number is in that unit already.

    Raises:
        QuantityError: the quantity has another dimension, or the unit is one pint is not told of.
    """
    if quantity.unit is None:
        return float(quantity.number)
    try:
        return si_value(quantity, "" if unit_text in ("1", "0/1") else unit_text.replace(" ", "*"))
    except QuantityError as error:
        if error.code != "RH-1021":
            raise
        what = f"'{quantity.text}' cannot be converted to {unit_text}"
        raise QuantityError("RH-1021", what, f"write the bare number, in {unit_text}") from error


def _same_temperature(
    quantity: Quantity, due: Unit, shown: str, *, difference: bool, per_second: bool
) -> None:
    unit = quantity.unit
    if unit is None or per_second or not due.temperature:
        return
    wanted = "difference" if difference or due.temperature == "difference" else "absolute"
    got = unit.temperature
    if got not in ("either", wanted):
        is_a = {"absolute": "a temperature", "difference": "a temperature difference"}
        raise QuantityError(
            "RH-1023",
            f"'{quantity.text}' is {is_a[got]}, but {is_a[wanted]} is due here",
            f"write it in {shown}",
        )


def _due_text(due: Unit, *, difference: bool, per_second: bool) -> str:
    text = due.text or "fraction"
    if due.temperature == "absolute" and (difference or per_second):
        text = "delta_degC"
    return f"{text}/s" if per_second else text


def _words(powers: tuple[tuple[str, int], ...]) -> str:
    """Return the name of a dimension: 'a speed', or its formula where it has no name."""
    above = "".join(f"{n}{p if p > 1 else ''}" for n, p in _mass_first(powers) if p > 0)
    below = "".join(f"/{n}{-p if p < -1 else ''}" for n, p in _mass_first(powers) if p < 0)
    formula = (above or ("1" if below else "")) + below
    if formula in _WORDS:
        return _WORDS[formula]
    without_time = dict(powers)
    without_time["[time]"] = without_time.get("[time]", 0) + 1
    rest = tuple(sorted((n, p) for n, p in without_time.items() if p))
    if dict(powers).get("[time]", 0) < 0 and rest != powers:
        name = _words(rest)
        if "[" not in name:
            return f"the rate of change of {name}"
    return f"a quantity of dimension {formula}"


def _mass_first(powers: tuple[tuple[str, int], ...]) -> list[tuple[str, int]]:
    order = ("[mass]", "[rotation]", "[temperature]", "[length]", "[time]")
    return sorted(powers, key=lambda item: order.index(item[0]))


def _kind(value: object) -> str:
    names = {bool: "true or false", dict: "a mapping", list: "a list", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)
