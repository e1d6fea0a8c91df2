"""Does this process hold what it must never hold? The engine keeps numerical libraries out.

A crash, hang or leak of an optimiser can then not reach heartbeats, shedding or records (P7).
"""

from __future__ import annotations

import sys
from pathlib import Path

FORBIDDEN = ("numpy", "casadi", "do_mpc", "scipy", "pint")


def forbidden_modules() -> list[str]:
    """Return the forbidden packages this process has imported, in part or whole."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    return [name for name in FORBIDDEN if name in loaded]


def forbidden_maps() -> list[str]:
    """Return the forbidden libraries the kernel has mapped into this process."""
    maps = Path("/proc/self/maps").read_text("utf-8", errors="replace")
    return [name for name in FORBIDDEN if f"/{name}/" in maps]
