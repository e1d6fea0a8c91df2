"""One controller in a process of its own: booted, asked line by line, and ended for good."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BOOT_PATIENCE_S = 120.0  # importing and building a controller on a busy machine
_LINE_LIMIT = 8 * 2**20  # a plan with long horizons is tens of kilobytes
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
_ROOT = Path(__file__).resolve().parent.parent


def leashed(module: str, *arguments: str) -> list[str]:
    """Return the command line of a child process that dies with this one."""
    return [sys.executable, "-m", "service.leash", str(os.getpid()), module, *arguments]


def _facts(answer: bytes) -> Mapping[str, Any]:
    """Return what a worker said about itself when it was ready; raises OSError if it was not."""
    facts: Mapping[str, Any] = json.loads(answer)
    if facts.get("ready") is not True:
        raise OSError(f"the worker refused to start: {facts.get('error', answer)}")
    return facts


class Child:
    """One worker process, ready for questions."""

    def __init__(self, process: asyncio.subprocess.Process, facts: Mapping[str, Any]) -> None:
        self.process = process
        self.facts = facts
        self.heard = 0  # how many of all questions it knows
        self.overdue: asyncio.Task[bytes] | None = None
        self.listening = asyncio.Lock()  # while it is told what it has not heard
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Say whether it has not ended."""
        return self.process.returncode is None

    @classmethod
    async def boot(cls, command: Sequence[str], first_line: bytes) -> Child:
        """Start a worker and wait until it says it is ready; raises OSError with its words."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            cwd=_ROOT,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": str(_ROOT)},
        )
        child = cls(process, {})
        try:
            answer = await asyncio.wait_for(child.ask(first_line), BOOT_PATIENCE_S)
            child.facts = _facts(answer)
        except BaseException:
            await child.end()
            raise
        return child

    async def ask(self, line: bytes) -> bytes:
        """Send one line, return one line; raises OSError when the worker is gone."""
        if self.process.stdin is None or self.process.stdout is None:
            raise OSError("the worker has no pipes")
        async with self._turn:
            self.process.stdin.write(line + b"\n")
            await self.process.stdin.drain()
            answer = await self.process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise OSError("the worker ended in the middle of an answer")
        return answer

    async def end(self) -> None:
        """Kill this child, and no other, and reap it."""
        if self.overdue is not None:
            self.overdue.cancel()
            await asyncio.wait({self.overdue})
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
            with contextlib.suppress(OSError):
                await self.process.stdin.wait_closed()
