"""A parent with a worker and a spare, made to be killed: prints their process ids and waits."""

from __future__ import annotations

import asyncio
import sys

from service.solver_child import leashed
from service.solver_process import SolverProcess


async def main() -> None:
    """Start both children, say who they are, wait for the end."""
    process = SolverProcess("coating", {}, leashed("tests.service.fake_worker"))
    process.start()
    await process.ready()
    sys.stdout.write(" ".join(map(str, process.pids)) + "\n")
    sys.stdout.flush()
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main())
