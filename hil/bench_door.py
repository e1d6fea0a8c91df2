"""A bench process's side door: JSON lines on a Unix socket in the state directory, for the demo.

One request a line, one answer a line: {"do": "panel", ...} -> {"ok": true, ...}. Only the owner
of the directory can reach it. Nothing of it exists in a real plant.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Handler = Callable[[Mapping[str, Any]], dict[str, Any]]


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name short enough for a Unix socket, however deep the directory is (Linux)."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Door:
    """Listens on `path`; `handler` answers each request, and its exceptions become sentences."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Start to listen; a socket file left by a dead process is replaced."""
        self._path.unlink(missing_ok=True)
        with short_path(self._path) as name:
            self._server = await asyncio.start_unix_server(self._serve, name)
        self._path.chmod(0o600)

    async def close(self) -> None:
        """Stop to listen and remove the socket file."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return {"ok": True, **self._handler(json.loads(line))}
        except (KeyError, ValueError, TypeError) as error:
            return {"ok": False, "text": f"{type(error).__name__}: {error}"}


def ask(path: Path, request: Mapping[str, Any], timeout_s: float = 5.0) -> dict[str, Any]:
    """Send one request to a bench process and return its answer.

    Raises:
        OSError: nobody answers at `path`.
        ValueError: the process refused; the text says why.
    """
    with socket.socket(socket.AF_UNIX) as link, short_path(path) as name:
        link.settimeout(timeout_s)
        link.connect(name)
        link.sendall(json.dumps(request).encode() + b"\n")
        with link.makefile() as lines:
            answer: dict[str, Any] = json.loads(lines.readline())
    if not answer.pop("ok"):
        raise ValueError(answer["text"])
    return answer
