"""Registers and blocks: every type in every order, and reads gathered without crossing holes."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbus.registers import (
    MOST_READ,
    WIDEST_GAP,
    blocks,
    decoded,
    encoded,
    fence_in,
    order_hint,
    runs,
    unlike,
)
from fieldbus.tags import FORMATS, REGISTERS_IN_ALL, Tag, Wire, integer_range, to_wire
from safety.words import Quality


def tag(kind: str, register: int = 0, word: str = "big", byte: str = "big") -> Tag:
    return Tag(
        name=f"plc.{kind}{register}",
        source="plc",
        direction="write",
        type=kind,
        register=register,
        word_order=word,
        byte_order=byte,
    )


@pytest.mark.parametrize(
    ("word", "byte", "registers"),
    [
        ("big", "big", [0x4248, 0xF5C3]),  # ABCD
        ("little", "big", [0xF5C3, 0x4248]),  # CDAB
        ("big", "little", [0x4842, 0xC3F5]),  # BADC
        ("little", "little", [0xC3F5, 0x4842]),  # DCBA
    ],
)
def test_50_24_in_the_four_orders_of_the_field(word: str, byte: str, registers: list[int]) -> None:
    weight = tag("float32", word=word, byte=byte)
    assert encoded(weight, 50.24) == registers
    assert decoded(weight, registers).value == pytest.approx(50.24)


@given(st.data(), st.sampled_from(sorted(FORMATS)))
def test_every_type_and_order_comes_back_as_it_went(data: st.DataObject, kind: str) -> None:
    orders = st.sampled_from(("big", "little"))
    row = tag(kind, word=data.draw(orders), byte=data.draw(orders))
    value: Wire
    if kind == "bool":
        value = data.draw(st.booleans())
    elif kind.startswith("float"):
        value = to_wire(row, data.draw(st.floats(-1e30, 1e30)))
    else:
        value = data.draw(st.integers(*integer_range(row)))
    words = encoded(row, value)
    assert len(words) == row.registers
    assert all(0 <= word <= 0xFFFF for word in words)
    assert decoded(row, words).value == value


def test_a_bool_register_with_another_value_is_bad() -> None:
    reading = decoded(tag("bool"), [7])
    assert reading.quality is Quality.BAD
    assert "holds 7" in reading.reason


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(sorted(FORMATS))), min_size=1))
def test_blocks_hold_every_tag_once_and_stay_within_the_limits(rows: list[tuple[int, str]]) -> None:
    tags = {tag(kind, register) for register, kind in rows}
    found = blocks(tags, frozenset())
    assert sorted(t.name for b in found for t in b.tags) == sorted(t.name for t in tags)
    for block in found:
        assert block.count <= MOST_READ
        for inside in block.tags:
            assert block.start <= inside.register
            assert inside.register + inside.registers <= block.start + block.count


def test_a_gap_of_ten_is_read_over_and_of_eleven_is_not() -> None:
    first = tag("float32", 0)
    near, far = tag("int16", 2 + WIDEST_GAP), tag("int16", 3 + WIDEST_GAP)
    assert len(blocks([first, near], frozenset())) == 1
    assert len(blocks([first, far], frozenset())) == 2


def test_no_block_reaches_across_a_fence() -> None:
    tags = [tag("int16", at) for at in (0, 2, 4, 6)]
    whole = blocks(tags, frozenset())[0]
    fence = fence_in(whole)
    assert fence == ("holding", 4)
    split = blocks(tags, frozenset({fence}))
    assert [[t.register for t in block.tags] for block in split] == [[0, 2], [4, 6]]


def test_a_refused_block_is_split_at_its_widest_gap() -> None:
    tags = [tag("int16", at) for at in (0, 1, 9, 10, 11)]
    assert fence_in(blocks(tags, frozenset())[0]) == ("holding", 9)


def test_blocks_of_one_table_are_made_unlike_but_for_holes_and_the_end_of_the_table() -> None:
    tags = [tag("int16", at) for at in (0, 20, 40, 60, REGISTERS_IN_ALL - 1)]
    found = unlike(blocks(tags, frozenset()), frozenset({("holding", 40)}))
    assert [block.count for block in found] == [1, 2, 1, 3, 1]
    assert [block.is_padded for block in found] == [False, True, False, True, False]
    twins = [replace(tag("int16", 0), table=table) for table in ("holding", "input")]
    assert [block.count for block in unlike(blocks(twins, frozenset()), frozenset())] == [1, 1]


def test_a_word_that_would_be_right_in_another_order_says_in_which() -> None:
    mark = replace(tag("uint32"), must_be=1)
    assert order_hint(mark, 0x10000) == "; it would be with word_order: little, byte_order: big"
    assert order_hint(mark, 12345) == ""
    assert order_hint(mark, None) == "", "it could not be read"
    assert order_hint(tag("uint32"), 1) == "", "it need not be anything"


def test_the_run_with_the_last_word_goes_out_last() -> None:
    request, sequence, heartbeat = tag("bool", 50), tag("uint16", 51), tag("uint16", 10)
    found = runs([(request, True), (sequence, 7), (heartbeat, 8)])
    assert [[t.register for t, _ in run] for run in found] == [[50, 51], [10]]


def test_contiguous_setpoints_are_one_run() -> None:
    items: list[tuple[Tag, Wire]] = [(tag("float32", at), 1.0) for at in (104, 100, 102)]
    assert [[t.register for t, _ in run] for run in runs(items)] == [[100, 102, 104]]


def test_float_layout_is_that_of_ieee_754() -> None:
    assert encoded(tag("float32"), 1.0) == list(struct.unpack(">HH", struct.pack(">f", 1.0)))
