"""The real engine with a worker that needs no solver: `... STATE SEALED SPEED`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from service.engine import run
from service.sealed_file import read_sealed
from service.solver_child import leashed


def main() -> None:
    """Run until told to stop."""
    state_dir, sealed, speed = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    worker = leashed("tests.service.fake_worker")
    asyncio.run(run(state_dir, read_sealed(sealed), speed, worker))


if __name__ == "__main__":
    main()
