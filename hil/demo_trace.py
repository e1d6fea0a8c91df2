"""What a demo run left behind, gathered into plain series: records, PLC logs, the plant's truth.

Everything here is read from files after the run; nothing is taken from a process's own account of
itself. Times are plant seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.judge import Judgement, judge_logs, read_log
from hil.revision import commit_of_tree
from hil.scenario_run import TRUE_CV
from hil.trace_mcap import Run, write_trace
from records.canonical import sha256_of
from records.chain import ChainReport, verify
from records.reader import RecordReader

PLC_LOGS = ("plc-coater.jsonl", "plc-mixer.jsonl")


@dataclass(frozen=True, slots=True)
class Cycle:
    """One recorded cycle: when (plant seconds), in which mode, and the whole record."""

    at_s: float
    mode: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DemoTrace:
    """Everything the verdict and the report are made from."""

    sealed: Mapping[str, Any]
    cycles: Mapping[str, Sequence[Cycle]]
    events: Sequence[Mapping[str, Any]]
    truth: Sequence[Mapping[str, float]]
    plc_events: Sequence[Mapping[str, Any]]
    judgement: Judgement
    chain: ChainReport
    hashes: Mapping[str, str]

    def courses(self) -> dict[str, list[float]]:
        """Return the true courses and confirmed setpoints in the shape of a simulated trace."""
        courses: dict[str, list[float]] = {
            "time_s": [row["time_s"] for row in self.truth],
            "web_m": [row["coater.web_length"] for row in self.truth],
        }
        for loop in self.cycles:
            courses[f"{loop}.cv"] = [row[TRUE_CV[loop]] for row in self.truth]
            for tag in self.sealed["loops"][loop]["mvs"]:
                rows = [c for c in self.cycles[loop] if tag in c.body.get("applied", {})]
                courses[f"{tag} time_s"] = [c.at_s for c in rows]
                courses[tag] = [float(c.body["applied"][tag]) for c in rows]
        return courses


def gather(state: Path, sealed: Mapping[str, Any], engine_minus_plant_s: float) -> DemoTrace:
    """Read what a run left in `state`; `engine_minus_plant_s` ties engine time to plant time."""
    cycles: dict[str, list[Cycle]] = {loop: [] for loop in sealed["loops"]}
    events: list[Mapping[str, Any]] = []
    hashes: Mapping[str, str] = {}
    at_s = 0.0  # of the newest cycle: what has no time of its own came after it
    reader = RecordReader(state / "records.sqlite")
    seen = 0
    while rows := reader.since(seen, 2000):
        seen = rows[-1].seq
        for row in rows:
            if row.kind == "cycle":
                at_s = float(row.body["now_s"]) - engine_minus_plant_s
                cycles[row.loop].append(Cycle(at_s, row.body["mode"], row.body))
            elif row.kind == "start":
                hashes = row.body["hashes"]
                events.append({"kind": row.kind, "at_s": at_s, **row.body})
            elif row.kind != "intent":
                events.append({"kind": row.kind, "at_s": at_s, **row.body})
    reader.close()
    logs = [state / name for name in PLC_LOGS]
    plc_rows = [row for log in logs for row in read_log(log)]
    return DemoTrace(
        sealed, cycles, events, read_truth(state / "truth.jsonl"),
        [row for row in plc_rows if "event" in row], judge_logs(logs),
        verify(state / "records.sqlite"), hashes,
    )  # fmt: skip


def read_truth(path: Path) -> list[dict[str, float]]:
    """Read the plant's own log of what really was."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]


def trace_demo(path: Path, state: Path, sealed: Mapping[str, Any], offset_s: float) -> Path:
    """Write one MCAP file of what a demo left in `state`; `offset_s` is engine minus plant time."""
    reader = RecordReader(state / "records.sqlite")
    try:
        entries = list(reader.since(0, limit=2**31))
    finally:
        reader.close()
    log = [row for name in PLC_LOGS for row in read_log(state / name)]
    about = {"played": "demo", "config": sha256_of(sealed), "commit": commit_of_tree()}
    return write_trace(path, Run(entries, log, [], sealed, about, offset_s))
