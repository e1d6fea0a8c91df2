"""A link that is a dictionary: it does what a bad wire does, at once and without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from fieldbus.link import LinkError, WireReading
from fieldbus.tags import Tag, Wire
from safety.words import Quality


class FakeLink:
    """A device in a dictionary; `refuses` names words, `breaks` and `hangs` name what is asked.

    It breaks after as many requests of that kind as `first` allows. What it was `keeping` it goes
    on to show, whatever is written.
    """

    def __init__(self, words: Mapping[str, Wire]) -> None:
        self.lost = asyncio.Event()
        self.why_lost = ""
        self.words: dict[str, Wire] = dict(words)
        self.written: list[str] = []
        self.asked_for: list[list[str]] = []
        self.refuses: tuple[str, ...] = ()
        self.unknown: tuple[str, ...] = ()
        self.keeping: tuple[str, ...] = ()
        self.breaks = self.hangs = ""
        self.first = 0
        self.asked = asyncio.Event()

    async def open(self) -> None:
        """Nothing to prove."""

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        self.asked_for.append([tag.name for tag in tags])
        await self._wire("read")
        return {
            tag.name: WireReading.bad("the device is busy")
            if tag.name in self.unknown
            else WireReading(self.words[tag.name], Quality.GOOD)
            for tag in tags
        }

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        await self._wire("write")
        taken = [(tag.name, wire) for tag, wire in items if tag.name not in self.refuses]
        self.words |= {name: wire for name, wire in taken if name not in self.keeping}
        self.written += [name for name, _ in taken]
        return {tag.name: "locked" for tag, _ in items if tag.name in self.refuses}

    def drop(self, why: str) -> None:
        self.why_lost = why
        self.lost.set()

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _wire(self, doing: str) -> None:
        self.asked.set()
        if self.hangs == doing:
            await asyncio.sleep(3600.0)
        if self.breaks == doing:
            self.first -= 1
        if self.breaks == doing and self.first < 0:
            raise LinkError("the device answers nonsense")
