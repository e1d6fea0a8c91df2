"""Plays faults on real sockets, one after the other on one line, and judges each.

Beside the sign a play names, three things are asked of each: the judge, behind the proxy, sees no
unsafe frame; the loops of the other sources lose no beat; the struck source is read again within
ten seconds of coming back. Figures are wall seconds, from the cycle records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hil.fault_catalogue import Fault, Play
from hil.fault_reaction import Evidence, judged_s, reactions
from hil.fault_run import Outcome
from hil.judge import judge_rows, read_log
from hil.real_line import RealLine, struck
from hil.wire_evidence import WireEvidence
from records.chain import verify
from records.reader import Entry

BACK_WITHIN_S = 10.0  # wall: a source that came back is read again
LOGS = ("plc-coater.jsonl", "plc-mixer.jsonl")
Say = Callable[[str], None]


def real_plays(fault: Fault) -> list[Play]:
    """Return the plays of a fault that need real sockets and processes."""
    return [play for play in fault.plays if play.medium == "real"]


def play_real(
    faults: Sequence[Fault],
    sealed: Mapping[str, Any],
    state: Path,
    seed: int,
    speed: float,
    say: Say,
) -> list[dict[str, Any]]:
    """Play every real play of these faults; return their outcomes with figures."""
    found = []
    with RealLine(sealed, state, seed, speed) as line:
        for fault in faults:
            for play in real_plays(fault):
                one = _play(line, fault, play)
                word = "passed" if one["passed"] else f"MISSED {'; '.join(one['misses'])}"
                say(f"{fault.id} {play.name}: {word}")
                found.append(one)
    return [{"key": f"{one['fault']}-{one['play']}.{seed:04d}", "pair": False, **one}
            for one in (*found, _whole(line))]  # fmt: skip


def _play(line: RealLine, fault: Fault, play: Play) -> dict[str, Any]:
    outcome = Outcome(fault.id, play.name, line.seed, "real")
    if not line.to_auto(play.loop):
        outcome.misses.append("the fault never struck: the loop did not reach AUTO in time")
        return {**outcome.to_json(), "figures": {}}
    before = line.entries()
    struck_s = _now_s(before)
    seen_frames = len(_judged(line).escapes)
    with struck(line.injection(play.verb, play.loop, play.args)):
        time.sleep(line.wall_s(play.loop, play.lasts))
    ended_s = _now_s(line.entries(before[-1].seq))
    rows = _until_back(line, play, before[-1].seq, ended_s)
    figures = _figures(line, play, rows, struck_s, ended_s)
    evidence = Evidence([(e.kind, e.loop, e.body) for e in rows if e.loop == play.loop],
                        [], [], struck_s)  # fmt: skip
    period_s = float(line.sealed["loops"][play.loop]["period"])
    for sign in reactions(play.expect, evidence):
        outcome.seen.append(f"{sign.what}: {sign.after_s} s")
        if sign.after_s is None or sign.after_s > play.within * period_s:
            outcome.misses.append(f"{sign.what} after {sign.after_s} s, budget {play.within:g} T")
    if figures["back_s"] is None or figures["back_s"] > BACK_WITHIN_S:
        outcome.misses.append(f"read again after {figures['back_s']} s, budget {BACK_WITHIN_S:g} s")
    if figures["neighbours_slips"]:
        outcome.misses.append(f"the neighbours lost {figures['neighbours_slips']} beat(s)")
    escapes = _judged(line).escapes[seen_frames:]
    outcome.safe, outcome.escapes = not escapes, escapes[:5]
    return {**outcome.to_json(), "figures": figures}


def _until_back(line: RealLine, play: Play, after: int, ended_s: float) -> list[Entry]:
    """Wait until the struck source is read again, or its time is up; return the rows since."""
    until_s = time.monotonic() + BACK_WITHIN_S + line.wall_s(play.loop, 2.0)
    while time.monotonic() < until_s:
        rows = line.entries(after)
        if _back_s(rows, play.loop, ended_s) is not None:
            break
        time.sleep(line.wall_s(play.loop, 0.5))
    return line.entries(after)


def _back_s(rows: Sequence[Entry], loop: str, ended_s: float) -> float | None:
    """Return the engine seconds from the fault's end to the first cycle that read everything."""
    for row in rows:
        if row.kind == "cycle" and row.loop == loop and judged_s(row.body) > ended_s:
            inputs = row.body.get("inputs", {})
            if inputs and all(sample[1] != 0 for sample in inputs.values()):
                return judged_s(row.body) - ended_s
    return None


def _figures(
    line: RealLine, play: Play, rows: Sequence[Entry], struck_s: float, ended_s: float
) -> dict[str, Any]:
    """Return what a struck source cost itself, its neighbours and the gate [wall s, ms]."""
    source = line.source_of(play.loop)
    others = [name for name in line.sealed["loops"] if line.source_of(name) != source]
    during = [r for r in rows if r.kind == "cycle" and judged_s(r.body) >= struck_s]
    near = [row.body["timing"] for row in during if row.loop in others]
    own = [row.body["timing"] for row in during if row.loop == play.loop]
    back_s = _back_s(rows, play.loop, ended_s)
    slips = [r for r in rows if r.kind == "event" and r.body.get("event") == "slip"]
    return {
        "back_s": None if back_s is None else round(back_s / line.speed, 2),
        "own_read_ms": max((one["read_ms"] for one in own), default=None),
        "gate_ms": max((one["gate_ms"] for one in (*own, *near)), default=None),
        "neighbours": others,
        "neighbours_cycles": len(near),
        "neighbours_read_ms": max((one["read_ms"] for one in near), default=None),
        "neighbours_late_s": max((one["late_s"] / line.speed for one in near), default=None),
        "neighbours_slips": sum(int(r.body["lost"]) for r in slips if r.loop in others),
    }


def _whole(line: RealLine) -> dict[str, Any]:
    """Judge the whole run once its processes have ended: chain and orphans."""
    outcome = Outcome("all", "whole-run", line.seed, "real")
    rows = line.entries()
    report = verify(line.state / "records.sqlite")
    if not report.ok:
        outcome.misses.append(f"records: {report.text}")
    intents: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.kind == "intent":
            intents.setdefault(row.loop, []).append(row.body)
    log = [row for name in LOGS for row in read_log(line.state / name)]
    orphans = WireEvidence(line.sealed).orphans(log, intents)
    outcome.misses += [f"orphan write: {text}" for text in orphans[:3]]
    judged = judge_rows(log)
    outcome.safe, outcome.escapes = judged.clean, judged.escapes[:5]
    outcome.frames, outcome.setpoints = judged.frames, judged.setpoints
    outcome.cycles = sum(1 for row in rows if row.kind == "cycle")
    return {**outcome.to_json(), "figures": {}}


def _judged(line: RealLine) -> Any:  # noqa: ANN401 - a Judgement
    return judge_rows(row for name in LOGS for row in read_log(line.state / name))


def _now_s(rows: Sequence[Entry]) -> float:
    """Return the engine time of the newest cycle [s]."""
    return max((judged_s(row.body) for row in rows if row.kind == "cycle"), default=0.0)
