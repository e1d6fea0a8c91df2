"""One Modbus device, over TCP, TLS or a serial line: blocks, holes, torn values, empty images.

Modbus knows neither quality nor time, and one request is atomic only where the device says so. A
TCP connection or a serial line proves nothing about the device behind it: opening ends with a read
of every tag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fieldbus.link import LinkError, WireReading
from fieldbus.modbus_bus import Answer, Bus
from fieldbus.registers import (
    Block,
    blocks,
    decoded,
    encoded,
    fence_in,
    function_of,
    is_between,
    runs,
    unlike,
)
from fieldbus.sources import Source
from fieldbus.tags import Tag, Wire
from safety.words import Quality

EXCEPTIONS: Final[Mapping[int, str]] = {
    1: "illegal function",
    2: "illegal register address",
    3: "illegal value",
    4: "device failure",
    5: "accepted, but not done yet",
    6: "device busy",
    7: "refused by the device",
    8: "memory parity error in the device",
    10: "the gateway has no path to the device",
    11: "the device behind the gateway does not answer",
}
_ILLEGAL_ADDRESS: Final = 2
_MOST_TRIES: Final = 4  # for a value that the device is writing just now


class Fences:
    """Where the device's register map has holes: learnt once, kept over reconnects.

    `at` are registers that no block may reach across; `exact` are blocks that end at a hole.
    """

    def __init__(self) -> None:
        self.at: frozenset[tuple[str, int]] = frozenset()
        self.exact: frozenset[tuple[str, int]] = frozenset()


class ModbusLink:
    """One connection to one device. `heartbeats` are the tags whose 0 may mean 'no image'.

    `dial` makes the transport; it gets what to call when the other side lets go.
    """

    def __init__(
        self,
        source: Source,
        tags: Sequence[Tag],
        heartbeats: frozenset[str],
        fences: Fences,
        dial: Callable[[Callable[[str], None]], Bus],
    ) -> None:
        self.lost = asyncio.Event()
        self.why_lost = ""
        self._source = source
        self._tags = [tag for tag in tags if tag.direction == "read"] or list(tags)
        self._heartbeats = heartbeats
        self._fences = fences
        self._bus = dial(self.drop)

    async def open(self) -> None:
        """Connect and read every tag once; raises when the device gives nothing usable."""
        await self._bus.connect()
        try:
            answer = await self.read(self._tags)
        except Exception as error:
            if self.lost.is_set():  # the library only says that there was no answer
                raise LinkError(self.why_lost) from error
            raise
        if all(reading.quality is Quality.BAD for reading in answer.values()):
            raise LinkError(next(iter(answer.values())).reason)

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        """Read all tags in few block reads; learns the holes of the device's map on the way."""
        answer: dict[str, WireReading] = {}
        words: list[int] = []
        todo = self._blocks(tags)
        while todo:
            block = todo.pop(0)
            heard, torn = await self._settled(block)
            if heard.code == _ILLEGAL_ADDRESS and self._learnt_from(block):
                todo = self._blocks(block.tags) + todo
                continue
            words.extend(heard.words)
            for tag in block.tags:
                answer[tag.name] = _reading(tag, block, heard, torn)
        if self._image_is_gone(words, answer):
            why = "the whole image is zero, heartbeat too: the PLC or gateway has no data"
            return {name: WireReading.bad(why) for name in answer}
        return answer

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        """Write contiguous registers in one request each; the run of the last item goes last."""
        refused: dict[str, str] = {}
        usual = self._source.write_function
        for run in runs(items, usual):
            if refused:
                refused |= {tag.name: "not sent after the refusal before it" for tag, _ in run}
                continue
            words = [word for tag, wire in run for word in encoded(tag, wire)]
            first = run[0][0]
            self._check_is_there()
            code = await self._bus.write(first.register, words, function_of(first, usual))
            if code:
                why = f"the device answered: {_in_words(code)}"
                refused |= {tag.name: why for tag, _ in run}
        return refused

    def drop(self, why: str) -> None:
        """Cut the connection at once; bytes that are not out yet never leave."""
        if not self.lost.is_set():
            self.why_lost = why
            self.lost.set()
        self._bus.cut()

    async def close(self) -> None:
        """Let go of the socket or the line."""
        self.drop("closed")

    def _blocks(self, tags: Sequence[Tag]) -> list[Block]:
        found = blocks(tags, self._fences.at, self._source.scan_words)
        return found if self._source.serial is None else unlike(found, self._fences.exact)

    def _learnt_from(self, block: Block) -> bool:
        """Note where the hole must be that refused a block; say whether asking again has sense."""
        fences, scan = self._fences, self._source.scan_words
        if scan is not None and any(is_between(tag, scan) for tag in block.tags):
            return False
        if block.is_padded:
            fences.exact |= {(block.table, block.start)}
        elif len(block.tags) > 1:
            fences.at |= {fence_in(block)}
        else:
            return False
        return True

    async def _settled(self, block: Block) -> tuple[Answer, frozenset[str]]:
        """Read one block so that no value in it is half old and half new.

        Returns the answer, and the tags that never came to rest.
        """
        heard = await self._once(block)
        scan = self._source.scan_words
        if scan is not None and (block.table, block.start) == (scan.table, scan.before):
            for _ in range(_MOST_TRIES - 1):
                if heard.code or heard.words[0] == heard.words[-1]:
                    break
                heard = await self._once(block)
            torn = not heard.code and heard.words[0] != heard.words[-1]
            return heard, frozenset(tag.name for tag in block.tags if torn)
        wide = {tag for tag in block.tags if tag.registers > 1 and self._source.read_twice}
        for _ in range(_MOST_TRIES - 1):
            if not wide or heard.code:
                break
            again = await self._once(block)
            if not again.code:
                wide = {tag for tag in wide if _of(tag, block, heard) != _of(tag, block, again)}
            heard = again
        return heard, frozenset(tag.name for tag in wide if not heard.code)

    async def _once(self, block: Block) -> Answer:
        self._check_is_there()
        answer = await self._bus.read(block.table, block.start, block.count)
        if not answer.code and len(answer.words) != block.count:
            raise LinkError(
                f"the device sent {len(answer.words)} registers instead of {block.count}"
            )
        return answer

    def _check_is_there(self) -> None:
        if self.lost.is_set():
            raise LinkError(self.why_lost or "not connected")

    def _image_is_gone(self, words: Sequence[int], answer: Mapping[str, WireReading]) -> bool:
        """Say whether all that was read is zero although it holds a heartbeat.

        A gateway or PLC that restarts serves zeros with no error; zero would pass for a value.
        """
        return bool(words) and not any(words) and any(name in answer for name in self._heartbeats)


def _of(tag: Tag, block: Block, heard: Answer) -> list[int]:
    at = tag.register - block.start
    return heard.words[at : at + tag.registers]


def _reading(tag: Tag, block: Block, heard: Answer, torn: frozenset[str]) -> WireReading:
    if heard.code:
        return WireReading.bad(f"the device answered: {_in_words(heard.code)}")
    if tag.name in torn:
        return WireReading.bad(f"it changed in {_MOST_TRIES} readings: maybe half old, half new")
    return decoded(tag, _of(tag, block, heard))


def _in_words(code: int) -> str:
    return f"{EXCEPTIONS.get(code, 'unknown exception')} (code {code})"
