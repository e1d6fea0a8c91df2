"""The engine's command door: JSON lines over a Unix socket in the state directory.

Whoever may enter the directory may ask; there is no way in over the network. One line is one
message, and one line is the answer: `{"ok": true, ...}` or `{"ok": false, "text": "why"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

Answerer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

_LINE_LIMIT = 64 * 1024
_LONGEST_ADDRESS = 107  # bytes; a limit of the kernel


class EngineUnreachableError(OSError):
    """No engine answers in this state directory; the text says what to do."""


def socket_path(state_dir: Path) -> Path:
    """Return where the engine of this state directory listens."""
    return state_dir / "engine.sock"


def ask(state_dir: Path, message: Mapping[str, Any], timeout_s: float = 10.0) -> dict[str, Any]:
    """Send one message to a running engine and return its answer (blocking).

    Raises EngineUnreachableError when there is none.
    """
    path = socket_path(state_dir)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(timeout_s)
            door.connect(str(path))
            door.sendall(json.dumps(message).encode() + b"\n")
            with door.makefile("rb") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
                return answer
    except (OSError, ValueError) as error:
        raise EngineUnreachableError(
            f"no engine answers at {path}: {error}. Next: start it with ./rheostat run, "
            "or name its state directory with --state"
        ) from error


class CommandDoor:
    """The server side: answers one line at a time, and never lets a caller hurt the engine."""

    def __init__(self, state_dir: Path, answer: Answerer) -> None:
        self._path = socket_path(state_dir)
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen, for this user and its group only."""
        if len(os.fsencode(self._path)) > _LONGEST_ADDRESS:
            raise OSError(
                f"the path of the command socket is too long for the kernel: {self._path}. "
                "Next: use a shorter --state directory"
            )
        self._path.unlink(missing_ok=True)  # left over from an engine that was killed
        mask = os.umask(0o117)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, path=str(self._path), limit=_LINE_LIMIT
            )
        finally:
            os.umask(mask)

    async def close(self) -> None:
        """Stop listening, send every caller home."""
        if self._server is not None:
            self._server.close()
            for caller in self._callers:
                caller.cancel()
            if self._callers:
                await asyncio.wait(self._callers)
            await self._server.wait_closed()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._callers.add(task)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer_line(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # a caller that left, sent an endless line, or was sent home
        finally:
            if task is not None:
                self._callers.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer_line(self, line: bytes) -> Mapping[str, Any]:
        try:
            message = json.loads(line)
        except ValueError as error:
            return {"ok": False, "text": f"that was no JSON: {error}"}
        if not isinstance(message, dict):
            return {"ok": False, "text": "a message is a JSON object with a 'do'"}
        return await self._answer(message)
