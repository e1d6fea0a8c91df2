"""The processes of one line, and how each is started: one table for every kind of supervision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from service.outward.settings import is_set_up
from service.vitals import watchdog_s
from service.ward import Process

FOLLOWER_WATCHDOG_S = 30.0
"""How long a process that only reads the records may be silent."""


def processes(
    state_dir: Path,
    sealed_file: Path,
    sealed: Mapping[str, Any],
    speed: float = 1.0,
    watch: Sequence[Path] = (),
    page_port: int = 8470,
) -> list[Process]:
    """Return the processes of a line, the engine first."""
    state = ("--state", str(state_dir))
    engine = (
        *state, "--sealed", str(sealed_file), "--speed", repr(speed),
        *(word for path in watch for word in ("--watch", str(path.resolve()))),
    )  # fmt: skip
    found = [Process("engine", "service.engine", engine, watchdog_s(sealed, speed))]
    page = (*state, "--port", str(page_port))
    found.append(Process("page", "service.page", page, FOLLOWER_WATCHDOG_S))
    if find_spec("service.history") is not None:
        found.append(Process("history", "service.history", state, FOLLOWER_WATCHDOG_S))
    if is_set_up(state_dir):
        found.append(Process("outward", "service.outward", state, FOLLOWER_WATCHDOG_S))
    return found
