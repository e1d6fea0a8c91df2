"""A drill of the history: hours of production, followed, archived, pruned and restored.

The records come from the engine's own cycle through the engine's own recorder, on a real disk; only
the line and the time are virtual. The last hour ends at midnight, so the day is closed as in a
plant; a last batch follows on the next day, and quality's review three days later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hil.plc_mixer import MixerPlc
from hil.scenario import Event, load_scenario
from hil.scenario_run import ScenarioRun
from hil.simulate import with_kind
from records.canonical import canonical_json, in_canonical_order
from records.reader import RecordReader
from records.recorder import FileRecorder
from records.store import RecordStore
from service.backup import backup
from service.backup import restore as restore_backup
from service.clock import utc_text
from service.door_reports import review_meaning
from service.history.archive import archive_of, mark_of
from service.history.follower import carry_all, history_folder, open_store
from service.history.kept import day_span, milliseconds
from service.history.restore import drill as drill_restore
from service.history.restore import put_back
from service.history.retention import fates, prune
from service.history.store import Store
from service.identity import hashes_of

MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
DAY = (MIDNIGHT - timedelta(seconds=1)).date().isoformat()
LOOPS = ("coating", "profile", "mixing")
AFTER_MIN = 4.0  # of production on the next day, until the next batch is at the coater
CLEANED_MIN = 25.0  # until the mixer is clean and the next one has begun there too
BATCH_MIN = 480.0
MIXER_FROM = 1000
PATIENCE_S = 60.0  # a busy bench waits for its disk; a plant does not
TREND = "coater.dry_coat_weight"
_RULES = {"store": {"days": 1}}


@dataclass(frozen=True, slots=True)
class Shift:
    """What is played before midnight: how long, by which controllers, in which loops."""

    hours: float
    kind: str = "mpc"
    loops: tuple[str, ...] = LOOPS

    @property
    def minutes(self) -> float:
        """Return how long it is before midnight."""
        return self.hours * 60.0

    @property
    def after_min(self) -> float:
        """Return how long it goes on, so that every batch of the day is followed by another."""
        return CLEANED_MIN if "mixing" in self.loops else AFTER_MIN


@dataclass(slots=True)
class Drill:
    """What a drill has found: figures, and what should have held."""

    figures: dict[str, Any]
    checks: dict[str, bool]

    @property
    def ok(self) -> bool:
        """Say whether everything held."""
        return all(self.checks.values())


def drill(
    folder: Path, sealed: Mapping[str, Any], shift: Shift, say: Callable[[str], None]
) -> Drill:
    """Play `shift` into the new folder `folder` and judge its history."""
    state = folder / "line"
    found = Drill({"hours": shift.hours}, {})
    with _timed(found, "played"):
        record(state, sealed, shift)
    say("followed ...")
    store = open_store(state, str(sealed["line"]["id"]), write=True)
    reader = RecordReader(state / "records.sqlite")
    try:
        with _timed(found, "followed"):
            carry_all(state, store)
        _judge_gaps(found, reader, store, sealed, shift.loops)
        say("archived, pruned, restored ...")
        _judge_archive(found, state, store, reader.last_seq(), sealed)
    finally:
        reader.close()
        store.close()
    found.figures["records_mb"] = _mb(state / "records.sqlite")
    say("backed up and restored ...")
    made = backup(state, folder / "line.tar.gz")
    found.checks["a restored backup is equal, history and archive included"] = (
        restore_backup(folder / "line.tar.gz", folder / "restored") == made
        and not archive_of(history_folder(folder / "restored")).faults()
    )
    return found


def record(state: Path, sealed: Mapping[str, Any], shift: Shift) -> None:
    """Write the records of `shift`, and of what came after midnight, into `state`."""
    configuration = in_canonical_order(with_kind(sealed, shift.kind))
    changes = [at for at in (n * BATCH_MIN for n in range(1, 100)) if at < shift.minutes - 1.0]
    scenario = load_scenario("nominal").model_copy(
        update={
            "duration_min": shift.minutes + shift.after_min,
            "loops": list(shift.loops),
            "events": [Event(at_min=at, kind="batch_change") for at in (*changes, shift.minutes)],
        }
    )
    start = MIDNIGHT - timedelta(hours=shift.hours)
    run = _Production(scenario, 1, shift.kind, configuration, utc_start=start)
    run.count_apart()
    state.mkdir(parents=True)
    (state / "sealed.json").write_text(canonical_json(configuration), "utf-8")
    hashes = hashes_of(configuration)

    async def recorded() -> None:
        recorder = await FileRecorder.open(state / "records.sqlite", PATIENCE_S)
        try:
            first = {"sealed": configuration, "hashes": hashes, "speed": 1.0,
                     "unresolved_intents": {}}  # fmt: skip
            await recorder.append("start", "", run.clock.utc(), first)
            for loop in run.loops.values():
                loop.recorder, loop.hashes = recorder, hashes
            await run.played()
        finally:
            await recorder.close()

    asyncio.run(recorded())
    later = RecordStore(state / "records.sqlite")
    try:
        utc = utc_text(MIDNIGHT + timedelta(days=3))
        last = 0 if later.head is None else later.head.seq
        later.append("signature", "", utc, {"meaning": review_meaning(1, last, "drill")})
    finally:
        later.close()


class _Production(ScenarioRun):
    """Production batch after batch: the mixer's ends with the coater's, and the next one begins."""

    def count_apart(self) -> None:
        """Let the mixer count from another number than the coater: batches go by their number."""
        mixer = self.line.mixer.program
        if not isinstance(mixer, MixerPlc):
            raise TypeError("this line has no mixer that counts batches")
        mixer.sequence.batch += MIXER_FROM

    def _happen(self, event: Event) -> None:
        if event.kind == "batch_change":
            self.line.panel("mixer", abort=True)
        super()._happen(event)

    def _sample(self, now_s: float) -> None:
        super()._sample(now_s)
        if self.line.mixer.image["mixer.phase"] == 0:
            self.line.panel("mixer", start_batch=True)


def _judge_gaps(
    found: Drill,
    reader: RecordReader,
    store: Store,
    sealed: Mapping[str, Any],
    loops: tuple[str, ...],
) -> None:
    """Compare the history with the records, and each loop's cycles with its period."""
    recorded: dict[str, list[tuple[int, int]]] = {loop: [] for loop in loops}
    seq = 0
    while entries := reader.since(seq, 1000):
        for entry in entries:
            if entry.kind == "cycle":
                recorded[entry.loop].append((entry.seq, milliseconds(entry.utc)))
        seq = entries[-1].seq
    question = "SELECT seq, t_ms FROM cycle WHERE loop = ? ORDER BY seq"
    for loop, cycles in recorded.items():
        kept = [tuple(row) for row in store.ask(question, (loop,), None, None)]
        period_ms = round(1000.0 * sealed["loops"][loop]["period"])
        steps = {later - earlier for (_, earlier), (_, later) in pairwise(kept)}
        found.figures[f"{loop}_cycles"] = len(kept)
        found.checks[f"{loop}: every recorded cycle is kept once, in order"] = kept == cycles
        found.checks[f"{loop}: no step between two cycles but its period"] = steps == {period_ms}
    counted = store.ask("SELECT COUNT(*) FROM sample", (), None, None)
    found.figures["readings"] = sum(row[0] for row in counted)


def _judge_archive(
    found: Drill, state: Path, store: Store, last: int, sealed: Mapping[str, Any]
) -> None:
    archive, today = archive_of(history_folder(state)), "2026-12-31"
    begin, end = day_span(DAY)
    before = store.trend(TREND, begin, end, 1000)
    found.figures["store_mb"] = _mb(history_folder(state))
    with _timed(found, "archived"):
        for one in archive.due(store, today):
            archive.add(store, one, sealed, utc_text(MIDNIGHT + timedelta(days=4)))
    found.figures["archive_mb"] = _mb(archive.folder)
    found.checks["nothing is due, nothing is wrong with the archive"] = (
        not archive.due(store, today) and not archive.faults()
    )
    waiting = {fate.day: fate.kept for fate in fates(store, archive, _RULES, [], today)
               if fate.place == "store"}  # fmt: skip
    found.checks["without a review the day stays"] = "not reviewed" in waiting[DAY]
    going = [fate for fate in fates(store, archive, _RULES, [(1, last)], today) if not fate.kept]
    found.checks["only the closed, reviewed day goes"] = [fate.day for fate in going] == [DAY]
    prune(store, archive, going, utc_text(MIDNIGHT), "drill", "drill")
    with _timed(found, "trend_of_an_archived_day"):
        found.checks["an archived day shows the same trend"] = before == store.trend(
            TREND, begin, end, 1000
        )
    with _timed(found, "restored"):
        drill_restore(archive, [DAY])
        put_back(store, archive, DAY)  # raises when it is not equal by hash
    found.checks["a restored day is as it was"] = mark_of(archive.days()[DAY]) == store.day_mark(
        DAY
    ) and before == store.trend(TREND, begin, end, 1000)


class _timed:  # noqa: N801 - reads as a word in a with statement
    """Adds the wall time of a block to the figures."""

    def __init__(self, found: Drill, name: str) -> None:
        self._found, self._name = found, f"{name}_s"

    def __enter__(self) -> None:
        self._began_s = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._found.figures[self._name] = round(time.perf_counter() - self._began_s, 2)


def _mb(path: Path) -> float:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return round(sum(one.stat().st_size for one in files) / 1e6, 2)
