"""The real engine with stand-in workers: `python -m hil.quick_engine STATE SEALED SPEED`.

Wire, gate, records, heartbeat and command door are the plant's own; only the controllers are
replaced (`quick_worker.py`), because a campaign starts this a thousand times.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from service.engine import run
from service.sealed_file import read_sealed
from service.solver_child import leashed


def main() -> None:
    """Run until told to stop, or until killed."""
    state, sealed, speed = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    asyncio.run(run(state, read_sealed(sealed), speed, leashed("hil.quick_worker")))


if __name__ == "__main__":
    main()
