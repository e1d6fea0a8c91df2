"""The PLC block in both languages on one wiring: scans in, rows of outputs out.

The wiring is that of `hil/plc/stories.c` and of the how-to. Numbers go to the C program and come
back without loss: inputs are rounded to 32 bits here, outputs are printed in hexadecimal.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.hil.plc.structured_text import Library, real

HOME = Path(__file__).resolve().parents[3] / "hil" / "plc"
STRICT = ("-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")
SETPOINTS = 3

SCALARS = (
    "scan_s", "watchdog_s", "count", "remote_request", "engine_beat", "commit", "key_remote",
    "permit", "trip_cause", "reset",
)  # fmt: skip
ARRAYS = ("low", "high", "rate", "start", "setpoint")
LOOP = (
    "pv", "target", "gain", "integral_s", "trip_low", "trip_high", "trip_back_low",
    "trip_back_high", "trip_delay_s",
)  # fmt: skip
INPUTS = (*SCALARS, *ARRAYS, *LOOP)
"""All inputs, in the order in which `stories.c` reads them."""

OUTPUTS = (
    "remote_ready", "remote_active", "tripped", "group_refused", "settings_ok", "left",
    "heartbeat", "trip", "wanted", "active",
)  # fmt: skip

Scan = Mapping[str, Any]
Row = dict[str, Any]


class TextBlock:
    """The Structured Text, run by our interpreter."""

    def __init__(self, library: Library) -> None:
        self._trip = library.make("RheostatTrip")
        self._pi = library.make("RheostatPi")
        self._group = library.make("RheostatGroup")

    def set_heartbeat(self, value: int) -> None:
        self._group.memory["Heartbeat"] = value

    def scan(self, given: Scan) -> Row:
        group, now = self._group, self._group.memory
        trip = self._trip.scan(
            ScanS=given["scan_s"], Pv=given["pv"],
            Low=given["trip_low"], High=given["trip_high"],
            BackLow=given["trip_back_low"], BackHigh=given["trip_back_high"],
            DelayS=given["trip_delay_s"],
        )  # fmt: skip
        pi = self._pi.scan(
            Run=not now["RemoteActive"], ScanS=given["scan_s"], Pv=given["pv"],
            Target=given["target"], Current=now["Active"][0], Gain=given["gain"],
            IntegralS=given["integral_s"],
        )  # fmt: skip
        local = [pi["Wanted"], *now["Active"][1:]]
        out = group.scan(
            ScanS=given["scan_s"], WatchdogS=given["watchdog_s"], Count=given["count"],
            Low=given["low"], High=given["high"], Rate=given["rate"], Start=given["start"],
            Setpoint=given["setpoint"], RemoteRequest=given["remote_request"],
            EngineBeat=given["engine_beat"], Commit=given["commit"],
            KeyRemote=given["key_remote"], Permit=given["permit"],
            TripCause=given["trip_cause"] or trip["Cause"], Reset=given["reset"], LocalSp=local,
        )  # fmt: skip
        return {
            "remote_ready": out["RemoteReady"], "remote_active": out["RemoteActive"],
            "tripped": out["Tripped"], "group_refused": out["GroupRefused"],
            "settings_ok": out["SettingsOk"], "left": out["LeftBecause"],
            "heartbeat": out["Heartbeat"], "trip": trip["Cause"], "wanted": pi["Wanted"],
            "active": out["Active"][:SETPOINTS],
        }  # fmt: skip


class Course:
    """What one block goes through: its heartbeat at the start, and every scan's inputs."""

    def __init__(self, scans: list[Row], own_heartbeat: int = 0) -> None:
        self.scans = scans
        self.own_heartbeat = own_heartbeat


def run_text(library: Library, course: Course) -> list[Row]:
    """Run the text through a course."""
    block = TextBlock(library)
    block.set_heartbeat(course.own_heartbeat)
    return [block.scan(scan) for scan in course.scans]


def compiler() -> str:
    """The system's C compiler, or the test skips and names what is missing."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("no C compiler here: apt-get install gcc libc6-dev")
    return found


def compiled(folder: Path, sources: Mapping[str, str] | None = None) -> Path:
    """Compile the block and its story-teller into `folder`; `sources` replace files by name."""
    command = compiler()
    for name in ("block.h", "block.c", "stories.c"):
        text = (sources or {}).get(name) or (HOME / name).read_text("utf-8")
        (folder / name).write_text(text, "utf-8")
    binary = folder / "stories"
    done = subprocess.run(
        [command, *STRICT, "block.c", "stories.c", "-o", str(binary)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return binary


def run_compiled(binary: Path, courses: Iterable[Course]) -> list[list[Row]]:
    """Run the C program through courses, each with a fresh block."""
    courses = list(courses)
    lines = []
    for course in courses:
        lines += ["new", f"heartbeat {course.own_heartbeat}"]
        lines += [_line(scan) for scan in course.scans]
    done = subprocess.run(
        [str(binary)], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    rows = iter([_row(line) for line in done.stdout.splitlines()])
    return [[next(rows) for _ in course.scans] for course in courses]


def _line(scan: Scan) -> str:
    words: list[Any] = [scan[name] for name in SCALARS]
    for name in ARRAYS:
        words += scan[name]
    words += [scan[name] for name in LOOP]
    return " ".join(_word(word) for word in words)


def _word(value: Any) -> str:
    return repr(real(value)) if isinstance(value, float) else str(int(value))


def _row(line: str) -> Row:
    words = line.split()
    flags = [word == "1" for word in words[:5]]
    numbers = [float.fromhex(word) for word in words[8:]]
    values = [*flags, int(words[5]), int(words[6]), words[7] == "1", numbers[0], numbers[1:]]
    return dict(zip(OUTPUTS, values, strict=True))
