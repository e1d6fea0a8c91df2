"""Who follows gives way to who controls."""

from __future__ import annotations

import contextlib
import os

_NICE = 10


def give_way() -> None:
    """Let the engine and its workers have the processor first, whatever is asked of this process.

    A unit of systemd says the same (`Nice=`) and forbids the call, which is well then.
    """
    with contextlib.suppress(OSError):
        os.nice(max(0, _NICE - os.nice(0)))
