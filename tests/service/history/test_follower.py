"""The historian keeps every record once, whatever ends it, on both kinds of store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from records.reader import RecordReader
from service.history.day_files import DayFiles
from service.history.follower import Follower, carry_all, history_folder
from service.history.kept import kept
from service.history.store import HistoryError, Store
from tests.service.history.world import START, TAG, cycle, make_records, sealed

ROOT = Path(__file__).resolve().parents[3]
T0 = round(START.timestamp() * 1000)
T1 = T0 + 900 * 8000


def numbers(store: Store) -> list[int]:
    found = [row[0] for row in store.ask("SELECT seq FROM cycle ORDER BY seq", (), None, None)]
    return [int(seq) for seq in found]


def cycles_of(state: Path) -> list[int]:
    reader = RecordReader(state / "records.sqlite")
    try:
        return [row.seq for row in reader.since(0, 10**6) if row.kind == "cycle"]
    finally:
        reader.close()


def test_every_cycle_is_kept_once_with_its_readings_and_its_batch(
    state: Path, store: Store
) -> None:
    carry_all(state, store)
    assert numbers(store) == cycles_of(state)
    [(samples,)] = [
        (sum(row[0] for row in store.ask("SELECT COUNT(*) FROM sample", (), None, None)),)
    ]
    assert samples == 900 * 4  # coat weight, running, batch, and the one that is computed
    assert [(b.batch, b.cycles, b.equipment) for b in store.batches()] == [
        (7, 300, "test-1/coater/coating"),
        (8, 300, "test-1/coater/coating"),
        (9, 300, "test-1/coater/coating"),
    ]
    carry_all(state, store)  # nothing twice
    assert len(numbers(store)) == 900


def test_a_follower_that_stops_anywhere_goes_on_where_it_was(
    state: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.history.follower.AT_ONCE", 97)
    for _ in range(20):
        follower = Follower(state, store)
        follower.catch_up()
        follower.close()
    assert numbers(store) == cycles_of(state)


def test_a_thinned_trend_keeps_every_peak_and_every_gap(state: Path, store: Store) -> None:
    carry_all(state, store)
    all_ = store.trend(TAG, T0, T1, 10_000)
    thin = store.trend(TAG, T0, T1, 60)
    assert len(all_) == 900
    assert len(thin) <= 60
    highs = [b.high for b in all_ if b.high is not None]
    assert max(b.high for b in thin if b.high is not None) == max(highs)
    assert min(b.low for b in thin if b.low is not None) == min(highs)
    assert sum(b.readings for b in thin) == 900
    assert sum(b.bad for b in thin) == sum(b.bad for b in all_) == 18
    assert [b.high for b in store.trend(TAG, T0 + 49 * 8000, T0 + 50 * 8000, 10)] == [None]


def test_the_history_of_other_records_is_refused(state: Path, store: Store, tmp_path: Path) -> None:
    make_records(tmp_path / "other", cycles=3, start=START + timedelta(hours=1))
    carry_all(tmp_path / "other", store)
    with pytest.raises(HistoryError, match="must not mix"):
        Follower(state, store)


@pytest.mark.slow
def test_no_kill_leaves_a_gap_or_a_double(tmp_path: Path) -> None:
    make_records(tmp_path, cycles=1300)
    store = DayFiles(history_folder(tmp_path))
    words = [sys.executable, "-m", "service.history", "--state", str(tmp_path)]
    seen = 0
    for _ in range(3):
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"] == "history"
        while (seq := mark_of(tmp_path)) <= seen and process.poll() is None:
            continue
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        seen = seq
        kept_now = numbers(DayFiles(history_folder(tmp_path), write=True))
        assert kept_now == [n for n in cycles_of(tmp_path) if n <= mark_of(tmp_path)]
    writer = DayFiles(history_folder(tmp_path), write=True)
    carry_all(tmp_path, writer)
    writer.close()
    assert numbers(store) == cycles_of(tmp_path)


def mark_of(state: Path) -> int:
    store = DayFiles(history_folder(state))
    try:
        return store.mark().seq
    except HistoryError:  # a day that is being made
        return 0
    finally:
        store.close()


@pytest.mark.requirement("GMP-03")
def test_what_nothing_measures_never_poses_as_a_reading() -> None:
    row = kept(entry(cycle(1)), sealed())
    found = {s.tag: s.quality for s in row.samples}
    assert found["coater.computed"] == 1
    assert found[TAG] == 2
    assert "d_coat" not in found


@pytest.mark.requirement("FS-07")
@pytest.mark.parametrize(("batch", "said"), [(7, 7), (None, None)])
def test_a_batch_is_what_the_plc_said_or_unknown(batch: int | None, said: int | None) -> None:
    row = kept(entry(cycle(1, batch)), sealed())
    assert row.cycle is not None
    assert said == row.cycle[10]
    body = cycle(1, 7)
    body["inputs"]["coater.feed_batch"][1] = 0
    doubted = kept(entry(body), sealed())
    assert doubted.cycle is not None
    assert doubted.cycle[10] is None


def test_a_value_that_is_no_number_is_a_gap() -> None:
    body = cycle(1)
    body["inputs"][TAG][0] = "NaN"
    assert [s.value for s in kept(entry(body), sealed()).samples if s.tag == TAG] == [None]


def entry(body: dict[str, Any]) -> Any:
    from records.reader import Entry

    return Entry(3, "cycle", "coating", "2026-11-28T00:00:00.000Z", "h" * 64, body)
