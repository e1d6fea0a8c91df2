"""The field cables of the bench: sensors and drives between the plant and a PLC process.

Frames are JSON with a 4-byte length in front, over one loopback TCP connection per PLC. A PLC
sends its drives and gets its sensors back; whoever falls silent is simply no longer heard.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any

from hil.plc_program import Value

LONGEST_FRAME = 1 << 20
_HEAD = struct.Struct(">I")


async def send_frame(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
    """Send one frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    writer.write(_HEAD.pack(len(body)) + body)
    await writer.drain()


async def receive_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Return the next frame.

    Raises:
        ConnectionError: the other side went away, or sent a frame that is none.
    """
    try:
        (length,) = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if length > LONGEST_FRAME:
            raise ConnectionError(f"a frame of {length} bytes is not one of ours")
        message: dict[str, Any] = json.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise ConnectionError("the field link broke off") from error
    return message


class FieldCable:
    """A PLC's end of the field link: `exchange` drives for sensors, reconnecting when it must."""

    def __init__(self, plc: str, port: int) -> None:
        self._plc = plc
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, drives: Mapping[str, float]) -> dict[str, Value]:
        """Send the drives and return the sensors; no answer is an empty field (all inputs dead)."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            await send_frame(writer, {"plc": self._plc, "drives": drives})
            answer = await receive_frame(reader)
        except OSError:
            self.close()
            return {}
        sensors: dict[str, Value] = answer["sensors"]
        return sensors

    def close(self) -> None:
        """Unplug."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
