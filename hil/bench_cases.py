"""Cases against real endpoints: the engine as it is installed, and PLCs somebody else has built.

What a virtual line lets us break (plant, PLC, wire) cannot be broken here, so these are the cases
that need nothing but the engine: it starts OFF and silent, SHADOW writes nothing, AUTO comes by the
handshake and OFF goes at once, a killed engine leaves the loop to the PLC, a killed solver does no
harm. The judge reads every setpoint the PLC confirmed and compares it with limits of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hil.bench import Bench
from hil.judge import WATCHDOG_S, Judgement, judge_rows
from records.reader import Entry, RecordReader

SHADOW_CYCLES = 3
AUTO_CYCLES = 3
PATIENCE = 40  # periods in which anything that is waited for must have come
START_S = 60.0


class CaseFailed(Exception):  # noqa: N818 - it is what happened, not an error of this program
    """A case did not go as it must; the text says how."""


@dataclass(slots=True)
class Case:
    """One case: what came of it; `why` is empty when it passed."""

    name: str
    why: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class BenchRun:
    """The outcome: cases, and the judge's word on every setpoint that was confirmed."""

    loop: str
    cases: list[Case] = field(default_factory=list)
    judgement: Judgement = field(default_factory=Judgement)

    @property
    def ok(self) -> bool:
        """True when every case passed, something was judged, and nothing escaped."""
        return all(not case.why for case in self.cases) and self.judgement.clean

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        cases = [asdict(case) for case in self.cases]
        return {"ok": self.ok, "loop": self.loop, "cases": cases, "judge": self.judgement.to_json()}


class RealBench:
    """One engine on real PLCs; `bench` owns its process and its state folder."""

    def __init__(self, bench: Bench, loop: str) -> None:
        self.bench, self.loop = bench, loop
        settings = bench.sealed["loops"][loop]
        self.period_s = float(settings["period"])
        self.hand: Mapping[str, str] = settings["handshake"]
        self.plc = loop_words(self.hand)

    def play(self, progress: Callable[[Case], None] = lambda case: None) -> BenchRun:
        """Play every case, the next one only while nothing failed; end OFF and judge."""
        run = BenchRun(self.loop)
        cases = (self.boot_off, self.shadow_silent, self.on_and_off, self.solver_killed,
                 self.engine_killed)  # fmt: skip
        for play in cases:
            case = Case(play.__name__.replace("_", "-"))
            started_s = time.monotonic()
            try:
                play()
            except (CaseFailed, OSError, ValueError, RuntimeError) as error:
                case.why = str(error)
            case.seconds = round(time.monotonic() - started_s, 1)
            run.cases.append(case)
            progress(case)
            if case.why:
                break  # a line that is not as it should be is not moved any further
        self.bench.close()  # the engine lets go of its loops on its way out
        run.judgement = judge_rows(confirmed(self.records(), self.hand))
        return run

    # -- the cases ---------------------------------------------------------------------------------

    def boot_off(self) -> None:
        """The engine starts, every loop is OFF, and nothing is written."""
        self.bench.start_engine(strangers=True)
        self._until("two cycles", lambda: len(self._cycles()) >= 2, at_least_s=START_S)
        self._nothing_written()
        if (mode := self._mode()) != "OFF":
            raise CaseFailed(f"the loop started in {mode}, not OFF")

    def shadow_silent(self) -> None:
        """SHADOW plans and writes nothing."""
        self._ask("SHADOW")
        self._until("cycles of SHADOW", lambda: self._in_a_row("SHADOW") >= SHADOW_CYCLES)
        self._nothing_written()

    def on_and_off(self) -> None:
        """AUTO comes by the handshake; OFF takes effect at once and the PLC has the loop."""
        self._to_auto()
        self._ask("OFF")
        self._until("OFF", lambda: self._mode() == "OFF")
        self._until("the PLC's own control", lambda: self._remote() is False)

    def solver_killed(self) -> None:
        """The optimiser dies; the loop holds or goes on, and the engine lives."""
        self._to_auto()
        before = len(self._cycles())
        for pid in self.bench.ask_engine(do="status")["workers"][self.loop]:
            os.kill(pid, signal.SIGKILL)
        self._until("cycles after it", lambda: len(self._cycles()) >= before + AUTO_CYCLES)
        self._ask("OFF")
        self._until("OFF", lambda: self._mode() == "OFF")

    def engine_killed(self) -> None:
        """The engine dies in AUTO; the PLC takes over in its time, and the next start is OFF."""
        self._to_auto()
        self.bench.kill("engine")
        seen = len(self._cycles())
        silent_s = WATCHDOG_S[self.plc] / self.bench.speed
        time.sleep(silent_s)  # the engine is dead: nobody else may look, or it would not be alone
        self.bench.start_engine(strangers=True)
        self._until("two cycles", lambda: len(self._cycles()) >= seen + 2, at_least_s=START_S)
        self._until("a reading of who has the loop", lambda: self._remote() is not None)
        if self._remote() is not False:
            raise CaseFailed(f"the PLC did not take the loop within {WATCHDOG_S[self.plc]:g} s")
        if (mode := self._mode()) != "OFF":
            raise CaseFailed(f"the loop came back in {mode}, not OFF")

    # -- what they look at -------------------------------------------------------------------------

    def records(self) -> list[Entry]:
        """Return every record of this run."""
        path = self.bench.state / "records.sqlite"
        if not path.is_file():
            return []
        reader = RecordReader(path)
        try:
            return list(reader.since(0, limit=2**31))
        finally:
            reader.close()

    def _cycles(self) -> list[Entry]:
        return [one for one in self.records() if one.kind == "cycle" and one.loop == self.loop]

    def _mode(self) -> str:
        cycles = self._cycles()
        return str(cycles[-1].body["mode"]) if cycles else ""

    def _in_a_row(self, mode: str) -> int:
        """Return how many of the last cycles were in `mode`."""
        count = 0
        for one in reversed(self._cycles()):
            if one.body["mode"] != mode:
                break
            count += 1
        return count

    def _remote(self) -> object:
        row = self._cycles()[-1].body.get("inputs", {}).get(self.hand["remote_active"])
        return None if row is None else row[0]

    def _has_planned(self) -> bool:
        if self._in_a_row("SHADOW") < SHADOW_CYCLES:
            return False
        return bool(self._cycles()[-1].body.get("plan", {}).get("status") == "solved")

    def _nothing_written(self) -> None:
        if any(one.kind == "intent" for one in self.records()):
            raise CaseFailed("something was written before anybody had asked for AUTO")

    def _to_auto(self) -> None:
        """Close the loop as a person does: watch it plan in SHADOW first, then ask for AUTO."""
        self._ask("SHADOW")
        self._until("a plan", self._has_planned, at_least_s=START_S)
        self._ask("AUTO")
        self._until("AUTO", lambda: self._in_a_row("AUTO") >= AUTO_CYCLES)

    def _ask(self, mode: str) -> None:
        answer = self.bench.ask_engine(do="mode", loop=self.loop, mode=mode, who="bench")
        if not answer.get("ok", True):
            raise CaseFailed(f"{mode} was refused: {answer.get('text', answer)}")

    def _until(self, what: str, come: Callable[[], bool], at_least_s: float = 0.0) -> None:
        until_s = time.monotonic() + max(PATIENCE * self.period_s / self.bench.speed, at_least_s)
        while not come():
            if time.monotonic() > until_s:
                raise CaseFailed(f"{what} did not come; {self._course()}")
            time.sleep(min(0.25 * self.period_s / self.bench.speed, 1.0))

    def _course(self) -> str:
        """Say which mode the loop is in, since when, and what brought it there."""
        cycles = self._cycles()
        if not cycles:
            return "no cycle was recorded"
        first = cycles[-self._in_a_row(str(cycles[-1].body["mode"]))].body
        reason = first.get("verdict", {}).get("limiting", "")
        return f"the loop is {first['mode']} since cycle {first['sequence']}: {reason}"


def loop_words(hand: Mapping[str, str]) -> str:
    """Return by what word the judge knows a loop's PLC."""
    return hand["heartbeat_out"].partition(".")[0]


def confirmed(entries: list[Entry], hand: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the setpoints a PLC confirmed, as the judge reads a log; `active` is what it used."""
    rows = []
    for one in entries:
        body = one.body
        written = body.get("written", {}) if one.kind == "cycle" else {}
        landed = {tag: v for tag, v in written.get("landed", {}).items() if v is not None}
        for tag, value in landed.items():
            rows.append({"plant_s": body["now_s"], "tag": tag, "value": value,
                         "active": body["applied"].get(tag)})  # fmt: skip
        if landed:
            rows.append({"plant_s": body["now_s"], "tag": hand["heartbeat_out"], "value": 0,
                         "active": None})  # fmt: skip
    return rows


def new_state(folder: Path, pki: Path | None) -> Path:
    """Make a state folder of its own for a bench run, with the line's certificates."""
    folder.mkdir(parents=True)
    if pki is not None and pki.is_dir():
        shutil.copytree(pki, folder / "pki")
    return folder
