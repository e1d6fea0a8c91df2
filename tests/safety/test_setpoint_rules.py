"""The rule of a setpoint and the strict readers under it: every refusal names its place."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from safety.setpoint_rules import SetpointRule, setpoint_rule
from safety.strict import LARGEST_INTEGER, RuleError, count_at, number_from, section
from tests.safety.builders import GAP, PUMP, PUMP_ACTIVE, sealed

PLACE = f"limits.setpoints.{PUMP}"


def _rule(whole: dict[str, Any]) -> SetpointRule:
    return setpoint_rule(whole["limits"], whole["tags"], PUMP, PUMP_ACTIVE, "loops.coating")


def _refused(whole: dict[str, Any], says: str) -> None:
    with pytest.raises(RuleError, match="^" + re.escape(says)):
        _rule(whole)


def test_a_rule_says_what_the_sealed_limits_say() -> None:
    whole = sealed()
    spec = whole["limits"]["setpoints"][PUMP]
    spec["reversals"] = 1
    rule = _rule(whole)
    assert (rule.tag, rule.active_tag, rule.reversals) == (PUMP, PUMP_ACTIVE, 1)
    assert (rule.rate_per_s, rule.dwell_s, rule.travel) == (
        spec["rate"], spec["dwell"], spec["travel"]
    )  # fmt: skip


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rate", "must be a finite number, not None."),
        ("resolution", "must be a finite number, not None."),
        ("tolerance", "must be a finite number, not None."),
        ("dwell", "must be a finite number, not None."),
        ("travel", "must be a finite number, not None."),
        ("swing", "must be a finite number, not None."),
        ("reversals", "must be a whole number from 1, not None."),
        ("equipment", "must be a pair [low, high], not None."),
        ("proven", "must be a pair [low, high], not None."),
        ("operating", "must be a pair [low, high], not None."),
    ],
)
def test_a_limit_that_is_missing_is_named_with_its_place(name: str, says: str) -> None:
    whole = sealed()
    del whole["limits"]["setpoints"][PUMP][name]
    _refused(whole, f"{PLACE}.{name} {says}")


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize(("inner", "outer"), [("operating", "proven"), ("proven", "equipment")])
def test_a_range_that_reaches_outside_the_next_one_is_refused(inner: str, outer: str) -> None:
    whole = sealed()
    spec = whole["limits"]["setpoints"][PUMP]
    low, high = spec[outer]
    spec[inner] = [low, high]
    if inner == "operating":
        _rule(whole)  # as wide as the next one is within it
    for reaching in ([low - 0.5, high], [low, high + 0.5]):
        spec[inner] = reaching
        _refused(
            whole, f"{PLACE}: the {inner} range {reaching} reaches outside the {outer} range "
            f"{[low, high]}; it must lie within.",
        )  # fmt: skip


def test_a_section_that_is_missing_is_named() -> None:
    whole = sealed()
    del whole["limits"]["setpoints"][PUMP]
    _refused(whole, f"limits.setpoints has no section '{PUMP}'.")
    del whole["limits"]["setpoints"]
    _refused(whole, "limits has no section 'setpoints'.")
    whole = sealed()
    del whole["tags"][PUMP]
    _refused(whole, f"tags has no section '{PUMP}'.")
    with pytest.raises(RuleError, match=r"^limits has no section 'a'\.$"):
        section(["a"], "a", "limits")


@pytest.mark.requirement("IL-14")
@pytest.mark.parametrize(
    ("kind", "single"), [("float", True), ("float32", True), ("double", False), ("float64", False)]
)
def test_a_register_keeps_seven_digits_or_fifteen(kind: str, single: bool) -> None:
    whole = sealed()
    whole["tags"][PUMP]["type"] = kind
    assert _rule(whole).grid.single is single


@pytest.mark.parametrize("name", ["gain", "offset"])
def test_a_scale_that_is_missing_is_named_with_its_tag(name: str) -> None:
    whole = sealed()
    whole["tags"][PUMP][name] = None
    _refused(whole, f"tags.{PUMP}.{name} must be a finite number, not None.")


def test_a_setpoint_without_the_one_in_use_is_refused() -> None:
    whole = sealed()
    for none in (None, "", 7):
        with pytest.raises(RuleError, match=f"^loops.coating.mvs.{GAP} names no tag"):
            setpoint_rule(whole["limits"], whole["tags"], GAP, none, "loops.coating")


def test_a_number_is_finite_and_an_integer_exact() -> None:
    assert number_from(1e300, "here") == 1e300
    assert number_from(LARGEST_INTEGER, "here") == 2.0**53
    for bad in (LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, math.inf, math.nan, True, "1"):
        with pytest.raises(RuleError, match=r"^here must be a finite number, not "):
            number_from(bad, "here")


def test_a_count_fits_a_register_of_the_plc() -> None:
    assert count_at({"n": 2**31 - 1}, "n", "here", 1) == 2**31 - 1
    assert count_at({"n": 1}, "n", "here", 1) == 1
    for bad in (0, 2**31, True, 1.0):
        with pytest.raises(RuleError, match=r"^here\.n must be a whole number from 1, not "):
            count_at({"n": bad}, "n", "here", 1)
