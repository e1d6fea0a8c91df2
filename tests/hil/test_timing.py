"""The timing report: percentiles that were measured, slips and late cycles counted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from hil.timing import footprint, spread, timing_of
from hil.trace_mcap import Run, write_trace
from records.reader import Entry


def cycle(number: int, total_ms: float, *, late: bool = False) -> Entry:
    parts = dict.fromkeys(("read_ms", "plan_ms", "gate_ms", "record_ms", "write_ms"), 1.0)
    timing = {**parts, "total_ms": total_ms, "late": late, "late_s": 0.002}
    return Entry(number, "cycle", "coating", "", "", {"now_s": 8.0 * number, "timing": timing})


def records() -> list[Entry]:
    slip: dict[str, Any] = {"event": "slip", "lost": 3, "slips": 3}
    cycles = [cycle(n, float(n), late=n == 7) for n in range(1, 101)]
    return [*cycles, Entry(101, "event", "coating", "", "", slip)]


def test_a_percentile_is_a_time_that_was_measured() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"p50": 2.0, "p99": 3.0, "p999": 3.0, "max": 3.0}
    found = timing_of(records())["coating"]
    assert found["total_ms"] == {"p50": 50.0, "p99": 99.0, "p999": 100.0, "max": 100.0}
    assert spread([]) is None


def test_late_cycles_and_every_lost_one_are_counted() -> None:
    found = timing_of(records())["coating"]
    assert (found["cycles"], found["late"], found["slips"]) == (100, 1, 3)
    assert found["jitter_ms"]["max"] == pytest.approx(2.0)


def test_the_command_reads_a_trace_and_watches_a_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_trace(tmp_path / "x.mcap", Run(records(), [], [], {}, {}))
    words = ["hil", "timing", str(path), "--pid", str(os.getpid()), "--samples", "2"]
    assert answer([*words, "--every", "0.01", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["loops"]["coating"]["slips"] == 3
    assert len(said["process"]) == 2
    assert answer(words[:3]) == 0
    assert "100 cycles, 1 late, 3 lost to slips" in capsys.readouterr().out
    empty = write_trace(tmp_path / "empty.mcap", Run([], [], [], {}, {}))
    assert answer(["hil", "timing", str(empty)]) == 1


def test_a_process_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "x.mcap", Run(records(), [], [], {}, {}))
    assert answer(["hil", "timing", str(path), "--pid", "999999999"]) == 3


def test_a_footprint_is_what_the_kernel_says() -> None:
    before = footprint(os.getpid())
    with Path("/dev/null").open() as _:
        assert footprint(os.getpid())["descriptors"] == before["descriptors"] + 1
    assert before["memory_kib"] > 1000
