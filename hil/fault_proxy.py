"""A TCP proxy between engine and PLC that does what networks do, and what attackers do.

It runs in a thread of its own on loopback, knows no protocol, and is told its weather:

- `calm`: bytes pass.
- `delay` (seconds): both directions are late.
- `silent`: connections open, nothing passes in either direction and nobody is told.
- `half-open`: the PLC's side of every connection is closed, the engine is not told; new ones pass.
- `reset`: every connection is reset (RST), and so is every new one.
- `split` (pieces): bytes come in small pieces, as over a slow modem.
- `corrupt`: a byte of every answer is another one.
- `malformed`: answers are random bytes of the same length.
- `duplicate`: every answer comes twice.
- `previous`: every answer is the one before (N-1).
- `reorder`: answers come in pairs, the second one first.
- `replay`: every request goes to the PLC once more, one request later.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

Kind = Literal[
    "calm", "delay", "silent", "half-open", "reset", "split", "corrupt", "malformed", "duplicate",
    "previous", "reorder", "replay",
]  # fmt: skip
_AT_MOST = 2**16  # bytes read at once
_READY_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Weather:
    """What the wire does. `seconds` is the delay; `pieces` how many bytes go together."""

    kind: Kind = "calm"
    seconds: float = 0.0
    pieces: int = 3


@dataclass(slots=True, eq=False)
class _Link:
    """One connection through the proxy, and what it remembers of its bytes."""

    engine: asyncio.StreamWriter
    plc: asyncio.StreamWriter
    deaf: bool = False  # the PLC's side is gone and the engine was not told
    last_answer: bytes = b""
    last_request: bytes = b""
    held: list[bytes] = field(default_factory=list)


class FaultProxy:
    """Listens on a free loopback `port` and passes everything on to the PLC at `target`.

    `links` counts connections that were let through since the start.
    """

    def __init__(self, target: int, seed: int = 0) -> None:
        self.target = target
        self.port = 0
        self.links = 0
        self._weather = Weather()
        self._dice = random.Random(seed)
        self._open: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_READY_WITHIN_S):
            raise RuntimeError("the fault proxy did not come up")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_READY_WITHIN_S)

    def set(self, weather: Weather) -> None:
        """Change the weather; back when it holds for every connection."""
        asyncio.run_coroutine_threadsafe(self._set(weather), self._loop).result(_READY_WITHIN_S)

    # -- in the proxy's own thread -------------------------------------------------------------

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for link in list(self._open):
            _abort(link.engine)
            _abort(link.plc)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        pending = asyncio.gather(*asyncio.all_tasks(self._loop), return_exceptions=True)
        self._loop.run_until_complete(pending)
        self._loop.close()

    async def _set(self, weather: Weather) -> None:
        self._weather = weather
        for link in list(self._open):
            if weather.kind == "reset":
                _abort(link.engine)
                _abort(link.plc)
            elif weather.kind == "half-open":
                link.deaf = True
                _abort(link.plc)
            elif weather.kind == "calm":
                link.held.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather.kind == "reset":
            _abort(writer)
            return
        try:
            from_plc, to_plc = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _abort(writer)
            return
        self.links += 1
        link = _Link(writer, to_plc)
        self._open.add(link)
        asking = asyncio.create_task(self._pump(link, reader, asks=True))
        answering = asyncio.create_task(self._pump(link, from_plc, asks=False))
        try:
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
            if link.deaf:
                await asyncio.wait({asking})
        except asyncio.CancelledError:
            return  # the proxy ends; nobody waits for this connection
        finally:
            asking.cancel()
            answering.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)
            self._open.discard(link)
            for side in (writer, to_plc):
                side.close()

    async def _pump(self, link: _Link, reader: asyncio.StreamReader, *, asks: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_AT_MOST):
                for piece in await self._weathered(link, data, asks=asks):
                    to = link.plc if asks else link.engine
                    to.write(piece)
                    await to.drain()

    async def _weathered(self, link: _Link, data: bytes, *, asks: bool) -> Sequence[bytes]:
        """Return what becomes of some bytes on their way."""
        kind = self._weather.kind
        if kind == "silent" or link.deaf:
            return ()
        if kind == "delay":
            await asyncio.sleep(self._weather.seconds)
        if kind == "split":
            size = self._weather.pieces
            return [data[at : at + size] for at in range(0, len(data), size)]
        return self._request(link, data, kind) if asks else self._answer(link, data, kind)

    @staticmethod
    def _request(link: _Link, data: bytes, kind: Kind) -> Sequence[bytes]:
        before, link.last_request = link.last_request, data
        return (data, before) if kind == "replay" and before else (data,)

    def _answer(self, link: _Link, data: bytes, kind: Kind) -> Sequence[bytes]:
        before, link.last_answer = link.last_answer, data
        if kind == "corrupt":
            spoiled = bytearray(data)
            spoiled[self._dice.randrange(len(data))] ^= 1 << self._dice.randrange(8)
            return (bytes(spoiled),)
        if kind == "malformed":
            return (self._dice.randbytes(len(data)),)
        if kind == "duplicate":
            return (data, data)
        if kind == "previous":
            return (before,) if before else ()
        if kind == "reorder":
            link.held.append(data)
            if len(link.held) < 2:
                return ()
            pair = link.held[::-1]
            link.held.clear()
            return pair
        return (data,)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: linger for no time."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
