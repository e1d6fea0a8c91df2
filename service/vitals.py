"""The engine's signs of life: what must go on for the engine to be alive, and how often.

A loop lives when it completes cycles. Everything else the engine cannot do without is tried, not
asked about: the recorder's thread by the rows it wrote, the command door by knocking at it, the
workers by a question (a silent one is replaced, which is this engine's work and no reason to end).

A loop that hangs is missed after 1.75 of its periods, and the watchdog of one shortest period then
runs out: the engine is ended within 3 periods of that loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from service.commands import socket_path
from service.loop_runner import LoopRunner
from service.pulse import Sign

_PATIENCE_PERIODS = 1.75
_LEAST_S = 3.0  # wall seconds: below it a busy bench at high speed would look like a hung one
_WORKER_S = 5.0  # wall seconds for an idle worker to say that it is alive


def watchdog_s(sealed: Mapping[str, Any], speed: float = 1.0) -> float:
    """Return after how many wall seconds of silence the engine of this line counts as hung."""
    return max(_shortest_s(sealed) / speed, _LEAST_S)


def patience_s(period_s: float, speed: float) -> float:
    """Return within how many wall seconds a loop must complete a cycle."""
    return max(_PATIENCE_PERIODS * period_s / speed, _LEAST_S)


class Vitals:
    """Gathers the signs of one engine, and tries those parts that say nothing by themselves."""

    def __init__(
        self,
        state_dir: Path,
        runners: Mapping[str, LoopRunner],
        rows: Callable[[], int],
        looks: Callable[[], int],
        sealed: Mapping[str, Any],
        speed: float,
    ) -> None:
        """Prepare. `rows` counts the recorder's work, `looks` the file watcher's."""
        self._state_dir = state_dir
        self._runners = runners
        self._watched = (rows, looks)
        self._every_s = _shortest_s(sealed) / speed / 2.0
        self._patience_s = patience_s(_shortest_s(sealed), speed)
        self._speed = speed
        self._tried = {"command door": 0, **{f"workers of {name}": 0 for name in runners}}

    def signs(self) -> dict[str, Sign]:
        """Return every sign of life of the engine, by the name of its part."""
        rows, looks = self._watched
        signs = {
            "recorder": Sign(rows, self._patience_s),
            "file watcher": Sign(looks, self._patience_s),
            "command door": self._sign("command door"),
        }
        for name, runner in self._runners.items():
            patience = patience_s(runner.loop.rules.period_s, self._speed)
            signs[f"loop {name}"] = Sign(_beats_of(runner), patience)
            signs[f"workers of {name}"] = self._sign(f"workers of {name}", 1.5 * _WORKER_S)
        return signs

    def trials(self) -> list[Coroutine[Any, Any, None]]:
        """Return what has to run for the signs to come, one coroutine for each part."""
        return [
            self._repeat("command door", self._knock),
            *(
                self._repeat(f"workers of {name}", _look_after(runner))
                for name, runner in self._runners.items()
            ),
        ]

    def _sign(self, part: str, least_s: float = 0.0) -> Sign:
        return Sign(lambda: self._tried[part], max(self._patience_s, least_s))

    async def _repeat(self, part: str, trial: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            with contextlib.suppress(OSError):  # no sign then, and the next trial may succeed
                await trial()
                self._tried[part] += 1
            await asyncio.sleep(self._every_s)

    async def _knock(self) -> None:
        """Ask at our own door as anybody would; raises OSError when it does not answer."""
        reader, writer = await asyncio.open_unix_connection(str(socket_path(self._state_dir)))
        try:
            writer.write(b'{"do":"alive"}\n')
            answer = await reader.readline()
        finally:
            writer.close()
        if not answer or json.loads(answer).get("ok") is not True:
            raise OSError(f"the command door answered {answer!r}")


def _shortest_s(sealed: Mapping[str, Any]) -> float:
    return min(float(loop["period"]) for loop in sealed["loops"].values())


def _beats_of(runner: LoopRunner) -> Callable[[], int]:
    return lambda: runner.metronome.beat  # moves on after each completed cycle only


def _look_after(runner: LoopRunner) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: runner.solver.look_after(_WORKER_S)
