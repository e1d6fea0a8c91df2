"""Who follows gives way to who controls."""

from __future__ import annotations

import contextlib
import os

FOLLOWER, WORKER = 10, 5  # nice values: page and history; what computes for the engine


def give_way(nice: int = FOLLOWER) -> None:
    """Let the engine have the processor first, whatever is asked of this process.

    A worker at the engine's own priority interrupts it in the middle of a judgement: its next
    question has just arrived, and the kernel shares evenly. A unit of systemd says how nice a
    follower is (`Nice=`) and forbids the call, which is well then.
    """
    with contextlib.suppress(OSError):
        os.nice(max(0, nice - os.nice(0)))
