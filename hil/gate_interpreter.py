"""Which Python attacks the gate: the fastest 3.11 of this machine.

Gate, world and oracle import the standard library only, so any Python 3.11 plays the same stories,
and builds of it differ by a third in speed. The candidates play the same few cycles, in turn; the
quickest plays the campaign.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ELSEWHERE = ("/usr/bin/python3.11", "/usr/local/bin/python3.11")
_ROUNDS = 3
_PATIENCE_S = 60.0

_TRIAL = """
import concurrent.futures.process, multiprocessing.spawn, sys, time
if sys.version_info[:2] != (3, 11):
    sys.exit("not Python 3.11")
sys.path.insert(0, sys.argv[1])
from hil.gate_fuzz import tell
tell(0, 0, 50)
start = time.process_time()
tell(0, 0, 500)
print(time.process_time() - start)
"""


def candidates() -> tuple[str, ...]:
    """Return the Pythons 3.11 there are: the one that runs this, and others of the machine."""
    real: dict[Path, str] = {}
    for path in (sys.executable, *_ELSEWHERE):
        if Path(path).exists():
            real.setdefault(Path(path).resolve(), path)
    return tuple(real.values())


def fastest() -> str:
    """Return the candidate that needed least processor time; the one that runs this if alone."""
    pythons = candidates()
    if len(pythons) == 1:
        return pythons[0]
    best: dict[str, float] = {}
    for _ in range(_ROUNDS):
        for python in pythons:
            needed_s = _trial(python)
            if needed_s is not None:
                best[python] = min(needed_s, best.get(python, needed_s))
    return min(best, key=lambda python: best[python], default=sys.executable)


def _trial(python: str) -> float | None:
    """Return the processor time of a few cycles [s]; None where this Python cannot play them."""
    told = subprocess.run(
        [python, "-I", "-c", _TRIAL, str(_ROOT)],
        capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
    )  # fmt: skip
    return float(told.stdout) if told.returncode == 0 else None
