"""The world of a fault run: engine, wire, records, line and people in one virtual time.

The engine's parts are the real ones: `LoopRunner` with its metronome, the cycle, the gate, the
record file on a scratch disk. Time passes only where the engine sleeps or waits, so a fault can be
put at an exact moment of a cycle (MOMENTS), and the same seed gives the same bytes.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from controller.factory import build_controller
from hil.fault_disk import FaultyRecorder
from hil.fault_line import FaultyLine
from hil.fault_solver import FaultyPlanner
from hil.fault_wire import FaultyWire
from hil.simulate import with_kind
from plant_models.mismatch import mismatch
from records.canonical import sha256_of
from records.row import RecordError
from safety.words import Mode, RequestedMode
from service.clock import ManualClock
from service.cycle import guarded_cycle, loop_context
from service.loop_runner import LoopRunner, remembered
from service.solver_process import SolverProcess
from service.unconfirmed import unconfirmed

MOMENTS = ("anytime", "read", "plan", "intent", "write", "mid-write", "record")
"""When a fault strikes: between two cycles; before reading; while planning; before the intent is
on the disk; between intent and wire; between setpoints and heartbeat on the wire; before the
cycle's own record."""

MISMATCH = 1.0  # width of the plant's difference from the control model (plant_models.mismatch)


class Killed(BaseException):
    """The engine's process died at this instant."""


class Finished(BaseException):
    """The run has been played to its end."""


class WorldClock(ManualClock):
    """Engine time is the line's time; sleeping lets the line run."""

    def __init__(self, world: FaultWorld) -> None:
        super().__init__(world.line.time_s)
        self._world = world
        self.step_s = 0.0  # how far somebody has set the calendar clock

    def utc(self) -> str:
        """Return calendar time, as wrong as the clock of the machine is."""
        true_s = self._now_s
        self._now_s = true_s + self.step_s
        try:
            return super().utc()
        finally:
            self._now_s = true_s

    async def sleep_until(self, t_s: float) -> None:
        """Let the world run until `t_s`."""
        await self._world.run_until(t_s)


class FaultWorld:
    """One line with one loop under control, and everything that can be made to go wrong."""

    def __init__(
        self, loop: str, seed: int, sealed: Mapping[str, Any], kind: str, folder: Path
    ) -> None:
        """Build the world at time zero; `folder` is scratch for the records."""
        self.loop, self.seed, self.folder = loop, seed, folder
        self.sealed = with_kind(sealed, kind)
        self.draw = random.Random(f"{seed}:{loop}:faults")
        self.line = FaultyLine(mismatch(seed, MISMATCH), seed, self.sealed)
        self.period_s = float(self.sealed["loops"][loop]["period"])
        source = self.sealed["loops"][loop]["handshake"]["source"]
        self.plc = str(source)
        self.wire = FaultyWire(self, math.ceil(self.sealed["sources"][source]["timeout"]))
        self.line.after_scan.append(self.wire.deliver_due)
        self.clock = WorldClock(self)
        self.wants_link = True
        self.dead_s = self.period_s  # how long a killed engine stays away
        self.damage_records = False
        self.neighbours: list[list[Any]] = []  # other engines on this line: when due, their loop
        self.ends_s = math.inf
        self.struck_s: float | None = None
        self.lives = 0
        self.running = False  # False while a killed engine is away
        self.damaged = ""  # hash of the record file as it was damaged
        self.notes: list[tuple[float, str]] = []  # what injectors and starts have to say
        self._waiting: list[tuple[str, float, Callable[[], None]]] = []
        self._acts: list[tuple[float, dict[str, Any]]] = []
        self._endings: list[tuple[float, Callable[[], None]]] = []

    # -- the engine's life ---------------------------------------------------------------------

    async def live(self) -> None:
        """Run engines, one after the other if they are killed, until the run is over."""
        while True:
            try:
                await self._one_life()
            except Finished:
                return
            except Killed:
                self.note("killed")
                self.recorder.abandon()
                if not await self._goes_on(self.dead_s):
                    return
            except RecordError as refusal:
                self.note(f"refused: {refusal}")
                await self._goes_on(math.inf)
                return

    async def _goes_on(self, seconds: float) -> bool:
        """Let the line run without an engine; False when the run is over.

        A machine that goes down again while it is down stays away as long as the last time says.
        """
        self.running = False
        while True:
            if self.damage_records:
                self._damage()
            try:
                await self.run_until(self.clock.now_s() + seconds)
            except Finished:
                return False
            except Killed:
                seconds = self.dead_s
                continue
            return True

    def _damage(self) -> None:
        """Write over a piece of the record file, as a dying disk does; once."""
        self.damage_records = False
        path = self.folder / "records.sqlite"
        image = bytearray(path.read_bytes())
        middle = len(image) // 2
        image[middle : middle + 512] = bytes(self.draw.randrange(256) for _ in range(512))
        path.write_bytes(bytes(image))
        self.damaged = sha256(bytes(image)).hexdigest()

    async def _one_life(self) -> None:
        self.lives += 1
        self.recorder = await FaultyRecorder.open(self.folder / "records.sqlite", self)
        self.planner = FaultyPlanner(build_controller(self.loop, self.sealed), self)
        hashes = {"software": "hil", "model": "hil", "config": sha256_of(self.sealed)}
        context = loop_context(
            self.sealed, self.loop, self.wire, self.planner, self.recorder, self.clock, hashes
        )
        context.last = remembered(context, await self.recorder.last_state(self.loop))
        self.runner = LoopRunner(context, cast("SolverProcess", self.planner))
        found = await self.recorder.unresolved_intent(self.loop)
        self.runner.unconfirmed = unconfirmed(self.loop, found)
        start = {
            "hashes": hashes,
            "unresolved_intents": {} if found is None else {self.loop: found[0]},
            "loops": {self.loop: context.last.state.mode.value},
            "sealed": self.sealed,
        }
        await self.recorder.append("start", "", self.clock.utc(), start)
        self.running = True
        self.note(f"start: {context.last.state.mode.value}")
        await self.runner.run()

    @property
    def mode(self) -> Mode:
        """The mode of the loop's last cycle."""
        return self.runner.loop.last.state.mode

    # -- time ----------------------------------------------------------------------------------

    async def run_until(self, t_s: float) -> None:
        """Let the line run to `t_s`, with the acts and faults that are due on the way."""
        while self.line.time_s < t_s:
            if self.line.time_s >= self.ends_s:
                raise Finished
            await self._happen()
            self._step()
        await self._happen()
        if self.line.time_s >= self.ends_s:
            raise Finished

    def let_pass(self, seconds: float) -> None:
        """Let time pass within a cycle, whole scans of it."""
        for _ in range(math.ceil(seconds / self.line.scan_s)):
            self._step()

    def _step(self) -> None:
        self.line.advance(self.line.time_s + self.line.scan_s)
        self.clock.set_s(self.line.time_s)

    async def _happen(self) -> None:
        now_s = self.line.time_s
        for at_s, end in [one for one in self._endings if one[0] <= now_s]:
            self._endings.remove((at_s, end))
            end()
        await self.moment("anytime")
        for act in [one for one in self._acts if one[0] <= now_s]:
            self._acts.remove(act)
            await self._ask(**act[1])
        for neighbour in self.neighbours:
            if neighbour[0] <= now_s:
                neighbour[0] += self.period_s
                await guarded_cycle(neighbour[1], now_s)

    # -- people --------------------------------------------------------------------------------

    def ask_at(
        self, at_s: float, mode: RequestedMode, who: str = "Kim", *, reset: bool = False
    ) -> None:
        """Let a person ask for a mode at a time."""
        self._acts.append((at_s, {"mode": mode, "who": who, "reset": reset}))

    async def _ask(self, mode: RequestedMode, who: str, *, reset: bool) -> None:
        refusal = self.runner.refusal(mode) if self.running else "no engine runs"
        if refusal:
            self.note(f"refused: {refusal}")
            return
        try:
            self.note(await self.runner.ask_for(mode, who, reset, "fault run"))
        except RecordError as error:  # said to who asked, as the engine's door does
            self.note(f"refused: {error}")

    # -- faults --------------------------------------------------------------------------------

    def strike_at(self, moment: str, from_s: float, strike: Callable[[], None]) -> None:
        """Let `strike` happen at the first `moment` of a cycle from time `from_s` on."""
        self._waiting.append((moment, from_s, strike))

    def end_at(self, at_s: float, end: Callable[[], None]) -> None:
        """Let a fault end."""
        self._endings.append((at_s, end))

    def waits_for(self, moment: str) -> bool:
        """Say whether a fault is due to strike at this moment of this cycle."""
        return any(at == moment and self.line.time_s >= from_s for at, from_s, _ in self._waiting)

    async def moment(self, name: str) -> None:
        """A moment of the cycle has come: what waits for it happens."""
        now_s = self.line.time_s
        for one in [w for w in self._waiting if w[0] == name and now_s >= w[1]]:
            self._waiting.remove(one)
            if self.struck_s is None:
                self.struck_s = now_s
            one[2]()

    def note(self, text: str) -> None:
        """Remember something that happened and when; place and process would never repeat."""
        text = text.replace(str(self.folder), "STATE").replace(f"process {os.getpid()}", "process")
        self.notes.append((self.line.time_s, text))

    def trace_hash(self, head: str) -> str:
        """Return one hash over all records (their chain's head), the PLCs' log and the notes."""
        rest = json.dumps([head, self.line.log, self.notes], sort_keys=True)
        return sha256(rest.encode()).hexdigest()
