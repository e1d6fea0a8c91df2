"""kill -9 at random instants, again and again, and after each a look at what is left (G4, F62).

The engine process is real: wire, gate, records, heartbeat. It drives the bench's PLCs over real
sockets, is asked for AUTO, and dies at an instant of the dice: while it starts, while it plans,
between intent and wire, in the middle of a commit. The next one starts on what it left behind.
Then the records must hold every row that was acknowledged, the chain must be whole, and the PLCs'
own logs must hold no word that the records do not explain. One line of JSON per kill, so a
campaign that was interrupted goes on.
"""

from __future__ import annotations

import contextlib
import json
import random
import select
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hil.bench import Bench, BenchError, on_free_ports
from hil.wire_evidence import WireEvidence
from records.chain import verify
from records.reader import Entry, RecordReader
from records.row import Head, read_head
from service import commands
from service.solver_child import leashed

READY_WITHIN_S = 60.0
WHOLE_EVERY = 20  # kills between two verifications of the whole file
WHILE_STARTING = 0.1  # share of the kills that hit an engine before it is ready
LOGS = ("plc-coater.jsonl", "plc-mixer.jsonl")


@dataclass(slots=True)
class Kill:
    """One kill and what it left. Times in wall seconds; None: that engine never became ready."""

    number: int
    starting: bool
    alive_s: float
    restart_s: float | None = None
    modes: list[str] = field(default_factory=list)
    rows: int = 0
    wire_words: int = 0
    unresolved: int = 0
    faults: list[str] = field(default_factory=list)


class KillCampaign:
    """Kills and looks; `state` keeps everything, also from one campaign to its continuation."""

    def __init__(self, state: Path, seed: int, speed: float, longest_s: float) -> None:
        """`speed` is plant seconds per second; an engine lives up to `longest_s` once ready."""
        self.state = state
        self._records = state / "records.sqlite"
        self._seed, self._speed, self._longest_s = seed, speed, longest_s
        self._results = state / "kills.jsonl"
        self._promises: list[str] = []
        self._head: Head | None = None
        self._seen = 0
        self._in_flight: dict[str, list[Any]] = {}

    def done(self) -> list[Kill]:
        """Return the kills of this campaign so far."""
        if not self._results.exists():
            return []
        return [Kill(**json.loads(line)) for line in self._results.read_text("ascii").splitlines()]

    def run(self, kills: int, say: Callable[[str], None]) -> list[Kill]:
        """Go on until there are `kills` kills; return all of them."""
        self.state.mkdir(parents=True, exist_ok=True)
        done = self.done()
        kept = self.state / "sealed.json"
        sealed = json.loads(kept.read_text("ascii")) if kept.exists() else _sealed()
        with Bench(sealed, self.state, speed=self._speed, seed=self._seed) as bench:
            bench.start_line()
            evidence = WireEvidence(bench.sealed)
            logs = _Logs([self.state / name for name in LOGS])
            self._seen = _last_row(self._records)
            for number in range(len(done) + 1, kills + 1):
                kill = self._one(number, bench, evidence, logs)
                done.append(kill)
                with self._results.open("a", encoding="ascii") as lines:
                    lines.write(json.dumps(asdict(kill)) + "\n")
                if number % 50 == 0 or kill.faults:
                    say(f"{number} kills, {sum(len(one.faults) for one in done)} fault(s)")
            if done and len(done) == kills:
                done[-1].faults += self._last_look(bench, evidence, logs)
        return done

    def _last_look(self, bench: Bench, evidence: WireEvidence, logs: _Logs) -> list[str]:
        """Start once more after the last kill, judge what it left, end in peace."""
        look = Kill(0, False, 0.0)
        engine = _spawn(bench)
        try:
            _wait_ready(engine, self.state)
            self._judge(look, evidence, logs)
        finally:
            engine.terminate()
            engine.communicate()
        return look.faults

    def _one(self, number: int, bench: Bench, evidence: WireEvidence, logs: _Logs) -> Kill:
        """Start an engine, judge what the one before left, let this one work, kill it."""
        dice = random.Random(f"{self._seed} {number}")
        starting = dice.random() < WHILE_STARTING
        kill = Kill(number, starting, dice.uniform(0.0, 1.0 if starting else self._longest_s))
        began_s = time.monotonic()
        engine = _spawn(bench)
        try:
            if starting:
                time.sleep(kill.alive_s)
            else:
                _wait_ready(engine, self.state)
                kill.restart_s = round(time.monotonic() - began_s, 3)
                self._judge(kill, evidence, logs)
                self._work(number, kill.alive_s)
        finally:
            engine.kill()
            engine.communicate()
        self._head = read_head(self._records) or self._head
        return kill

    def _judge(self, kill: Kill, evidence: WireEvidence, logs: _Logs) -> None:
        """Look at everything since the last look: rows, promises, what the PLCs took."""
        before = evidence.words
        rows = _rows_after(self._records, self._seen)
        if kill.number % WHOLE_EVERY == 0:  # the start just now has verified the tail
            report = verify(self._records)
            kill.faults += [] if report.ok else [f"chain: {report.text}"]
        if self._head is not None:
            kept = next((row for row in rows if row.seq == self._head.seq), None)
            if self._head.seq > self._seen and (kept is None or kept.hash != self._head.hash):
                kill.faults.append(f"lost: row {self._head.seq} had been acknowledged")
        asked = {row.body.get("why") for row in rows if row.kind == "request"}
        kill.faults += [f"lost: the request '{why}'" for why in self._promises if why not in asked]
        starts = [i for i, row in enumerate(rows) if row.kind == "start"]
        # Rows before the newest start belong to the engines that were killed.
        past = rows[: starts[-1]] if starts else rows
        # A PLC may take the last words of the killed engine after our last look.
        intents = {loop: bodies[-1:] for loop, bodies in self._in_flight.items()}
        for row in past:
            if row.kind == "intent":
                intents.setdefault(row.loop, []).append(row.body)
        self._in_flight = intents
        kill.faults += [f"orphan: {text}" for text in evidence.orphans(logs.new(), intents)]
        last = {row.loop: row.body["mode"] for row in past if row.kind == "cycle"}
        kill.modes, kill.rows = sorted(last.values()), len(past)
        kill.wire_words = evidence.words - before
        kill.unresolved = len(rows[starts[-1]].body["unresolved_intents"]) if starts else 0
        self._promises.clear()
        self._seen = past[-1].seq if past else self._seen

    def _work(self, number: int, alive_s: float) -> None:
        """Ask for AUTO until the loops take it, until this engine's time is up."""
        until_s = time.monotonic() + alive_s
        asked = 0
        while (left_s := until_s - time.monotonic()) > 0.0:
            for loop in self._waiting():
                asked += 1
                why = f"kill {number} request {asked}"
                message = {"do": "mode", "loop": loop, "mode": "AUTO", "who": "dice", "why": why}
                with contextlib.suppress(OSError):
                    if commands.ask(self.state, message)["ok"]:
                        self._promises.append(why)
            time.sleep(min(0.05, left_s))

    def _waiting(self) -> list[str]:
        """Return the loops that are not on their way to AUTO and have judged the last request."""
        try:
            loops = commands.ask(self.state, {"do": "status"})["loops"]
        except OSError:
            return []
        spent = ("SHADOW", "SHED")
        return [
            name
            for name, loop in loops.items()
            if loop["requested"] == "OFF" or (loop["mode"] in spent and loop["plan"] == "solved")
        ]


def summary(kills: list[Kill]) -> dict[str, Any]:
    """Return the figures of a campaign."""
    restarts = sorted(one.restart_s for one in kills if one.restart_s is not None)
    faults = [fault for one in kills for fault in one.faults]
    kinds = ("lost", "chain", "orphan")
    return {
        "kills": len(kills),
        "while_starting": sum(one.starting for one in kills),
        "after_an_intent": sum(one.unresolved for one in kills),
        "modes_when_killed": dict(Counter(mode for one in kills for mode in one.modes)),
        "rows": sum(one.rows for one in kills),
        "wire_words": sum(one.wire_words for one in kills),
        "restart_s": {
            "median": restarts[len(restarts) // 2] if restarts else None,
            "p99": restarts[int(0.99 * (len(restarts) - 1))] if restarts else None,
            "worst": restarts[-1] if restarts else None,
            "over_5_s": sum(one > 5.0 for one in restarts),
        },
        **{name: sum(fault.startswith(name) for fault in faults) for name in kinds},
        "faults": faults[:20],
        "ok": not faults,
    }


class _Logs:
    """What the PLCs wrote down since the last look."""

    def __init__(self, paths: list[Path]) -> None:
        self._read = {path: path.stat().st_size if path.exists() else 0 for path in paths}

    def new(self) -> Iterator[dict[str, Any]]:
        for path, start in self._read.items():
            with path.open("rb") as lines:
                lines.seek(start)
                text = lines.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read[path] = start + len(whole)
            yield from (json.loads(line) for line in whole.splitlines())


def _sealed() -> dict[str, Any]:
    from hil.virtual_line import default_sealed

    return on_free_ports(default_sealed())


def _spawn(bench: Bench) -> subprocess.Popen[str]:
    arguments = [str(bench.state), str(bench.state / "sealed.json"), repr(bench.speed)]
    with (bench.state / "engine.log").open("a", encoding="utf-8") as log:
        return subprocess.Popen(
            [*leashed("hil.quick_engine"), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip


def _wait_ready(engine: subprocess.Popen[str], state: Path) -> None:
    assert engine.stdout is not None  # noqa: S101 - we asked for a pipe
    if select.select([engine.stdout], [], [], READY_WITHIN_S)[0] and engine.stdout.readline():
        return
    tail = (state / "engine.log").read_text("utf-8", "replace").splitlines()[-12:]
    raise BenchError("the engine did not come up again. It said last:\n" + "\n".join(tail))


def _rows_after(path: Path, seq: int) -> list[Entry]:
    reader = RecordReader(path)
    try:
        return list(reader.since(seq, limit=1_000_000))
    finally:
        reader.close()


def _last_row(path: Path) -> int:
    if not path.exists():
        return 0
    reader = RecordReader(path)
    try:
        return reader.last_seq()
    finally:
        reader.close()
