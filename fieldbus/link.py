"""One live connection to one source: the shape that the OPC UA and Modbus adapters share.

A link is used once. When anything about it is in doubt it is dropped, never repaired: the
supervisor dials a fresh one, and everything that was decided on the old one is void.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fieldbus.tags import Tag, Wire, range_fault, to_si, type_fault
from safety.words import Quality, Sample


class LinkError(ConnectionError):
    """The source answered in a way that makes this connection useless; says why in words."""


class RefusedError(LinkError):
    """No connection for security's sake: we refuse the peer, or it refuses us. Is counted."""


class LoginRefusedError(RefusedError):
    """The server refuses our user or password; knocking often may lock the account."""


@dataclass(frozen=True, slots=True)
class WireReading:
    """What one source said about one tag: wire value, quality, words, the device's own time."""

    value: object
    quality: Quality
    reason: str = ""
    source_time_s: float | None = None

    @staticmethod
    def bad(reason: str, source_time_s: float | None = None) -> WireReading:
        """Return the reading that says 'no value, and this is why'."""
        return WireReading(None, Quality.BAD, reason, source_time_s)


class Link(Protocol):
    """What the supervisor and the port need of one connection."""

    lost: asyncio.Event
    why_lost: str

    async def open(self) -> None:
        """Connect and prove that every tag is there with the right type; raises when not."""
        ...

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        """Read all tags in as few requests as the protocol allows; raises when the wire fails."""
        ...

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        """Write in the given order; return the refused tags with the reason in words."""
        ...

    def drop(self, why: str) -> None:
        """Cut the connection at once; bytes that are not out yet never leave."""
        ...

    async def close(self) -> None:
        """Let go of everything; never raises."""
        ...


@contextlib.asynccontextmanager
async def within(limit_s: float) -> AsyncIterator[None]:
    """Raise TimeoutError after so many wall seconds, also when the limit races with the answer.

    asyncua answers a cancellation that races with a result by a subclass of CancelledError, and
    `asyncio.timeout` of Python 3.11 knows only the plain one as its own: the cycle, and the engine
    with it, would end as if somebody had cancelled them.
    """
    async with asyncio.timeout(limit_s):
        try:
            yield
        except asyncio.CancelledError as error:
            if type(error) is asyncio.CancelledError:
                raise
            raise asyncio.CancelledError from error


def cut(transport: asyncio.BaseTransport | None) -> None:
    """Reset a TCP connection, so that nothing that is still queued can arrive later.

    A plain close would let the kernel go on delivering the queue for minutes after a network
    outage: a setpoint from before the outage would land after it.
    """
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    else:
        transport.close()


def sample_of(tag: Tag, reading: WireReading, received_s: float, epoch: int) -> Sample:
    """Return the SI sample of a reading; a value that cannot be one is BAD, with the reason."""
    reason = reading.reason
    if reading.quality is not Quality.BAD:
        reason = type_fault(tag, reading.value) or reason
        if type_fault(tag, reading.value) == "" and isinstance(reading.value, (bool, int, float)):
            si = to_si(tag, reading.value)
            outside = "" if isinstance(si, bool) else range_fault(tag, si)
            if not outside:
                return Sample(si, reading.quality, reason, reading.source_time_s, received_s, epoch)
            reason = outside
    return Sample(None, Quality.BAD, reason, reading.source_time_s, received_s, epoch)
