"""Registers and blocks: every type in every order, and reads gathered without crossing holes."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbus.modbus_bus import WRITE_AND_READ, WRITE_MANY, WRITE_ONE
from fieldbus.registers import (
    MOST_READ,
    WIDEST_GAP,
    Block,
    blocks,
    decoded,
    encoded,
    fence_in,
    function_of,
    is_between,
    order_hint,
    runs,
    unlike,
)
from fieldbus.sources import ScanWords
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


def laid(found: list[Block]) -> list[tuple[str, int, int, list[str]]]:
    """Return blocks as plain data."""
    return [
        (block.table, block.start, block.count, [tag.name for tag in block.tags]) for block in found
    ]


def at(table: str, register: int, kind: str = "int16", name: str = "") -> Tag:
    whole = replace(tag(kind, register), table=table)
    return replace(whole, name=name or f"{table}{register}")


def test_tables_are_never_read_together_and_tags_stand_in_the_order_of_their_registers() -> None:
    rows = [
        at("input", 3),
        at("holding", 3),
        at("holding", 1, name="b"),
        at("holding", 1, name="a"),
    ]
    assert laid(blocks(rows, frozenset())) == [
        ("holding", 1, 3, ["a", "b", "holding3"]),
        ("input", 3, 1, ["input3"]),
    ]


def test_a_tag_inside_another_makes_the_block_no_shorter() -> None:
    rows = [at("holding", 10, "float64"), at("holding", 11), at("holding", 14)]
    assert laid(blocks(rows, frozenset())) == [
        ("holding", 10, 5, ["holding10", "holding11", "holding14"])
    ]


@pytest.mark.parametrize(("length", "requests"), [(124, 1), (125, 1), (126, 2)])
def test_a_block_of_125_registers_is_one_request_and_of_126_is_not(
    length: int, requests: int
) -> None:
    rows = [at("holding", register) for register in (*range(7, 7 + 121, 10), 7 + length - 1)]
    found = blocks(rows, frozenset())
    assert len(found) == requests
    assert (found[0].count == length) is (requests == 1)


@pytest.mark.parametrize(
    ("fence", "split"),
    [(19, False), (20, False), (21, True), (22, True), (23, False), (24, False)],
)
def test_a_fence_ends_a_block_before_it_and_only_where_it_stands(fence: int, split: bool) -> None:
    rows = [at("holding", 20), at("holding", 22)]
    assert len(blocks(rows, frozenset({("holding", fence)}))) == (2 if split else 1)
    assert len(blocks(rows, frozenset({("input", fence)}))) == 1


def test_what_lies_between_the_scan_words_is_one_block_with_them_and_comes_first() -> None:
    scan = ScanWords("holding", 10, 20)
    rows = [
        at("holding", 9), at("holding", 10, "uint16"), at("holding", 19, "float32"),
        at("holding", 19, "int16", name="a"), at("holding", 20, "float32", name="beyond"),
        at("input", 12),
    ]  # fmt: skip
    found = blocks(rows, frozenset(), scan)
    assert laid(found[:1]) == [("holding", 10, 11, ["holding10", "a", "holding19"])]
    assert sorted(name for row in laid(found[1:]) for name in row[3]) == [
        "beyond", "holding9", "input12",
    ]  # fmt: skip
    assert laid(blocks(rows[:1], frozenset(), scan)) == [("holding", 9, 1, ["holding9"])]
    assert [is_between(row, scan) for row in rows] == [False, True, True, True, False, False]


def test_three_blocks_of_one_length_become_three_lengths_and_never_more_than_125() -> None:
    three = [Block("holding", start, 124, (at("holding", start),)) for start in (0, 200, 400)]
    assert [block.count for block in unlike(three, frozenset())] == [124, 125, 125]
    assert [block.start for block in unlike(three, frozenset())] == [0, 200, 400]
    end = [Block("holding", start, 2, ()) for start in (0, REGISTERS_IN_ALL - 3)]
    assert [block.count for block in unlike(end, frozenset())] == [2, 3]


def test_a_refused_block_without_a_gap_is_halved() -> None:
    for many, half in ((2, 1), (3, 1), (4, 2), (5, 2), (6, 3)):
        rows = tuple(at("holding", number) for number in range(many))
        fence = fence_in(Block("holding", 0, many, rows))
        assert fence in {("holding", half), ("holding", many - half)}
    wide = tuple(at("input", number, "float32") for number in (0, 2, 5, 7))
    assert fence_in(Block("input", 0, 9, wide)) == ("input", 5)
    mixed = (at("input", 0, "float64"), at("input", 5), at("input", 8))
    assert fence_in(Block("input", 0, 9, mixed)) == ("input", 8)


def test_a_bool_register_says_true_and_false() -> None:
    found = [decoded(tag("bool"), [word]) for word in (0, 1)]
    assert [(reading.value, reading.quality) for reading in found] == [
        (False, Quality.GOOD), (True, Quality.GOOD),
    ]  # fmt: skip
    assert [type(reading.value) for reading in found] == [bool, bool]
    assert decoded(tag("bool"), [7]).reason == "the register holds 7, neither 0 nor 1"
    assert decoded(tag("uint16"), [1]).value == 1


@pytest.mark.parametrize(
    ("word", "byte", "there"),
    [
        ("big", "big", 0x01020304),
        ("little", "big", 0x03040102),
        ("big", "little", 0x02010403),
        ("little", "little", 0x04030201),
    ],
)
def test_the_hint_names_the_order_that_was_meant(word: str, byte: str, there: int) -> None:
    mark = replace(tag("uint32"), must_be=0x01020304)
    assert order_hint(mark, there) == f"; it would be with word_order: {word}, byte_order: {byte}"
    other = replace(mark, word_order="little", byte_order="little", must_be=0x04030201)
    assert order_hint(other, 0x04030201).endswith("word_order: little, byte_order: little")


def sets(*rows: tuple[int, str, int | None]) -> list[tuple[Tag, Wire]]:
    """Return writes of 1: register, type, function of its own."""
    return [
        (replace(tag(kind, register), write_function=function), 1)
        for register, kind, function in rows
    ]


def lay(items: list[tuple[Tag, Wire]], function: int = WRITE_MANY) -> list[list[int]]:
    return [[row.register for row, _ in run] for run in runs(items, function)]


def test_runs_join_what_touches_and_is_written_by_the_same_function() -> None:
    assert lay(sets((10, "int16", None), (11, "int16", None))) == [[10, 11]]
    assert lay(sets((10, "int16", None), (12, "int16", None))) == [[10], [12]]
    assert lay(sets((10, "float32", None), (11, "int16", None))) == [[10], [11]]
    assert lay(sets((10, "int16", 6), (11, "int16", 6))) == [[10], [11]]
    assert lay(sets((10, "int16", 16), (11, "int16", 23))) == [[10], [11]]
    assert lay(sets((10, "int16", 16), (11, "int16", 23)), WRITE_AND_READ) == [[10], [11]]
    assert lay(sets((10, "int16", None), (11, "int16", 23)), WRITE_AND_READ) == [[10, 11]]
    assert lay(sets((10, "int16", None), (11, "int16", None)), WRITE_ONE) == [[10], [11]]
    assert lay(sets((10, "float32", None), (12, "float32", None)), WRITE_ONE) == [[10, 12]]
    assert runs([]) == []
    values = runs([(tag("int16", 11), 5), (tag("int16", 10), 4)])
    assert [[wire for _, wire in run] for run in values] == [[4, 5]]


@pytest.mark.parametrize(("function", "most"), [(WRITE_MANY, 123), (WRITE_AND_READ, 121)])
def test_a_run_is_as_long_as_its_function_allows_and_the_rest_is_another(
    function: int, most: int
) -> None:
    full = sets(*((register, "int16", None) for register in range(2 * most)))
    assert [len(run) for run in lay(full, function)] == [most, most]
    over = sets(*((register, "int16", None) for register in range(most + 1)))
    assert [len(run) for run in lay(over, function)] == [most, 1]
    wide = sets(*((2 * number, "float32", None) for number in range(most // 2 + 1)))
    assert [len(run) for run in lay(wide, function)] == [most // 2, 1]


def test_runs_go_out_in_the_order_of_their_last_word() -> None:
    rows = sets((50, "int16", None), (10, "int16", None), (30, "int16", None), (51, "int16", None))
    assert lay(rows) == [[10], [30], [50, 51]]
    assert lay(list(reversed(rows))) == [[30], [10], [50, 51]]


@pytest.mark.parametrize(
    ("kind", "own", "otherwise", "function"),
    [
        ("int16", None, WRITE_ONE, WRITE_ONE),
        ("int16", WRITE_MANY, WRITE_ONE, WRITE_MANY),
        ("int16", WRITE_ONE, WRITE_AND_READ, WRITE_ONE),
        ("float32", None, WRITE_ONE, WRITE_MANY),
        ("float32", None, WRITE_AND_READ, WRITE_AND_READ),
        ("float32", WRITE_AND_READ, WRITE_ONE, WRITE_AND_READ),
    ],
)
def test_a_tag_is_written_by_its_own_function_where_that_is_enough(
    kind: str, own: int | None, otherwise: int, function: int
) -> None:
    assert function_of(replace(tag(kind), write_function=own), otherwise) == function
