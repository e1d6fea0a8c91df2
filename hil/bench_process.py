"""What every bench process does the same way: arguments, ready line, clock, log, a clean end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TextIO

PARENT_PID = os.getppid()  # as early as possible: a parent may be gone before we are ready


def arguments(what: str, argv: list[str] | None = None, *, field: bool) -> argparse.Namespace:
    """Parse the arguments of a bench process; `field` adds the port of the plant's field link."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--sealed", type=Path, required=True, help="sealed configuration (JSON)")
    parser.add_argument("--speed", type=float, default=1.0, help="plant seconds per second")
    parser.add_argument("--state", type=Path, required=True, help="directory for sockets and logs")
    parser.add_argument("--start", choices=("running", "cold"), default="running")
    if field:
        parser.add_argument("--field", type=int, required=True, help="port of the plant process")
        parser.add_argument("--scan", type=float, default=1.0, help="scan time in plant seconds")
    else:
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    return parser.parse_args(argv)


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a sealed configuration from a file."""
    sealed: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return sealed


def say_ready(**facts: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print the one line the starter of this process waits for."""
    sys.stdout.write(json.dumps({"ready": True, "pid": os.getpid(), **facts}) + "\n")
    sys.stdout.flush()


async def run_until_told(work: Coroutine[Any, Any, None], **facts: Any) -> None:  # noqa: ANN401
    """Say ready with these facts, then work until SIGTERM or SIGINT, or until the parent is gone.

    Work that fails ends the process with its error.
    """
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    working = asyncio.create_task(work)
    ending = asyncio.create_task(_end(told))
    say_ready(**facts)
    done, _ = await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
    for task in (working, ending):
        task.cancel()
    await asyncio.gather(working, ending, return_exceptions=True)
    for task in done:
        task.result()


async def _end(told: asyncio.Event) -> None:
    while not told.is_set() and os.getppid() == PARENT_PID:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), 0.5)


class PlantClock:
    """Plant seconds on the monotonic clock: `speed` of them per second."""

    def __init__(self, speed: float) -> None:
        if not speed > 0.0:
            raise ValueError(f"the bench's speed must be above zero, not {speed}")
        self.speed = speed
        self._start = time.monotonic()

    def now_s(self) -> float:
        """Plant seconds since the start of this process."""
        return (time.monotonic() - self._start) * self.speed

    async def sleep_until(self, plant_s: float) -> None:
        """Sleep until a plant time; a past one only lets others run."""
        await asyncio.sleep(max(0.0, (plant_s - self.now_s()) / self.speed))


@contextlib.contextmanager
def write_log(path: Path) -> Iterator[TextIO]:
    """Open a JSON-lines log to which every row is on its way to the disk once written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", buffering=1, encoding="utf-8") as lines:
        yield lines
