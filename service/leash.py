"""Run a module as a child that cannot outlive its parent: `python -m service.leash PID MODULE ...`.

A worker that hangs inside a solver never sees its pipe close. So the kernel is asked to kill it
when the parent dies, however the parent dies (Linux, PR_SET_PDEATHSIG). The child asks for itself:
code between fork and exec in the engine could deadlock on a lock of one of its threads.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies; end now if that has happened."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit("the parent process is gone")


def main() -> None:
    """Tie this process to its parent, then become the module."""
    if len(sys.argv) < 3:
        sys.exit("usage: python -m service.leash PARENT_PID MODULE [ARGUMENT ...]")
    die_with(int(sys.argv[1]))
    # Ctrl-C goes to the whole terminal group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
