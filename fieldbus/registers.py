"""Modbus registers: values into words and back, and tags into as few block reads as possible."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from fieldbus.link import WireReading
from fieldbus.tags import FORMATS, Tag, Wire
from safety.words import Quality

MOST_READ: Final = 125  # registers in one FC03/FC04 (Modbus Application Protocol V1.1b3, 6.3)
MOST_WRITTEN: Final = 123  # registers in one FC16 (6.12)
WIDEST_GAP: Final = 10  # unused registers cost less than a second request


@dataclass(frozen=True, slots=True)
class Block:
    """Registers read in one request, and the tags inside."""

    table: str
    start: int
    count: int
    tags: tuple[Tag, ...]


def blocks(tags: Iterable[Tag], fences: frozenset[tuple[str, int]]) -> list[Block]:
    """Gather tags into blocks: gaps up to 10 registers, 125 at most, never across a fence.

    A fence is a (table, register) before which a block must end: a hole in the device's map was
    found there.
    """
    found: list[Block] = []
    for tag in sorted(set(tags), key=lambda tag: (tag.table, tag.register, tag.name)):
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
    return found


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


def runs(items: Sequence[tuple[Tag, Wire]]) -> list[list[tuple[Tag, Wire]]]:
    """Gather writes into contiguous runs for FC16; the run with the last item goes out last."""
    rank = {tag.name: at for at, (tag, _) in enumerate(items)}
    found: list[list[tuple[Tag, Wire]]] = []
    length = 0
    for tag, wire in sorted(items, key=lambda item: item[0].register):
        last = found[-1][-1][0] if found else None
        joins = last is not None and last.register + last.registers == tag.register
        if joins and length + tag.registers <= MOST_WRITTEN:
            found[-1].append((tag, wire))
            length += tag.registers
        else:
            found.append([(tag, wire)])
            length = tag.registers
    return sorted(found, key=lambda run: max(rank[tag.name] for tag, _ in run))
