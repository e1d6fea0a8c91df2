"""Values between wire and SI: what may leave, and what a reading can be."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbus.link import WireReading, sample_of
from fieldbus.sources import sources_of
from fieldbus.tags import (
    FORMATS,
    NotWritable,
    Tag,
    WiringError,
    integer_range,
    tags_of,
    to_si,
    to_wire,
    wrapped,
)
from safety.words import Quality


def tag(kind: str, **more: Any) -> Tag:
    return Tag(name="plc.x", source="plc", direction="write", type=kind, **more)


@pytest.mark.parametrize(
    "si", [math.nan, math.inf, -math.inf, True, None, "1.0", 1e300, [1.0]], ids=repr
)
@pytest.mark.parametrize("kind", ["float32", "int16", "uint32"])
@pytest.mark.requirement("IL-19")
def test_only_a_finite_number_that_fits_can_leave(kind: str, si: object) -> None:
    with pytest.raises(NotWritable, match=r"plc\.x"):
        to_wire(tag(kind), si)


@pytest.mark.parametrize("si", [1, 0, 1.0, None, "true"])
def test_a_bool_tag_takes_only_a_bool(si: object) -> None:
    with pytest.raises(NotWritable):
        to_wire(tag("bool"), si)


def test_a_value_outside_the_instruments_range_does_not_leave() -> None:
    gap = tag("float32", gain=1e-6, unit="um", low=150e-6, high=1500e-6)
    assert to_wire(gap, 1500e-6) == pytest.approx(1500.0)
    with pytest.raises(NotWritable, match="1501 um is outside the range 150 um"):
        to_wire(gap, 1501e-6)


@given(st.floats(-1000.0, 1000.0))
def test_float32_leaves_as_it_will_be_stored(si: float) -> None:
    sent = to_wire(tag("float32"), si)
    assert to_wire(tag("float32"), sent) == sent
    assert sent == pytest.approx(si, rel=1e-7, abs=1e-38)


@given(st.floats(-40.0, 200.0))
def test_degrees_go_out_and_come_back(celsius: float) -> None:
    temp = tag("float64", offset=273.15)
    assert to_si(temp, to_wire(temp, celsius + 273.15)) == pytest.approx(celsius + 273.15)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if "int" in kind])
def test_integers_stop_at_the_end_of_their_type(kind: str) -> None:
    low, high = integer_range(tag(kind))
    assert (to_wire(tag(kind), low), to_wire(tag(kind), high)) == (low, high)
    for beyond in (low - 1, high + 1):
        with pytest.raises(NotWritable, match="does not fit"):
            to_wire(tag(kind), beyond)


@given(st.integers(0, 2**70))
def test_counters_wrap_into_the_width_of_their_tag(count: int) -> None:
    assert wrapped(tag("uint16"), count) == count % 65536
    assert 0 <= wrapped(tag("int16"), count) <= 32767


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("float32", math.nan),
        ("float32", math.inf),
        ("float32", True),
        ("float32", "12"),
        ("float32", None),
        ("int16", 1.0),
        ("int16", 40000),
        ("bool", 1),
    ],
)
@pytest.mark.requirement("IL-07")
def test_a_reading_that_is_no_value_of_its_type_is_bad(kind: str, value: object) -> None:
    sample = sample_of(tag(kind), WireReading(value, Quality.GOOD, "", 5.0), 7.0, 3)
    assert (sample.value, sample.quality) == (None, Quality.BAD)
    assert sample.reason
    assert (sample.source_time_s, sample.received_s, sample.epoch) == (5.0, 7.0, 3)


def test_a_reading_outside_the_instruments_range_is_bad_and_says_so_in_its_unit() -> None:
    weight = tag("float32", gain=1e-3, unit="g/m2", low=0.0, high=0.2)
    assert sample_of(weight, WireReading(99.5, Quality.GOOD), 0.0, 1).value == pytest.approx(0.0995)
    outside = sample_of(weight, WireReading(250.0, Quality.GOOD), 0.0, 1)
    assert outside.quality is Quality.BAD
    assert outside.reason == "250 g/m2 is outside the range 0 g/m2 .. 200 g/m2"


def test_an_uncertain_reading_keeps_value_quality_and_reason() -> None:
    sample = sample_of(tag("int32"), WireReading(7, Quality.UNCERTAIN, "why"), 0.0, 1)
    assert (sample.value, sample.quality, sample.reason) == (7, Quality.UNCERTAIN, "why")
    assert isinstance(sample.value, int)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "string"}, "type 'string' is unknown"),
        ({"gain": 0.0}, "the gain not 0"),
        ({"gain": math.nan}, "must be finite"),
        ({"table": "coils"}, "table 'coils' is unknown"),
        ({"table": "input", "direction": "write"}, "cannot be written"),
        ({"word_order": "middle"}, "order 'middle' is unknown"),
        ({"register": 65535, "type": "float"}, "outside 0..65535"),
    ],
)
def test_a_row_that_means_nothing_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    row = {"source": "plc", "direction": "read", "type": "int16", "gain": 1.0, "offset": 0.0}
    with pytest.raises(WiringError, match=r"tag plc\.x: .*" + words):
        tags_of({"tags": {"plc.x": row | change}})


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(WiringError, match="source plc: protocol 'profibus'"):
        sources_of({"sources": {"plc": {"protocol": "profibus", "timeout": 1.0}}})
