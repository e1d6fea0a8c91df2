"""Whether people who look disturb what is looked at: control with and without a crowd at the page.

The line runs as in the demo, faster than real time, so that events come more than five times
a second. Calm and crowded turns follow each other: in a crowded one twenty viewers hold the event
stream open and a process of its own asks the page a good thousand times a second. How late cycles
begin is read from the records. At the end the page is killed; the engine must not notice.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figures import spread
from hil.bench import Bench, on_free_ports
from records.reader import RecordReader
from service.solver_child import leashed

SPEED = 20.0
VIEWERS, ASKED_PER_S = 20, 1050.0
"""A little more than is asked for: connections have to be made first, and nothing is caught up."""
LOOPS_WARM_S, TURNS = 20.0, 3
_CONNECTIONS = 10
_PATHS = ("/api/line", "/api/status", "/")


def run(seconds: float, seed: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return how late cycles began in calm and in crowded turns of `seconds` each [wall ms]."""
    given = on_free_ports(sealed)
    given["page"] = {**given.get("page", {}), "read": "open"}
    with tempfile.TemporaryDirectory(prefix="rheostat-viewers-") as folder:
        state = Path(folder)
        with Bench(given, state, speed=SPEED, seed=seed) as bench:
            bench.start_line()
            bench.start_engine()
            port = urlsplit(bench.start_page()).port or 0
            bench.ask_engine(do="mode", loop="all", mode="SHADOW", who="benchmark", why="timing")
            time.sleep(LOOPS_WARM_S)
            calm, crowded, crowd = _in_turns(state, port, seconds)
            bench.kill("page")
            outlived = _lateness(state, _mark(state), 3.0)
        calm_ms, crowded_ms = spread(calm), spread(crowded)
        return {
            "calm_late_ms": calm_ms,
            "crowded_late_ms": crowded_ms,
            "cycles": {"calm": len(calm), "crowded": len(crowded)},
            "crowd": crowd,
            "p99_over_calm": crowded_ms["p99"] / calm_ms["p99"],
            "cycles_after_the_page_was_killed": len(outlived),
        }


def _in_turns(
    state: Path, port: int, seconds: float
) -> tuple[list[float], list[float], dict[str, float]]:
    calm: list[float] = []
    crowded: list[float] = []
    told: dict[str, float] = {}
    for _ in range(TURNS):
        calm += _lateness(state, _mark(state), seconds)
        command = leashed("benchmarks.viewers", str(port), str(seconds), str(_mark(state)))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crowd:
            crowded += _lateness(state, _mark(state), seconds)
            said, _ = crowd.communicate(timeout=seconds + 60.0)
        for name, count in json.loads(said).items():
            told[name] = told.get(name, 0.0) + count / TURNS
    return calm, crowded, told


def _mark(state: Path) -> int:
    reader = RecordReader(state / "records.sqlite")
    try:
        return reader.last_seq()
    finally:
        reader.close()


def _lateness(state: Path, after: int, seconds: float) -> list[float]:
    """Return how late each cycle of the next `seconds` began [wall ms]."""
    time.sleep(seconds)
    reader = RecordReader(state / "records.sqlite")
    late: list[float] = []
    try:
        while rows := reader.since(after):
            after = rows[-1].seq
            late += [
                1000.0 * float(row.body["timing"]["late_s"]) / SPEED
                for row in rows
                if row.kind == "cycle" and "late_s" in row.body.get("timing", {})
            ]
    finally:
        reader.close()
    return late


async def crowd(port: int, seconds: float, after: int) -> dict[str, float]:
    """Be the crowd; return events and answers per second, and how many answers were no 200."""
    counts = {"events_per_s_and_viewer": 0.0, "answers_per_s": 0.0, "not_200": 0.0}
    work = [_view(port, after, counts) for _ in range(VIEWERS)]
    work += [_ask(port, n, counts) for n in range(_CONNECTIONS)]
    tasks = [asyncio.create_task(one) for one in work]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    counts["events_per_s_and_viewer"] /= seconds * VIEWERS
    counts["answers_per_s"] /= seconds
    return counts


async def _view(port: int, after: int, counts: dict[str, float]) -> None:
    """Hold the event stream open and count what comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(_request(f"/api/stream?after={after}"))
    while line := await reader.readline():
        counts["events_per_s_and_viewer"] += line.startswith(b"data:")
    raise ConnectionError("the stream ended")


async def _ask(port: int, number: int, counts: dict[str, float]) -> None:
    """Ask at this connection's share of the rate, never catching up more than one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    every_s, clock = _CONNECTIONS / ASKED_PER_S, asyncio.get_running_loop().time
    due_s = clock()
    while True:
        await asyncio.sleep(max(0.0, due_s - clock()))
        due_s = max(due_s + every_s, clock() - every_s)
        writer.write(_request(_PATHS[number % len(_PATHS)]))
        counts["not_200"] += b" 200 " not in await reader.readline()
        length = 0
        while (line := await reader.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        await reader.readexactly(length)
        counts["answers_per_s"] += 1


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode("ascii")


if __name__ == "__main__":
    answer = asyncio.run(crowd(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.write(json.dumps(answer) + "\n")
