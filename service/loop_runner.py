"""One loop's life in the engine: a cycle on every beat, and what a person asked of it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from records.chain import RecordError
from safety.modes import ARMED, ModeState
from safety.rules import LoopRules
from safety.signals import SignalMemory
from safety.state import GateState, StateError, restart, state_from_json
from safety.vote import Ballot
from safety.words import Mode, Request, RequestedMode
from service.calibration import first_end
from service.cycle import CycleRecord, LoopContext, guarded_cycle, shed
from service.schedule import Metronome
from service.solver_process import SolverProcess
from service.unconfirmed import Unconfirmed, reconciled

_LAST_CYCLE_S = 2.0  # wall seconds a cycle may still take when the engine stops


class LoopRunner:
    """Runs the cycles of one loop on its own schedule of absolute deadlines."""

    def __init__(self, loop: LoopContext, solver: SolverProcess) -> None:
        self.loop = loop
        self.solver = solver
        self.name = loop.rules.loop
        self.metronome = Metronome(loop.rules.period_s, loop.clock.now_s())
        self.unconfirmed: Unconfirmed | None = None
        self._calibrated: tuple[float, str] = (math.inf, "")  # until when [engine s]; then words
        self._next: tuple[LoopRules, Mapping[str, str], Mapping[str, str], asyncio.Event] | None
        self._next = None

    async def run(self) -> None:
        """Run until cancelled. A cycle that overruns costs beats, it never causes a burst."""
        loop, metronome = self.loop, self.metronome
        # The grid starts now, not when this object was made: waiting is no slip.
        metronome.start_s = loop.clock.now_s()
        while True:
            await loop.clock.sleep_until(metronome.due_s)
            self._take_over()
            self._look_at_calibrations()
            await _whole(guarded_cycle(loop, metronome.due_s))
            await self._reconcile()
            lost = metronome.next(loop.clock.now_s())
            if lost:
                await self._note_slip(lost)

    async def ask_for(self, mode: RequestedMode, who: str, reset: bool, why: str) -> str:
        """Record what a person asks, then let it stand; return what to tell them.

        Raises RecordError when it cannot be recorded: then it does not act. OFF is the exception
        and always acts; a loop whose records fail writes nothing anyway.
        """
        loop = self.loop
        old = loop.request.mode
        body: dict[str, Any] = {
            "loop": self.name,
            "who": who,
            "old": old.value,
            "new": mode.value,
            "reset": reset,
            "why": why,
            "actual": loop.last.state.mode.value,
        }
        if self.unconfirmed is not None:
            body["acknowledges"] = self.unconfirmed.row
        try:
            number = await loop.recorder.append("request", self.name, loop.clock.utc(), body)
        except RecordError:
            if mode is not RequestedMode.OFF:
                raise
            loop.request = Request(mode, who, reset, loop.request.number + 1)
            raise
        # The row number tells this act from every other one, before and after a restart.
        loop.request = Request(mode, who, reset, number)
        if mode is RequestedMode.AUTO:
            self.unconfirmed = None
            self._calibrated = first_end(loop.calibrated, loop.clock)
        is_now = loop.last.state.mode.value
        return f"{self.name}: {mode.value} asked for by {who}; the loop is {is_now} now"

    async def adopt(
        self, rules: LoopRules, hashes: Mapping[str, str], calibrated: Mapping[str, str]
    ) -> None:
        """Work by `rules`, and with the solver's heir, from the next cycle on; return then.

        `calibrated` are the last days of the instruments' calibrations, as the new version says.
        What the gate remembers stays: a setpoint that is now outside its range is brought back as
        fast as it may move, no faster.
        """
        taken = asyncio.Event()
        self._next = (rules, hashes, calibrated, taken)
        await taken.wait()

    def _take_over(self) -> None:
        """Between two cycles: change to what `adopt` left here."""
        if self._next is not None:
            loop = self.loop
            loop.rules, loop.hashes, loop.calibrated, taken = self._next
            self._next, self._calibrated = None, first_end(loop.calibrated, loop.clock)
            self.solver.inherit()
            taken.set()

    def _look_at_calibrations(self) -> None:
        """Let the request for AUTO say that a calibration it rested on has ended."""
        loop, (until_s, words) = self.loop, self._calibrated
        lapsed = words if loop.clock.now_s() >= until_s else ""
        if loop.request.mode is RequestedMode.AUTO and loop.request.lapsed != lapsed:
            loop.request = replace(loop.request, lapsed=lapsed)

    async def let_go(self) -> None:
        """Give the loop back to the PLC in one last cycle, if we had it."""
        if self.loop.last.state.mode in ARMED:
            self.loop.request = Request(
                RequestedMode.OFF, "engine stop", False, self.loop.request.number + 1
            )
            await guarded_cycle(self.loop, self.loop.clock.now_s())

    def status(self) -> dict[str, Any]:
        """Return what the page and the command line show of this loop."""
        body = self.loop.last.body
        verdict = body.get("verdict", {})
        return {
            "requested": self.loop.request.mode.value,
            "who": self.loop.request.who,
            "mode": self.loop.last.state.mode.value,
            "sequence": self.loop.last.state.sequence,
            "utc": body.get("utc"),
            "action": verdict.get("action"),
            "limiting": verdict.get("limiting", ""),
            "reasons": verdict.get("reasons", []),
            "plan": body.get("plan", {}).get("status"),
            "written": body.get("written", {}).get("outcome"),
            "timing": body.get("timing", {}),
            "latches": list(self.loop.last.state.latches),
            "unconfirmed": self.unconfirmed.as_text() if self.unconfirmed else "",
            "beats": self.metronome.beat,
            "slips": self.metronome.slips,
            "solver": {**self.solver.counts, "last_failure": self.solver.last_failure},
        }

    def refusal(self, mode: RequestedMode) -> str:
        """Return why this mode cannot be asked for now, in words; empty when it can."""
        if mode is not RequestedMode.AUTO:
            return ""
        ends_s, words = first_end(self.loop.calibrated, self.loop.clock)
        if ends_s <= self.loop.clock.now_s():
            return f"{self.name} is not closed: {words}"
        write = self.unconfirmed
        if write is None or write.found is not None:
            return ""
        return f"{self.name} stays {self.loop.last.state.mode.value}: {write.as_text()}"

    async def _reconcile(self) -> None:
        """Compare the unconfirmed write of the last run with the PLC, once, and record it."""
        write = self.unconfirmed
        if write is None or write.found is not None:
            return
        event = reconciled(write, self.loop.rules, self.loop.last.body)
        if event is not None:
            with contextlib.suppress(RecordError):  # then it is still open, and tried again
                utc = self.loop.clock.utc()
                await self.loop.recorder.append("event", self.name, utc, event)
                self.unconfirmed = replace(write, found=event)

    async def _note_slip(self, lost: int) -> None:
        body = {
            "loop": self.name,
            "event": "slip",
            "lost": lost,
            "slips": self.metronome.slips,
            "timing": self.loop.last.body.get("timing", {}),
        }
        try:
            await self.loop.recorder.append("event", self.name, self.loop.clock.utc(), body)
        except RecordError as error:
            await shed(self.loop, self.loop.clock.now_s(), str(error))


async def _whole(cycle: Coroutine[Any, Any, CycleRecord]) -> None:
    """Run a cycle to its end even when this loop is cancelled in the middle of it.

    A cycle cut off between the wire and the record would leave a write nobody can explain.
    """
    task = asyncio.create_task(cycle)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_LAST_CYCLE_S)
        task.cancel()
        raise


def remembered(loop: LoopContext, recorded: Mapping[str, Any] | None) -> CycleRecord:
    """Return what a loop starts with: OFF, latches and counters as recorded, all else forgotten.

    A recorded state that this version cannot understand may have held a latch. So it counts as
    one: the loop starts TRIPPED, and a person looks before they reset it.
    """
    if recorded is None:
        return loop.last
    try:
        state = restart(state_from_json(recorded))
    except StateError as error:
        text = f"IL-04: the state of the run before cannot be understood: {error}"
        state = GateState(modes=ModeState(Mode.TRIPPED), latches=(text,))
    ballot = Ballot({}, state.struck, "")
    return CycleRecord({}, state, SignalMemory(ballot=ballot))
