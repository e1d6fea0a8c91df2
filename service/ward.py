"""One process under watch: started, listened to, killed when it hangs, started again or left down.

It speaks systemd's protocol with its process (sd_notify(3), NOTIFY_SOCKET and WATCHDOG_USEC), so
the process cannot tell whether systemd or this stands behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.notify import NotifySocket
from service.restarts import RestartRule, Restarts
from service.solver_child import leashed

_LOOK_EVERY_S = 0.1
_LAST_WORDS_S = 2.0  # from SIGABRT, at which a process tells where it hangs, to SIGKILL
_STOP_PATIENCE_S = 20.0
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Process:
    """What is run: `python -m MODULE ARGUMENTS`, and how long it may be silent."""

    name: str
    module: str
    arguments: tuple[str, ...]
    watchdog_s: float
    start_s: float = 600.0  # to READY; an engine verifies its whole record chain first
    rule: RestartRule = field(default_factory=RestartRule)


Told = Callable[["Ward", str, str], None]
"""Called with the result ('watchdog', 'exit-code', ...) and a detail when a run ended badly."""


class Ward:
    """Keeps one process running until told to stop, or until its restart rule says stay down."""

    def __init__(
        self, process: Process, sockets: Path, told: Told, changed: Callable[[], None]
    ) -> None:
        """Prepare. `sockets` is a folder for the notification socket."""
        self.process = process
        self.state = "stopped"
        self.pid = 0
        self.starts = 0
        self.words = ""
        self.last = ""
        self._address = sockets / f"{process.name}.sock"
        self._told = told
        self._changed = changed
        self._restarts = Restarts(process.rule)

    def as_json(self) -> dict[str, Any]:
        """Return what `service status` shows."""
        return {
            "state": self.state, "pid": self.pid, "starts": self.starts, "says": self.words,
            "last_end": self.last,
        }  # fmt: skip

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, the process ends as asked, or it has failed too often."""
        clock = asyncio.get_running_loop()
        while not stop.is_set():
            self._restarts.started(clock.time())
            self.starts += 1
            result, detail = await self._one_life(stop)
            self.pid, self.last = 0, f"{result} {detail}".strip()
            if result == "success":
                break
            self._told(self, result, detail)
            pause_s = self._restarts.pause_s(clock.time())
            if pause_s is None:
                rule = self.process.rule
                text = f"{rule.starts} starts in {rule.within_s:g} s; the last ended by {self.last}"
                self._become("down", f"stays down: {text}")
                self._told(self, "start-limit-hit", text)
                return
            self._become("waiting", f"next start in {pause_s:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)
        self._become("stopped", "")

    async def _one_life(self, stop: asyncio.Event) -> tuple[str, str]:
        """Run the process once; return systemd's word for how it ended, and a detail."""
        line = NotifySocket(self._address)
        try:
            child = await asyncio.create_subprocess_exec(
                *leashed(self.process.module, *self.process.arguments),
                stdin=asyncio.subprocess.DEVNULL, cwd=_ROOT, env=self._environment(os.environ),
            )  # fmt: skip
            self.pid = child.pid
            self._become("starting", "")
            why = await self._watch(child, line, stop)
            if why:
                await _kill(child)
                return why, f"its last words: {self.words}" if self.words else ""
            if stop.is_set():
                await _end(child)
                return "success", ""
            return _result(child.returncode or 0)
        finally:
            line.close()

    def _environment(self, ours: Mapping[str, str]) -> dict[str, str]:
        return {
            **ours,
            "PYTHONPATH": str(_ROOT),
            "NOTIFY_SOCKET": str(self._address),
            "WATCHDOG_USEC": str(int(self.process.watchdog_s * 1e6)),
        }

    async def _watch(
        self, child: asyncio.subprocess.Process, line: NotifySocket, stop: asyncio.Event
    ) -> str:
        """Return '' when the process has ended or shall, else why it has to be killed."""
        clock = asyncio.get_running_loop()
        heard_s, patience_s, why = clock.time(), self.process.start_s, "timeout"
        while child.returncode is None and not stop.is_set():
            said = line.hear(child.pid)
            if "STATUS" in said:
                self._become(self.state, said["STATUS"])
            if said.get("READY") == "1":
                patience_s, why = self.process.watchdog_s, "watchdog"
                self._become("running", self.words)
            if "WATCHDOG" in said or "READY" in said:
                heard_s = clock.time()
            if clock.time() - heard_s > patience_s:
                return why
            await asyncio.sleep(_LOOK_EVERY_S)
        return ""

    def _become(self, state: str, words: str) -> None:
        if (state, words) != (self.state, self.words):
            self.state, self.words = state, words
            self._changed()


async def _kill(child: asyncio.subprocess.Process) -> None:
    """End a hung process: first so that it can still say where it hangs."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGABRT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), _LAST_WORDS_S)
            return
        child.kill()
    await child.wait()


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ask a process to end, and see to it that it does."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), _STOP_PATIENCE_S)
        except TimeoutError:
            child.kill()
    await child.wait()


def _result(code: int) -> tuple[str, str]:
    if code == 0:
        return "success", ""
    if code < 0:
        return "signal", signal.Signals(-code).name
    return "exit-code", str(code)
