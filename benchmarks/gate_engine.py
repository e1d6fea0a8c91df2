"""What the gate costs where it works: in an engine process, on a wire, with records and workers.

The line runs as in the demo, every part a process of its own and faster than real time; the gate's
share of each cycle is read from the records, in processor time and on the wall's clock. Beside it a
process that does nothing else times a piece of work as long as a judgement: what its slowest one in
a thousand takes longer than its median is the machine's doing, and the gate's is told in multiples.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import spread
from hil.bench import Bench, on_free_ports
from records.reader import RecordReader
from service.solver_child import leashed

SPEED = 20.0
"""Plant seconds per second."""
COLD = 20
"""The first judgements of a loop are told apart from the rest by leaving them out."""
_LOOK_EVERY_S = 1.0
_PATIENCE_S = 120.0  # without a new record


def run(cycles: int, seed: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Let a line run until about `cycles` were judged; return the spreads of the gate's share."""
    with tempfile.TemporaryDirectory(prefix="rheostat-gate-") as folder:
        state = Path(folder)
        with Bench(on_free_ports(sealed), state, speed=SPEED, seed=seed) as bench:
            bench.start_line()
            bench.start_engine()
            with _working_beside(state / "beside"):
                _until(bench, cycles)
        idle = spread([float(text) for text in (state / "beside").read_text().split()[COLD:-1]])
        told = _read(state / "records.sqlite")
    return {**told, "beside_it": idle, "tail_over_beside": _tail(told["gate_ms"]) / _tail(idle)}


def _until(bench: Bench, cycles: int) -> None:
    """Keep the loops in AUTO until they have been judged `cycles` times in all."""
    known, since = -1, time.monotonic()
    while known < cycles:
        loops = bench.ask_engine(do="status")["loops"]
        for name, loop in loops.items():
            if loop["requested"] == "OFF" or loop["mode"] == "SHED":
                mode = "AUTO" if loop["mode"] == "SHADOW" else "SHADOW"
                bench.ask_engine(do="mode", loop=name, mode=mode, who="benchmark", why="timing")
            elif loop["requested"] == "SHADOW" and loop["mode"] == "SHADOW":
                bench.ask_engine(do="mode", loop=name, mode="AUTO", who="benchmark", why="timing")
        judged = sum(int(loop["sequence"]) for loop in loops.values())
        if judged > known:
            known, since = judged, time.monotonic()
        elif time.monotonic() - since > _PATIENCE_S:
            raise RuntimeError(f"the engine has judged nothing for {_PATIENCE_S:.0f} s")
        time.sleep(_LOOK_EVERY_S)


def _read(path: Path) -> dict[str, Any]:
    """Return the gate's laps of every loop, and how often each loop was in which mode."""
    laps: dict[str, list[float]] = {}
    costs: list[float] = []
    modes: dict[str, dict[str, int]] = {}
    reader, seq = RecordReader(path), 0
    try:
        while rows := reader.since(seq):
            seq = rows[-1].seq
            for row in rows:
                if row.kind == "cycle":
                    laps.setdefault(row.loop, []).append(row.body["timing"]["gate_ms"])
                    if len(laps[row.loop]) > COLD:
                        costs.append(row.body["timing"]["gate_cpu_ms"])
                    shares = modes.setdefault(row.loop, {})
                    shares[row.body["mode"]] = shares.get(row.body["mode"], 0) + 1
    finally:
        reader.close()
    warm = {name: times[COLD:] for name, times in laps.items()}
    every = [lap for times in warm.values() for lap in times]
    return {
        "cycles": len(every),
        "modes": modes,
        "gate_ms": spread(every),
        "gate_cpu_ms": spread(costs),
        "loops": {name: spread(times) for name, times in warm.items()},
    }


def _tail(times: Mapping[str, float]) -> float:
    return times["p99_9"] / times["median"]


@contextlib.contextmanager
def _working_beside(path: Path) -> Iterator[None]:
    """Let another process write its times into `path`."""
    with path.open("w", encoding="ascii") as lines:
        process = subprocess.Popen(leashed("benchmarks.gate_engine"), stdout=lines)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _work() -> None:
    """Time a piece of work as long as a judgement, a hundred times a second, until killed."""
    while True:
        began_s = time.perf_counter()
        sum(number * number for number in range(4000))
        sys.stdout.write(f"{1000.0 * (time.perf_counter() - began_s):.4f}\n")
        sys.stdout.flush()
        time.sleep(0.01)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        from hil.virtual_line import default_sealed

        sys.stdout.write(json.dumps(run(int(sys.argv[1]), 1, default_sealed()), indent=1) + "\n")
    else:
        _work()
