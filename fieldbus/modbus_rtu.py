"""Modbus RTU on a serial line, by a master of our own (Modbus over Serial Line V1.02, 2.5.1).

RTU answers carry no number: one that comes late is taken for the answer to the next request. And a
serial driver sends what it holds long after somebody has given up on it. So: an answer counts only
when device, function, length and checksum are what this request must bring, to the byte; anything
else ends the link. What is not out is thrown away. And the next link stays quiet until the slowest
answer to the last request would have come, and throws away what came.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from fieldbus.link import LinkError
from fieldbus.modbus_bus import READ, WRITE_AND_READ, WRITE_MANY, WRITE_ONE, Answer
from fieldbus.sources import Serial, Source

BAUDS: Final = {
    rate: getattr(termios, f"B{rate}")
    for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
_LEAST_GAP_S: Final = 1.75e-3  # between frames; from 19200 baud on it no longer shrinks
_EXCEPTION_LENGTH: Final = 5
_LONGEST_READ: Final = 512


class Silence:
    """Until when a serial line may still bring an old answer [monotonic s]; outlives its links.

    At the start that is unknown: whoever held the line before us may have asked just now.
    """

    def __init__(self, slowest_answer_s: float) -> None:
        self.until_s = 0.0
        self._slowest_answer_s = slowest_answer_s
        self.begin()

    def begin(self) -> None:
        """Note that a request goes out now."""
        self.until_s = time.monotonic() + self._slowest_answer_s

    def end(self) -> None:
        """Note that its answer has come."""
        self.until_s = 0.0


class RtuBus:
    """One device on one serial line, which is ours alone while we hold it."""

    def __init__(self, source: Source, silence: Silence, on_lost: Callable[[str], None]) -> None:
        if source.serial is None:
            raise ValueError(f"source {source.name} has no serial line")
        self._line: Serial = source.serial
        self._device = source.device_id
        self._timeout_s = source.timeout_s
        self._silence = silence
        self._on_lost = on_lost
        self._fd = -1
        self._heard = bytearray()
        self._arrived = asyncio.Event()
        self._last_byte_s = 0.0

    async def connect(self) -> None:
        """Take the line, and stay quiet until no answer to an earlier request can come any more."""
        self._fd = _opened(self._line)
        asyncio.get_running_loop().add_reader(self._fd, self._on_bytes)
        await asyncio.sleep(max(0.0, self._silence.until_s - time.monotonic()))
        termios.tcflush(self._fd, termios.TCIOFLUSH)
        self._heard.clear()

    async def read(self, table: str, start: int, count: int) -> Answer:
        """Read `count` registers by FC03 ('holding') or FC04 ('input')."""
        body = await self._ask(READ[table], struct.pack(">HH", start, count), 1 + 2 * count)
        if isinstance(body, int):
            return Answer([], body)
        if body[0] != 2 * count:
            raise LinkError(f"the device sent {body[0]} bytes instead of {2 * count}")
        return Answer(list(struct.unpack(f">{count}H", body[1:])))

    async def write(self, start: int, words: Sequence[int], function: int) -> int:
        """Write registers by FC06, FC16 or FC23; return the exception code, 0 for done."""
        count = len(words)
        data = struct.pack(f">{count}H", *words)
        if function == WRITE_ONE:
            request, due = struct.pack(">H", start) + data, 4
        elif function == WRITE_AND_READ:
            head = struct.pack(">HHHHB", start, count, start, count, len(data))
            request, due = head + data, 1 + 2 * count
        else:
            function = WRITE_MANY
            request, due = struct.pack(">HHB", start, count, len(data)) + data, 4
        body = await self._ask(function, request, due)
        if isinstance(body, int):
            return body
        echo = bytes([2 * count]) if function == WRITE_AND_READ else request[:4]
        if body[: len(echo)] != echo:
            raise LinkError("the device confirmed another write than ours")
        return 0

    def cut(self) -> None:
        """Let go of the line; bytes that are not out yet never leave."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        asyncio.get_running_loop().remove_reader(fd)
        try:
            termios.tcflush(fd, termios.TCIOFLUSH)
        except termios.error:
            pass  # the adapter was pulled out: there is nothing left to throw away
        finally:
            os.close(fd)

    async def _ask(self, function: int, request: bytes, due: int) -> bytes | int:
        """Send one frame and return the answer's body of `due` bytes, or its exception code."""
        if self._fd < 0:
            raise LinkError("the serial line is closed")
        await asyncio.sleep(max(0.0, self._last_byte_s + self._gap_s - time.monotonic()))
        self._silence.begin()
        if self._heard:
            raise LinkError("the device speaks without being asked (an answer that came late?)")
        frame = bytes([self._device, function]) + request
        if os.write(self._fd, frame + checksum(frame)) != len(frame) + 2:
            raise LinkError("the serial line takes no more bytes")
        answer = await self._answer(function, due)
        self._silence.end()
        return answer

    async def _answer(self, function: int, due: int) -> bytes | int:
        length = 2 + due + 2
        async with asyncio.timeout(self._timeout_s):
            while len(self._heard) < self._length_due(function, length):
                if self._fd < 0:
                    raise LinkError("the serial line is gone")
                self._arrived.clear()
                await self._arrived.wait()
        frame = bytes(self._heard)
        self._heard.clear()
        if frame[-2:] != checksum(frame[:-2]) or frame[0] != self._device:
            raise LinkError("the answer is garbled, or another device's")
        if frame[1] == function | 0x80 and len(frame) == _EXCEPTION_LENGTH:
            return frame[2]
        if frame[1] != function or len(frame) != length:
            raise LinkError("the answer is not to our request")
        return frame[2:-2]

    def _length_due(self, function: int, length: int) -> int:
        refused = len(self._heard) > 1 and self._heard[1] == function | 0x80
        return _EXCEPTION_LENGTH if refused else length

    @property
    def _gap_s(self) -> float:
        """How long the line has to be idle between two frames: 3.5 characters of 11 bits."""
        return max(_LEAST_GAP_S, 3.5 * 11 / self._line.baud)

    def _on_bytes(self) -> None:
        try:
            data = os.read(self._fd, _LONGEST_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.cut()
            self._on_lost("the serial line is gone: was the adapter pulled out?")
        self._last_byte_s = time.monotonic()
        self._heard += data
        self._arrived.set()


def checksum(frame: bytes) -> bytes:
    """Return the CRC-16 of a frame as it goes out, low byte first (V1.02, appendix B)."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def _opened(line: Serial) -> int:
    """Open the serial line raw and for us alone.

    Raises:
        LinkError: there is no such device, or somebody else has it.
    """
    if not Path(line.device).exists():
        raise LinkError(f"there is no {line.device}: is the adapter plugged in?")
    try:
        fd = os.open(line.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise LinkError(f"{line.device} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        termios.tcsetattr(fd, termios.TCSANOW, _settings(line))
    except BlockingIOError:
        os.close(fd)
        raise LinkError(f"another program has {line.device}") from None
    except (OSError, termios.error) as error:
        os.close(fd)
        raise LinkError(f"{line.device} is no serial line: {error}") from error
    return fd


def _settings(line: Serial) -> list[int | list[bytes | int]]:
    """Return raw 8-bit settings for `termios`, with the line's rate, parity and stop bits."""
    parity = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}
    control = termios.CS8 | termios.CREAD | termios.CLOCAL | parity[line.parity]
    if line.stop_bits == 2:
        control |= termios.CSTOPB
    rate = BAUDS[line.baud]
    return [0, 0, control, 0, rate, rate, [0] * termios.NCCS]
