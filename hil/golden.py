"""Golden traces: a few runs kept in the repository, and what the present code makes of them.

A change of code that changes decisions shows here as named differences, and the traces are made
anew only on request (`./rheostat hil golden --update-refs`). Compared is what reached the plant and
why: words on the wire in their order, the PLCs' own acts, and each cycle's mode and action. Numbers
may differ by `RELATIVE`, because another processor rounds a solver's sums in another order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hil.fault_catalogue import load_catalogue
from hil.fault_run import play_fault
from hil.recorded_run import trace_scenario
from hil.trace_mcap import SUFFIX
from hil.trace_read import Trace

FOLDER = Path(__file__).parent / "golden"
RELATIVE = 1e-4
FAULTS = {"engine-killed": ("F62", "between-intent-and-wire"), "plc-frozen": ("F38", "coater")}
SCENARIO = "nominal"
MINUTES = 6.0
NAMES = (*FAULTS, SCENARIO)
DEMO = FOLDER / f"{SCENARIO}{SUFFIX}"
"""What `./rheostat replay --demo` folds: a few minutes of two loops, with all records."""

Row = tuple[str, float | str]


def golden_path(name: str, folder: Path = FOLDER) -> Path:
    """Return where the golden trace `name` lies."""
    return folder / f"{name}{SUFFIX}"


def make_golden(name: str, sealed: Mapping[str, Any], folder: Path) -> Path:
    """Play the case `name` and write its trace into `folder`."""
    path = golden_path(name, folder)
    folder.mkdir(parents=True, exist_ok=True)
    if name == SCENARIO:
        with tempfile.TemporaryDirectory(prefix="rheostat-golden-") as scratch:
            trace_scenario(path, Path(scratch), SCENARIO, minutes=MINUTES, sealed=sealed)
        return path
    fault_id, play_name = FAULTS[name]
    fault = next(one for one in load_catalogue() if one.id == fault_id)
    play = next(one for one in fault.plays if one.name == play_name)
    play_fault(fault, play, 1, sealed, path)
    return path


def differences(golden: Trace, now: Trace, relative: float = RELATIVE) -> list[str]:
    """Return in words what `now` did differently, in the order of time."""
    found = []
    for number, (was, is_) in enumerate(zip_longest(_rows(golden), _rows(now))):
        if was is None or is_ is None:
            one, word = (is_, "more") if was is None else (was, "fewer")
            found.append(f"row {number}: {word} than the golden trace, beginning with {one}")
            break
        if was[0] != is_[0] or not _alike(was[1], is_[1], relative):
            found.append(f"row {number}: {was[0]} {was[1]} -> {is_[0]} {is_[1]}")
    return found


def _rows(trace: Trace) -> Iterator[Row]:
    for one in trace.said:
        body = one.body
        if "tag" in body and one.topic.startswith("/wire/"):
            yield f"{one.at_s:.0f} s {body['tag']}", body["value"]
        elif one.topic.startswith("/wire/"):
            yield f"{one.at_s:.0f} s plc", str(body["event"])
        elif one.topic == "/record/cycle":
            cycle = body["body"]
            where = f"{one.at_s:.0f} s {body['loop']} cycle {cycle['sequence']}"
            yield where, f"{cycle['mode']} {cycle['verdict']['action']}"


def _alike(was: float | str | bool, is_: float | str | bool, relative: float) -> bool:
    if any(isinstance(one, str | bool) for one in (was, is_)):
        return was == is_
    return abs(float(was) - float(is_)) <= relative * max(abs(float(was)), 1e-9)
