"""Was the reaction seen, and in time? Looks at what was recorded after the fault struck.

It reads the records and the PLCs' own log, nothing of the engine's memory: what is not written
down has not happened.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil.fault_catalogue import Expected
from service.cycle import NOTHING_TO_SEND

RANK = {"ALLOW": 0, "CLAMP": 1, "HOLD": 2, "SHED": 3, "TRIP": 4}
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one run left: recorded rows (kind, loop, body), PLC log, notes of refusals."""

    rows: Sequence[tuple[str, str, Body]]
    plc_log: Sequence[Body]
    notes: Sequence[tuple[float, str]]
    struck_s: float

    def cycles(self) -> list[Body]:
        """Return the cycles judged after the fault struck."""
        return [
            body
            for kind, _, body in self.rows
            if kind == "cycle" and judged_s(body) >= self.struck_s
        ]


@dataclass(frozen=True, slots=True)
class Seen:
    """One wanted sign: what it is, and after how many seconds it was seen (None: never)."""

    what: str
    after_s: float | None


def judged_s(body: Body) -> float:
    """When a cycle was judged, or was due where nothing was judged [engine s]."""
    return float(body.get("judged_s", body["now_s"]))


def reactions(expected: Expected, evidence: Evidence) -> list[Seen]:
    """Return every wanted sign with the time at which it was first seen."""
    cycles = evidence.cycles()
    tests: list[tuple[str, Callable[[Body], bool]]] = []
    if expected.action:
        least = RANK[expected.action]
        tests.append((expected.action, lambda b: RANK[b["verdict"]["action"]] >= least))
    if expected.mode:
        tests.append(("/".join(expected.mode), lambda b: b["mode"] in expected.mode))
    if expected.bad:
        tests.append((f"{expected.bad} bad", lambda b: _is_bad(b, expected.bad)))
    if expected.rule:
        tests.append((expected.rule, lambda b: expected.rule in _rules(b)))
    if expected.outcome:
        tests.append((expected.outcome, lambda b: _came_of_it(b) == expected.outcome))
    seen = [_first(what, test, cycles, evidence.struck_s) for what, test in tests]
    seen += _told(expected, evidence)
    if expected.steady:
        trouble = unrest(evidence)
        seen.append(Seen(f"steady{': ' + trouble if trouble else ''}", None if trouble else 0.0))
    return seen


def unrest(evidence: Evidence) -> str:
    """Say what disturbed a loop that nothing should have disturbed, or ''."""
    cycles = evidence.cycles()
    for body in cycles:
        if body["mode"] != "AUTO" or RANK[body["verdict"]["action"]] >= RANK["HOLD"]:
            return f"{body['mode']} {body['verdict']['limiting']}"
    numbers = [body["sequence"] for body in cycles]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True:
        return "a cycle is missing, or there was none"
    due = [body["due_s"] for body in cycles]
    if len({round(b - a, 6) for a, b in itertools.pairwise(due)}) > 1:
        return "the beat changed"
    slips = [body for kind, _, body in evidence.rows if kind == "event" and body["event"] == "slip"]
    return "a beat was lost" if slips else ""


_FROM: Mapping[str, tuple[str, ...]] = {
    "INIT": ("SHADOW", "INIT"),
    "AUTO": ("INIT", "AUTO", "HOLD"),
    "HOLD": ("INIT", "AUTO", "HOLD"),
}
"""Where the modes that write may come from; a start is OFF, or TRIPPED as it was left."""


def unlawful_course(rows: Sequence[tuple[str, str, Body]]) -> str:
    """Say which step of the recorded modes no loop may ever make, or ''."""
    before, reset = "", False
    for kind, _, body in rows:
        reset = reset or (kind == "request" and bool(body["reset"]))  # its cycle may be lost
        if kind == "start":
            before = str(next(iter(body["loops"].values())))
            if before not in ("OFF", "TRIPPED"):
                return f"an engine started in {before}"
        elif kind == "cycle":
            mode = str(body["mode"])
            if before not in _FROM.get(mode, (before,)):
                return f"{mode} came straight after {before} in cycle {body['sequence']}"
            if before == "TRIPPED" != mode and not (reset or body["request"]["reset"]):
                return f"{mode} came after TRIPPED without a reset in cycle {body['sequence']}"
            before, reset = mode, False
    return ""


def _told(expected: Expected, evidence: Evidence) -> list[Seen]:
    """Signs that are words: an event in the records, a line in the PLC's log, a refusal."""
    seen = []
    if expected.event:
        found = [
            _time_of(body, evidence)
            for kind, _, body in evidence.rows
            if kind == "event" and body.get("event") == expected.event
        ]
        seen.append(Seen(expected.event, min(found, default=None)))
    if expected.plc:
        at_s = (
            float(row["plant_s"]) - evidence.struck_s
            for row in evidence.plc_log
            if str(row.get("event", "")).startswith(expected.plc)
            and row["plant_s"] >= evidence.struck_s
        )
        seen.append(Seen(f"PLC: {expected.plc}", next(at_s, None)))
    if expected.said:
        at_s = (
            max(0.0, when - evidence.struck_s)
            for when, text in evidence.notes
            if expected.said in text and when >= evidence.struck_s
        )
        seen.append(Seen(f"'{expected.said}'", next(at_s, None)))
    return seen


def _time_of(body: Body, evidence: Evidence) -> float:
    """When an event happened: of those that carry no time, that of the cycle before it."""
    at_s = evidence.struck_s
    for _, _, row in evidence.rows:
        if row is body:
            break
        if "now_s" in row:
            at_s = judged_s(row)
    return max(0.0, at_s - evidence.struck_s)


def _first(
    what: str, test: Callable[[Body], bool], cycles: Iterable[Body], struck_s: float
) -> Seen:
    hit = next((body for body in cycles if test(body)), None)
    return Seen(what, None if hit is None else max(0.0, judged_s(hit) - struck_s))


def _came_of_it(body: Body) -> str:
    """Return what came of a cycle's command, '' where there was none to send."""
    written = body["written"]
    return "" if written["reason"] == NOTHING_TO_SEND else str(written["outcome"])


def _is_bad(body: Body, tag: str) -> bool:
    sample = body.get("inputs", {}).get(tag)
    return sample is not None and sample[1] == 0


def _rules(body: Body) -> set[str]:
    verdict, written = body["verdict"], body.get("written", {})
    return {why["rule"] for why in [*verdict["reasons"], *written.get("reasons", [])]}
