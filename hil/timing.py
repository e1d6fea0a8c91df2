"""How the engine kept time, from its own records: read, solve, gate, write, read-back, lateness.

Every cycle stamps its parts (`timing` of a cycle record, wall milliseconds); `write_ms` ends when
the words were read back. `late_s` is how long after its due time a cycle began, in engine seconds.
A slip is a cycle that an overrun has cost; each is recorded as an event.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from records.reader import Entry

PARTS = ("read_ms", "plan_ms", "gate_ms", "gate_cpu_ms", "record_ms", "write_ms", "total_ms")
SHARES = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0))


def timing_of(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return by loop: cycles, late ones, slips, and the spread of every part and of lateness.

    `jitter_ms` is the spread of lateness: how unevenly cycles began.
    """
    parts: dict[str, dict[str, list[float]]] = {}
    counts: dict[str, dict[str, int]] = {}
    for entry in entries:
        if not entry.loop:
            continue
        count = counts.setdefault(entry.loop, {"cycles": 0, "late": 0, "slips": 0})
        if entry.kind == "event" and entry.body.get("event") == "slip":
            count["slips"] += int(entry.body.get("lost", 1))
        timing = entry.body.get("timing") if entry.kind == "cycle" else None
        if timing is None:
            continue
        count["cycles"] += 1
        count["late"] += bool(timing["late"])
        loop = parts.setdefault(entry.loop, {name: [] for name in (*PARTS, "jitter_ms")})
        for name in PARTS:
            if timing.get(name) is not None:
                loop[name].append(float(timing[name]))
        loop["jitter_ms"].append(1000.0 * float(timing["late_s"]))
    return {
        name: {**count, **{part: spread(values) for part, values in parts.get(name, {}).items()}}
        for name, count in sorted(counts.items())
        if count["cycles"]
    }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Return p50, p99, p99.9 and the largest, each a value that was measured; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    last = len(ordered) - 1
    return {name: ordered[min(last, math.ceil(share * len(ordered)) - 1)] for name, share in SHARES}


def as_text(timing: Mapping[str, Any]) -> str:
    """Return the report for a terminal."""
    lines = []
    for loop, found in timing.items():
        lines.append(f"{loop}: {found['cycles']} cycles, {found['late']} late, "
                     f"{found['slips']} lost to slips")  # fmt: skip
        lines.append(f"  {'ms':<12}" + "".join(f"{name:>10}" for name, _ in SHARES))
        for part in (*PARTS, "jitter_ms"):
            if (cell := found.get(part)) is not None:
                cells = "".join(f"{cell[name]:>10.3f}" for name, _ in SHARES)
                lines.append(f"  {part.removesuffix('_ms'):<12}{cells}")
    return "\n".join(lines)


def footprint(pid: int) -> dict[str, int]:
    """Return what a process holds now: resident memory [KiB], descriptors, threads (Linux).

    Raises:
        OSError: there is no such process, or it is somebody else's.
    """
    rows = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace").splitlines()
    status = dict(row.split(":", 1) for row in rows if ":" in row)
    return {
        "memory_kib": int(status["VmRSS"].split()[0]),
        "descriptors": sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        "threads": int(status["Threads"]),
    }
