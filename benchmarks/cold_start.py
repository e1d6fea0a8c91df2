"""From a cold process to the first proposal, and the memory it takes.

A worker is started as the engine starts it, gets the configuration and one question, and is timed
until its plan is back: with compiled code in the cache, and once with an empty cache. Beside it, in
turn, a process that imports do-mpc, builds its stock controller and makes one step.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import spread
from controller.plan_json import request_to_json
from controller.worker import nominal_request

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 180.0
LOOPS = ("coating", "mixing")  # those that stock do-mpc can be asked about
WORKER, STOCK = "controller.worker", "benchmarks.cold_stock"


def run(repeats: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Start everything `repeats` times in turn, and once more with an empty cache."""
    told: dict[str, Any] = {}
    for loop in LOOPS:
        with tempfile.TemporaryDirectory(prefix="rheostat-bench-") as empty:
            first = once(WORKER, loop, sealed, {"XDG_CACHE_HOME": empty})
        once(WORKER, loop, sealed)  # fills the user's own cache
        laps = {
            "worker": [once(WORKER, loop, sealed) for _ in range(repeats)],
            "stock do-mpc": [once(STOCK, loop, sealed) for _ in range(repeats)],
        }
        told[loop] = {
            "empty_cache": first,
            **{who: _spreads(found) for who, found in laps.items()},
        }
    return told


def once(
    module: str, loop: str, sealed: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Start `module`, ask it once, and tell wall [s], processor time [s] and peak memory [MB].

    Raises:
        RuntimeError: the process did not answer with a proposal.
    """
    question = nominal_request(loop, sealed)
    lines = [{"loop": loop, "sealed": sealed}, request_to_json(question)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **one_thread, "PYTHONPATH": str(ROOT), **(environment or {})},
        text=True,
    )
    try:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError(f"{module} has no pipes")
        child.stdin.write(text)
        child.stdin.flush()
        ready, plan = json.loads(child.stdout.readline()), json.loads(child.stdout.readline())
        wall_s = time.perf_counter() - started
        peak_mb = _peak_mb(child.pid)
        child.stdin.close()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if child.returncode is None:
            child.kill()
            child.wait(PATIENCE_S)
    if not ready.get("ready") or plan.get("proposal") is None:
        raise RuntimeError(f"{module} made no proposal: {ready} {plan.get('status')}")
    return {
        "wall_s": wall_s,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": peak_mb,
    }


def _peak_mb(pid: int) -> float:
    """Peak memory of a process [MB]; its resource usage would count what it was forked from."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024.0
    return math.nan


def _spreads(laps: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: spread([lap[name] for lap in laps]) for name in laps[0]}
