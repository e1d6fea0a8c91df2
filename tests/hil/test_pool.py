"""A pool gives what one process gives, and every process has the line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hil.pool import played

LINE = {"loops": {"a": 1}, "factor": 3}


def times(job: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    return {"job": job, "is": job * sealed["factor"], "loops": list(sealed["loops"])}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_job_is_played_once_on_the_line(workers: int) -> None:
    found = sorted(played(times, range(5), LINE, workers), key=lambda one: one["job"])
    assert found == [{"job": n, "is": 3 * n, "loops": ["a"]} for n in range(5)]


def test_what_breaks_in_another_process_is_raised_here() -> None:
    with pytest.raises(KeyError, match="factor"):
        list(played(times, [1, 2], {"loops": {}}, 2))


ORPHANS = """
import os, time
from hil.pool import processes
if __name__ == "__main__":
    with processes(2) as pool:
        print(*{pool.submit(os.getpid).result() for _ in range(8)}, flush=True)
        pool.submit(time.sleep, 600.0).result()
"""


def test_a_pool_ends_with_the_process_that_made_it(tmp_path: Path) -> None:
    program = tmp_path / "makes_a_pool.py"
    program.write_text(ORPHANS, "ascii")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment
    ) as maker:
        assert maker.stdout is not None
        workers = [int(pid) for pid in maker.stdout.readline().split()]
        assert workers
        maker.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30.0
    while any(_runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in workers)


def _runs(pid: int) -> bool:
    """Say whether a process is there and no mere entry that waits for its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
