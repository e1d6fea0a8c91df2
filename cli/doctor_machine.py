"""The doctor's look at the machine: Python, packages, clocks, disk, tools, SQLite, the solver."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cli.doctor_finding import Finding, well
from cli.places import ROOT, shown

LEAST_FREE_GB = 2.0
SLOW_FSYNC_MS = 100.0
SOLVER_PATIENCE_S = 60.0

_SOLVER = """
import casadi
x = casadi.SX.sym("x", 2)
problem = {"x": x, "f": (1 - x[0])**2 + 100*(x[1] - x[0]**2)**2}
options = {"print_time": False, "ipopt.print_level": 0, "ipopt.sb": "yes"}
solver = casadi.nlpsol("smoke", "ipopt", problem, options)
answer = solver(x0=[-1.2, 1.0])["x"]
assert solver.stats()["success"]
assert abs(float(answer[0]) - 1) < 1e-6 and abs(float(answer[1]) - 1) < 1e-6
print("IPOPT through CasADi", casadi.__version__)
"""
"""Rosenbrock's function (1960), whose minimum is known to be at (1, 1)."""


def python() -> Finding:
    """Judge the interpreter."""
    version = sys.version.split()[0]
    if sys.version_info[:2] != (3, 11):
        return Finding(
            "Python", "ill", f"version {version}", "the locked packages are built for 3.11",
            "run ./rheostat, which makes its own environment",
        )  # fmt: skip
    return well("Python", f"version {version}")


def packages(lock: Path = ROOT / "requirements.lock") -> Finding:
    """Compare what is installed with what the lock says."""
    wrong = []
    wanted = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text("utf-8"), re.MULTILINE)
    for name, version in wanted:
        try:
            have = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            have = "nothing"
        if have != version:
            wrong.append(f"{name} {have} instead of {version}")
    if wrong:
        return Finding(
            "packages", "ill", "; ".join(wrong[:5]) + (" ..." if len(wrong) > 5 else ""),
            "what was tested is what the lock says",
            "delete .venv/.lock and run ./rheostat again: it installs the locked packages",
        )  # fmt: skip
    return well("packages", f"all {len(wanted)} as locked")


def clocks() -> Finding:
    """Judge the clocks: monotonic time must run evenly, wall time must be believable."""
    ticks = [time.monotonic() for _ in range(2000)]
    if any(later < earlier for earlier, later in itertools.pairwise(ticks)):
        return Finding(
            "clocks", "ill", "the monotonic clock ran backwards",
            "every age, rate and deadline is measured with it",
            "look at the machine's clock source (virtual machines: the host's)",
        )  # fmt: skip
    wall, mono = time.time(), time.monotonic()
    time.sleep(0.05)
    drift_ms = abs((time.time() - wall) - (time.monotonic() - mono)) * 1000.0
    newest = max(path.stat().st_mtime for path in (ROOT / "pyproject.toml", Path(__file__)))
    if wall < newest - 86400.0:
        return Finding(
            "clocks", "warning", "the wall clock is earlier than this software's files",
            "records carry wall time, and an auditor reads it", "set the clock, use NTP",
        )  # fmt: skip
    return well("clocks", f"monotonic; wall time within {drift_ms:.2f} ms over 50 ms")


def disk(place: Path) -> list[Finding]:
    """Judge the place of the records: room, and how long a durable write takes."""
    folder = place
    while not folder.exists():
        folder = folder.parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    room = well("disk space", f"{free_gb:.1f} GB free at {shown(folder)}")
    if free_gb < LEAST_FREE_GB:
        room = Finding(
            "disk space", "warning", f"{free_gb:.2f} GB free at {shown(folder)}",
            "a record that cannot be written stops the loop", "make room, or name another --state",
        )  # fmt: skip
    return [room, _fsync(folder)]


def _fsync(folder: Path) -> Finding:
    spent_ms = []
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            for _ in range(20):
                probe.write(b"x" * 4096)
                probe.flush()
                started = time.perf_counter()
                os.fsync(probe.fileno())
                spent_ms.append((time.perf_counter() - started) * 1000.0)
    except OSError as error:
        return Finding(
            "durable writes", "ill", f"cannot write at {shown(folder)}: {error.strerror}",
            "without records the engine may not start", "name a folder you may write to",
        )  # fmt: skip
    middle, worst = statistics.median(spent_ms), max(spent_ms)
    words = f"fsync {middle:.1f} ms in the middle, {worst:.1f} ms at worst of {len(spent_ms)}"
    if middle > SLOW_FSYNC_MS:
        return Finding(
            "durable writes", "warning", words, "every cycle waits for its record before it writes",
            "put the state folder on a faster disk",
        )  # fmt: skip
    return well("durable writes", words)


def compiler() -> Finding:
    """Say whether a C compiler is there; nothing needs one yet."""
    found = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    return well("C compiler", found or "none, and none is needed: models run in CasADi's machine")


def sqlite() -> Finding:
    """Name the SQLite that keeps the records, and let it prove itself on a small file."""
    import apsw

    with tempfile.TemporaryDirectory() as folder:
        connection = apsw.Connection(str(Path(folder) / "smoke.sqlite"))
        mode = connection.execute("pragma journal_mode=wal").fetchall()[0][0]
        connection.close()
    if mode != "wal":
        return Finding(
            "SQLite", "ill", f"{apsw.sqlite_lib_version()} cannot keep a write-ahead log here",
            "records are read while they are written", "use a local disk for temporary files",
        )  # fmt: skip
    return well("SQLite", f"{apsw.sqlite_lib_version()} with write-ahead log")


def solver() -> Finding:
    """Solve a small known problem in a child process."""
    started = time.perf_counter()
    command = [sys.executable, "-c", _SOLVER]
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, timeout=SOLVER_PATIENCE_S, check=False
        )
        said, code = (child.stdout.strip(), child.returncode)
        tail = child.stderr.strip().splitlines()[-1:] or ["no word"]
    except subprocess.TimeoutExpired:
        said, code, tail = "", 1, [f"no answer within {SOLVER_PATIENCE_S:g} s"]
    if code != 0:
        return Finding(
            "solver", "ill", f"the smoke test failed: {tail[0]}",
            "without a solver no proposal is ever made", "delete .venv and run ./rheostat again",
        )  # fmt: skip
    return well("solver", f"{said}: known minimum found, {time.perf_counter() - started:.1f} s")
