"""Modbus registers: values into words and back, and tags into as few block reads as possible."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Final

from fieldbus.link import WireReading
from fieldbus.modbus_bus import WRITE_AND_READ, WRITE_MANY, WRITE_ONE
from fieldbus.sources import ScanWords
from fieldbus.tags import FORMATS, REGISTERS_IN_ALL, Tag, Wire
from safety.words import Quality

MOST_READ: Final = 125  # registers in one FC03/FC04 (Modbus Application Protocol V1.1b3, 6.3)
MOST_WRITTEN: Final = 123  # registers in one FC16 (6.12)
MOST_EXCHANGED: Final = 121  # registers written in one FC23 (6.17)
WIDEST_GAP: Final = 10  # unused registers cost less than a second request


@dataclass(frozen=True, slots=True)
class Block:
    """Registers read in one request, and the tags inside."""

    table: str
    start: int
    count: int
    tags: tuple[Tag, ...]

    @property
    def is_padded(self) -> bool:
        """Say whether it reaches beyond its last tag."""
        return self.count > max(tag.register + tag.registers for tag in self.tags) - self.start


def blocks(
    tags: Iterable[Tag], fences: frozenset[tuple[str, int]], scan: ScanWords | None = None
) -> list[Block]:
    """Gather tags into blocks: gaps up to 10 registers, 125 at most, never across a fence.

    A fence is a (table, register) before which a block must end: a hole in the device's map was
    found there. What lies between the words of `scan` is read in one block together with them.
    """
    wanted = set(tags)
    between = {tag for tag in wanted if scan is not None and is_between(tag, scan)}
    found: list[Block] = []
    for tag in sorted(wanted - between, key=lambda tag: (tag.table, tag.register, tag.name)):
        end = tag.register + tag.registers
        last = found[-1] if found else None
        if (
            last is not None
            and last.table == tag.table
            and tag.register - (last.start + last.count) <= WIDEST_GAP
            and end - last.start <= MOST_READ
            and not any((tag.table, at) in fences for at in range(last.start + 1, tag.register + 1))
        ):
            count = max(last.count, end - last.start)
            found[-1] = Block(last.table, last.start, count, (*last.tags, tag))
        else:
            found.append(Block(tag.table, tag.register, tag.registers, (tag,)))
    if scan is not None and between:
        count = scan.after - scan.before + 1
        in_order = sorted(between, key=lambda tag: (tag.register, tag.name))
        found.insert(0, Block(scan.table, scan.before, count, tuple(in_order)))
    return found


def is_between(tag: Tag, scan: ScanWords) -> bool:
    """Say whether a tag lies between the two scan words, which one request reads together."""
    inside = scan.before <= tag.register and tag.register + tag.registers <= scan.after + 1
    return tag.table == scan.table and inside


def unlike(found: Sequence[Block], exact: frozenset[tuple[str, int]]) -> list[Block]:
    """Make the blocks of a table unlike in length, so that no answer fits another's request.

    A block is lengthened by a register or two; not those in `exact`, whose next register is a hole.
    """
    taken: set[tuple[str, int]] = set()
    lengthened = []
    for block in found:
        count = block.count
        if (block.table, block.start) not in exact:
            last = min(MOST_READ, REGISTERS_IN_ALL - block.start)
            while (block.table, count) in taken and count < last:
                count += 1
        taken.add((block.table, count))
        lengthened.append(replace(block, count=count))
    return lengthened


def fence_in(block: Block) -> tuple[str, int]:
    """Return where to split a block that the device refused: at its widest gap, else its middle."""
    tags = block.tags
    gaps = [
        (after.register - before.register - before.registers, -abs(at - len(tags) / 2), at)
        for at, (before, after) in enumerate(pairwise(tags), start=1)
    ]
    return block.table, tags[max(gaps)[2]].register


def encoded(tag: Tag, wire: Wire) -> list[int]:
    """Return the registers that carry a wire value, in the device's word and byte order."""
    raw = struct.pack(">" + FORMATS[tag.type], wire)
    words = [raw[at : at + 2] for at in range(0, len(raw), 2)]
    if tag.word_order == "little":
        words.reverse()
    little = tag.byte_order == "little"
    return [int.from_bytes(word, "little" if little else "big") for word in words]


def decoded(tag: Tag, words: Sequence[int]) -> WireReading:
    """Return what the registers of one tag say. Modbus knows neither quality nor time."""
    little = tag.byte_order == "little"
    raw = [word.to_bytes(2, "little" if little else "big") for word in words]
    if tag.word_order == "little":
        raw.reverse()
    (value,) = struct.unpack(">" + FORMATS[tag.type], b"".join(raw))
    if tag.type == "bool":
        if value not in (0, 1):
            return WireReading.bad(f"the register holds {value}, neither 0 nor 1")
        value = bool(value)
    return WireReading(value, Quality.GOOD)


def order_hint(tag: Tag, wire: object) -> str:
    """Say which other word or byte order would make `wire` what the tag must be, or ''."""
    if tag.must_be is None or not isinstance(wire, (bool, int, float)):
        return ""
    words = encoded(tag, wire)
    for word_order, byte_order in product(("big", "little"), repeat=2):
        other = replace(tag, word_order=word_order, byte_order=byte_order)
        if decoded(other, words).value == tag.must_be:
            return f"; it would be with word_order: {word_order}, byte_order: {byte_order}"
    return ""


def runs(
    items: Sequence[tuple[Tag, Wire]], function: int = WRITE_MANY
) -> list[list[tuple[Tag, Wire]]]:
    """Gather writes into contiguous runs of one function; the run of the last item goes last.

    `function` is what writes a tag that names none. FC06 writes one register at a time.
    """
    rank = {tag.name: at for at, (tag, _) in enumerate(items)}
    found: list[list[tuple[Tag, Wire]]] = []
    for tag, wire in sorted(items, key=lambda item: item[0].register):
        last = found[-1][-1][0] if found else None
        joins = (
            last is not None
            and last.register + last.registers == tag.register
            and function_of(last, function) == function_of(tag, function) != WRITE_ONE
        )
        most = MOST_EXCHANGED if function_of(tag, function) == WRITE_AND_READ else MOST_WRITTEN
        if joins and sum(one.registers for one, _ in found[-1]) + tag.registers <= most:
            found[-1].append((tag, wire))
        else:
            found.append([(tag, wire)])
    return sorted(found, key=lambda run: max(rank[tag.name] for tag, _ in run))


def function_of(tag: Tag, otherwise: int) -> int:
    """Return the function code that writes a tag; FC06 only where one register is enough."""
    function = tag.write_function or otherwise
    return WRITE_MANY if function == WRITE_ONE and tag.registers > 1 else function
