"""The alarms of a running engine: looks at what the cycles left behind, beside them, never in them.

Every change of state is a row of the chain before anybody is shown it. The state of all alarms is
kept in alarms.json as well, so that a restart remembers what was acknowledged; the file is memory
and not evidence, and an engine that cannot read it begins with none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.chain import RecordError
from records.recorder import FileRecorder
from service.alarms.catalogue import catalogue
from service.alarms.conditions import idle, of_cycle
from service.alarms.desk import Desk
from service.alarms.states import AlarmError
from service.calibration import calibrations, to_renew
from service.clock import EngineClock
from service.loop_runner import LoopRunner
from service.requests import RefusedError, named, only, text_of

_LOOKS_PER_PERIOD = 4
_LEAST_FREE = 0.03
_LEAST_FREE_BYTES = 2 * 2**30
_LONGEST_ID, _LONGEST_WHY = 200, 500


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How the engine's own state is asked for: words where something is wrong, '' where not."""

    sources: Callable[[], Mapping[str, Mapping[str, Any]]]
    configuration: Callable[[], str]
    certificates: Callable[[], str]
    records: Callable[[], str]
    refused: Callable[[], str]


class AlarmWatch:
    """Keeps the alarms of one engine."""

    def __init__(
        self,
        state_dir: Path,
        sealed: Callable[[], Mapping[str, Any]],
        runners: Mapping[str, LoopRunner],
        recorder: Callable[[], FileRecorder],
        around: Surroundings,
    ) -> None:
        """Prepare; `open` is called once the configuration in force is known."""
        self._path = state_dir / "alarms.json"
        self._sealed = sealed
        self._runners = runners
        self._recorder = recorder
        self._around = around
        self._seen: dict[str, int] = {}
        self._desk: Desk | None = None
        self.looks = 0

    @property
    def desk(self) -> Desk:
        """Return the desk of an engine that has been started."""
        if self._desk is None:
            raise RuntimeError("the alarms have not been opened")
        return self._desk

    def open(self, now_s: float) -> list[dict[str, Any]]:
        """Read what was remembered; return the alarms that stand, for the start's record."""
        alarms = catalogue(self._sealed())
        try:
            memory = json.loads(self._path.read_text("utf-8"))
            self._desk = Desk(alarms, memory, now_s)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            self._desk = Desk(alarms, {}, now_s)
        return self.desk.standing()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            with contextlib.suppress(RecordError):  # the loops shed when nothing can be recorded
                await self.look()
            self.looks += 1
            period_s = min(runner.loop.rules.period_s for runner in self._runners.values())
            await asyncio.sleep(self._clock().wall_s(period_s) / _LOOKS_PER_PERIOD)

    async def look(self) -> None:
        """Take in what the cycles since the last look left behind, and how the engine is."""
        for name, runner in self._runners.items():
            last = runner.loop.last
            if last.body and self._seen.get(name) != last.state.sequence:
                self._seen[name] = last.state.sequence
                found = of_cycle(name, self._sealed(), last.body, self.desk.believed(name))
                now_s = float(last.body["now_s"])
                await self._tell(name, found, now_s, idle=idle(last.body))
        now_s = self._now_s()
        await self._tell("sources", self._of_sources(), now_s, idle=False)
        await self._tell("engine", await self._of_engine(), now_s, idle=False)

    async def answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer the door's message `alarm`: a person acts on one. Raises RefusedError in words."""
        only(message, {"do", "what", "alarm", "who", "why", "minutes"})
        who, why = named(message), text_of(message, "why", _LONGEST_WHY)
        what, name = (text_of(message, key, _LONGEST_ID) for key in ("what", "alarm"))
        minutes = message.get("minutes", 0)
        if isinstance(minutes, bool) or not isinstance(minutes, int | float):
            raise RefusedError("'minutes' is a number")
        try:
            events = self.desk.act(what, name, who, why, self._now_s(), self._utc(), minutes)
        except AlarmError as error:
            raise RefusedError(str(error)) from error
        await self._record(events)
        return {"text": f"{name}: {what} by {who}"}

    async def told(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer the door's message `alarms`: what stands, and how the alarm system does."""
        only(message, {"do"})
        return {"alarms": self.desk.standing(), "metrics": self.desk.metrics(self._now_s())}

    async def _tell(
        self, scope: str, found: Mapping[str, str], now_s: float, *, idle: bool
    ) -> None:
        await self._record(self.desk.look(scope, found, now_s, self._utc(), idle=idle))

    async def _record(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            await self._recorder().append("event", event["loop"], self._utc(), event)
        if events:
            draft = self._path.with_suffix(".new")
            text = json.dumps(self.desk.to_json(), allow_nan=False)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(draft.write_text, text, "utf-8")
                draft.replace(self._path)

    def _of_sources(self) -> dict[str, str]:
        return {
            f"source.{name}": str(status.get("last_refusal") or status.get("last_error") or "down")
            for name, status in self._around.sources().items()
            if not status.get("connected")
        }

    async def _of_engine(self) -> dict[str, str]:
        around = self._around
        words = {
            "engine.configuration": around.configuration(),
            "engine.certificate": around.certificates(),
            "engine.calibration": self._of_calibrations(),
            "engine.records": around.records(),
            "engine.refused": around.refused(),
            "engine.disk": await asyncio.to_thread(_disk, self._path.parent),
        }
        return {name: text for name, text in words.items() if text}

    def _of_calibrations(self) -> str:
        sealed = self._sealed()
        return to_renew(calibrations(sealed, sealed["tags"]), self._utc())

    def _clock(self) -> EngineClock:
        return next(iter(self._runners.values())).loop.clock

    def _now_s(self) -> float:
        return self._clock().now_s()

    def _utc(self) -> str:
        return self._clock().utc()


def _disk(place: Path) -> str:
    """Return in words that the disk under `place` is nearly full, or ''."""
    try:
        usage = shutil.disk_usage(place)
    except OSError as error:
        return f"the disk cannot be asked: {error.strerror}"
    if usage.free >= max(_LEAST_FREE * usage.total, min(_LEAST_FREE_BYTES, 0.1 * usage.total)):
        return ""
    return f"{usage.free / 2**30:.1f} GiB of {usage.total / 2**30:.1f} GiB are free"
