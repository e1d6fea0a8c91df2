"""Supervision without systemd: `python -m service.supervise --state DIR --sealed FILE ...`.

For the demo, containers and machines without systemd. Starts the engine and the processes that
follow it, each watched by itself: a page that dies never touches the engine. An engine always
starts OFF, so a restart closes no loop. When this process dies, the kernel ends all it started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from service.processes import processes
from service.sealed_file import read_sealed
from service.stop_note import note_stop, stays_down
from service.ward import Process, Ward

_LOOK_EVERY_S = 0.2


def supervision_path(state_dir: Path) -> Path:
    """Return where a supervisor says how its processes are."""
    return state_dir / "supervision.json"


class Supervisor:
    """The wards of one line."""

    def __init__(self, state_dir: Path, wanted: Sequence[Process], sockets: Path) -> None:
        """Prepare; the first process of `wanted` is the engine and is the last one stopped."""
        self._state_dir = state_dir
        self.wards = [Ward(one, sockets, self._told, self._write) for one in wanted]

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set; then end the followers first and the engine last."""
        engine_stop, engine = asyncio.Event(), self.wards[0]
        self._write()
        first = asyncio.create_task(engine.run(engine_stop))
        followers = [asyncio.create_task(self._follow(ward, stop)) for ward in self.wards[1:]]
        await stop.wait()
        await asyncio.gather(*followers)
        engine_stop.set()
        await first
        supervision_path(self._state_dir).unlink(missing_ok=True)

    async def _follow(self, ward: Ward, stop: asyncio.Event) -> None:
        """Run what reads the records, once an engine's first start has made them."""
        while not (self._state_dir / "sealed.json").exists() and not stop.is_set():  # noqa: ASYNC110 - made by another process
            await asyncio.sleep(_LOOK_EVERY_S)
        await ward.run(stop)

    def _told(self, ward: Ward, result: str, detail: str) -> None:
        """Tell people, and leave a note that the next engine puts into the records."""
        name = ward.process.name
        text = f"rheostat: {name} ended: {result} {detail}".rstrip()
        if result == "start-limit-hit":
            text = stays_down(name, detail)
        sys.stderr.write(text + "\n")
        note_stop(self._state_dir, name, result, detail)

    def _write(self) -> None:
        body = {
            "pid": os.getpid(), "processes": {w.process.name: w.as_json() for w in self.wards},
        }  # fmt: skip
        fresh = supervision_path(self._state_dir).with_suffix(".new")
        fresh.write_text(json.dumps(body, indent=1), "utf-8")
        fresh.replace(supervision_path(self._state_dir))


async def run(state_dir: Path, wanted: Sequence[Process]) -> None:
    """Supervise `wanted` until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="rheostat-") as sockets:
        await Supervisor(state_dir, wanted, Path(sockets)).run(stop)


def main() -> None:
    """Supervise the processes of one line."""
    parser = argparse.ArgumentParser(prog="service.supervise", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--sealed", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--watch", type=Path, action="append", default=[])
    parser.add_argument("--page-port", type=int, default=8470)
    options = parser.parse_args()
    sealed = read_sealed(options.sealed)
    wanted = processes(
        options.state, options.sealed, sealed, options.speed, options.watch, options.page_port
    )
    asyncio.run(run(options.state, wanted))


if __name__ == "__main__":
    main()
