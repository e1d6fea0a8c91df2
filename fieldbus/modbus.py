"""Modbus/TCP by pymodbus 3.16: what this library does differently from what one hopes is here.

- Its retries repeat a write: retries=0. Its reconnect resumes old work: reconnect_delay=0.
- A time-out raises, an exception answer does not: both are looked at.
- `connect()` returns False instead of raising; and a TCP connect proves nothing about the device
  behind it, so opening ends with a read of every tag.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from fieldbus.link import LinkError, WireReading, cut
from fieldbus.registers import Block, blocks, decoded, encoded, fence_in, runs
from fieldbus.tags import Source, Tag, Wire
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


class Fences:
    """Where the device's register map has holes: learnt once, kept over reconnects."""

    def __init__(self) -> None:
        self.at: frozenset[tuple[str, int]] = frozenset()

    def add(self, fence: tuple[str, int]) -> None:
        """Remember that no block may reach across this register."""
        self.at |= {fence}


class ModbusLink:
    """One TCP connection to one device. `heartbeats` are the tags whose 0 may mean 'no image'."""

    def __init__(
        self, source: Source, tags: Sequence[Tag], heartbeats: frozenset[str], fences: Fences
    ) -> None:
        # The library logs every expected loss as an error; here it becomes one sentence.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self.lost = asyncio.Event()
        self.why_lost = ""
        self._source = source
        self._tags = [tag for tag in tags if tag.direction == "read"] or list(tags)
        self._heartbeats = heartbeats
        self._fences = fences
        self._client: AsyncModbusTcpClient | None = None

    async def open(self) -> None:
        """Connect and read every tag once; raises when the device gives nothing usable."""
        client = AsyncModbusTcpClient(
            self._source.host,
            port=self._source.port,
            timeout=self._source.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._on_connection,
        )
        self._client = client
        if not await client.connect():
            raise LinkError("cannot connect: is the PLC's Modbus server running at this address?")
        answer = await self.read(self._tags)
        if all(reading.quality is Quality.BAD for reading in answer.values()):
            raise LinkError(next(iter(answer.values())).reason)

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        """Read all tags in few block reads; learns the holes of the device's map on the way."""
        answer: dict[str, WireReading] = {}
        words: list[int] = []
        todo = blocks(tags, self._fences.at)
        while todo:
            block = todo.pop(0)
            registers, code = await self._block(block)
            if code == _ILLEGAL_ADDRESS and len(block.tags) > 1:
                self._fences.add(fence_in(block))
                todo = blocks(block.tags, self._fences.at) + todo
                continue
            words.extend(registers)
            for tag in block.tags:
                at = tag.register - block.start
                answer[tag.name] = (
                    WireReading.bad(f"the device answered: {_in_words(code)}")
                    if code
                    else decoded(tag, registers[at : at + tag.registers])
                )
        if self._image_is_gone(words, answer):
            why = "the whole image is zero, heartbeat too: the PLC or gateway has no data"
            return {name: WireReading.bad(why) for name in answer}
        return answer

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        """Write contiguous registers with one FC16 each; the run of the last item goes last."""
        refused: dict[str, str] = {}
        for run in runs(items):
            if refused:
                refused |= {tag.name: "not sent after the refusal before it" for tag, _ in run}
                continue
            words = [word for tag, wire in run for word in encoded(tag, wire)]
            answer = await self._connected().write_registers(
                run[0][0].register, words, device_id=self._source.device_id
            )
            if code := _exception_code(answer):
                why = f"the device answered: {_in_words(code)}"
                refused |= {tag.name: why for tag, _ in run}
        return refused

    def drop(self, why: str) -> None:
        """Cut the connection at once; bytes that are not out yet never leave."""
        if not self.lost.is_set():
            self.why_lost = why
            self.lost.set()
        if self._client is not None:
            cut(self._client.ctx.transport)
            self._client.close()

    async def close(self) -> None:
        """Let go of the socket."""
        self.drop("closed")

    def _on_connection(self, is_up: bool) -> None:
        if not is_up:
            self.drop("the device closed the connection")

    def _connected(self) -> AsyncModbusTcpClient:
        if self._client is None or self.lost.is_set():
            raise LinkError(self.why_lost or "not connected")
        return self._client

    async def _block(self, block: Block) -> tuple[list[int], int]:
        """Read one block; return its registers and 0, or nothing and the exception code."""
        client = self._connected()
        request = (
            client.read_holding_registers
            if block.table == "holding"
            else client.read_input_registers
        )
        answer = await request(block.start, count=block.count, device_id=self._source.device_id)
        if code := _exception_code(answer):
            return [], code
        if len(answer.registers) != block.count:
            raise LinkError(
                f"the device sent {len(answer.registers)} registers instead of {block.count}"
            )
        return list(answer.registers), 0

    def _image_is_gone(self, words: Sequence[int], answer: Mapping[str, WireReading]) -> bool:
        """Say whether all that was read is zero although it holds a heartbeat.

        A gateway or PLC that restarts serves zeros with no error; zero would pass for a value.
        """
        return bool(words) and not any(words) and any(name in answer for name in self._heartbeats)


def _exception_code(answer: ModbusPDU) -> int:
    return int(getattr(answer, "exception_code", 0) or 4) if answer.isError() else 0


def _in_words(code: int) -> str:
    return f"{EXCEPTIONS.get(code, 'unknown exception')} (code {code})"
