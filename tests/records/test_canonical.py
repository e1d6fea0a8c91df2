"""Canonical JSON: one value, one text, and back."""

from __future__ import annotations

import json
import math
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.canonical import as_float, canonical_json, in_canonical_order, sha256_of

finite = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers() | finite | st.text()
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(values)
def test_reading_back_gives_the_same_value_and_the_same_text(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(values)
def test_the_text_is_one_ascii_line_without_spaces_outside_strings(value: Any) -> None:
    text = canonical_json(value)
    assert text.isascii()
    assert "\n" not in text
    assert json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True) == text


@given(st.dictionaries(st.text(), leaves))
def test_the_order_in_which_keys_came_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


@given(finite)
def test_a_float_comes_back_bit_for_bit(number: float) -> None:
    back = as_float(json.loads(canonical_json(number)))
    assert back.hex() == number.hex()


@pytest.mark.parametrize(
    ("number", "text"),
    [(math.nan, '"NaN"'), (math.inf, '"Infinity"'), (-math.inf, '"-Infinity"'), (-0.0, "-0.0")],
)
def test_numbers_that_json_does_not_know_have_a_spelling(number: float, text: str) -> None:
    assert canonical_json(number) == text
    assert as_float(json.loads(text)).hex() == number.hex()


@pytest.mark.parametrize("written", ["nan", "1.0", "", "inf"])
def test_only_the_three_spellings_are_read_as_numbers(written: str) -> None:
    with pytest.raises(ValueError, match="non-finite"):
        as_float(written)


@pytest.mark.parametrize("written", [None, True, [1.0]])
def test_what_is_no_number_is_not_read_as_one(written: object) -> None:
    with pytest.raises(TypeError, match="not a written number") as refusal:
        as_float(written)
    assert repr(written) in str(refusal.value)


@pytest.mark.parametrize(("value", "why"), [
    ({1: 2}, "a record's key must be text, not 1"),
    ({None: 1}, "a record's key must be text, not None"),
    (b"bytes", "a record cannot hold a bytes: b'bytes'"),
    ({1, 2}, "a record cannot hold a set: {1, 2}"),
    (1j, "a record cannot hold a complex: 1j"),
])  # fmt: skip
def test_what_json_cannot_say_is_refused_and_named(value: object, why: str) -> None:
    with pytest.raises(TypeError) as refusal:
        canonical_json(value)
    assert str(refusal.value) == why


def test_a_configuration_comes_back_in_the_order_of_the_record() -> None:
    ordered = in_canonical_order({"b": 1, "a": {"z": 0.5, "c": [2]}})
    assert ordered == {"a": {"c": [2], "z": 0.5}, "b": 1}
    assert [list(ordered), list(ordered["a"])] == [["a", "b"], ["c", "z"]]


def test_enumerations_are_written_as_their_value() -> None:
    class Number(IntEnum):
        TWO = 2

    class Word(StrEnum):
        OFF = "OFF"

    assert canonical_json({Word.OFF: [Number.TWO, Word.OFF]}) == '{"OFF":[2,"OFF"]}'


def test_the_hash_tells_one_from_one_point_zero() -> None:
    assert sha256_of({"a": 1}) != sha256_of({"a": 1.0})
    assert sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1})
