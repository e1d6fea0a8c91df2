"""The translation that all proofs rest on: its terms say what the functions say, bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from safety import shape as arithmetic
from tests.proofs import symbolic as sym

LARGE = 1.0e300


@dataclass(frozen=True)
class Rule:
    """As much of a rule as the arithmetic reads."""

    equipment: tuple[float, float]
    operating: tuple[float, float]
    tolerance: float


doubles = st.one_of(st.floats(), st.floats(-10, 10), st.sampled_from([0.0, -0.0, 1.0, 5e-324]))


@pytest.mark.requirement("P1")
@given(numbers=st.tuples(doubles, doubles, doubles, doubles, doubles))
def test_the_terms_say_what_the_functions_say(numbers: tuple[float, ...]) -> None:
    a, b, c, d, e = numbers
    constants = [sym.number(n) for n in numbers]
    if math.isfinite(b) and math.isfinite(c):
        assert_same(sym.term_of(arithmetic.towards, constants[:3]), arithmetic.towards(a, b, c))
    spans = (constants[1], constants[2])
    assert_same(sym.term_of(arithmetic.nearest, (constants[0], spans)),
                arithmetic.nearest(a, (b, c)))  # fmt: skip
    if all(math.isfinite(n) and abs(n) < LARGE for n in numbers):
        symbols = sym.Record("Rule", {"equipment": spans, "operating": spans,
                                      "tolerance": sym.number(0.0)})  # fmt: skip
        term = sym.term_of(arithmetic.is_safe, (symbols, constants[0], *constants[3:]))
        told = arithmetic.is_safe(Rule((b, c), (b, c), 0.0), a, d, e)  # type: ignore[arg-type]
        assert bool(z3.is_true(z3.simplify(term))) == told


def assert_same(term: Any, told: float) -> None:
    """Compare a constant term with a number, bit for bit but for NaNs."""
    same = z3.simplify(term == sym.number(told))
    assert z3.is_true(same), (z3.simplify(term), told)
