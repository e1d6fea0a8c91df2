"""Races the optimisers on both loops, in the same run, cycle by cycle in turn.

    python -m benchmarks.solvers --cycles 500 --output solvers.json

Told per solver: time of a whole solve (question in, checked answer out), iterations, failures,
start-up, memory, and the cost of its loop (tracking, soft limits, moves, as the optimiser prices
them, on the plant as it really went) relative to `shooting`, which converges to 1e-6. `do-mpc` is
this project's reference (fine Runge-Kutta steps, hard move limits), `stock do-mpc` what its manual
shows. Times are wall time and processor time of this process; on a busy machine only the latter
means much, and anywhere only ratios within one run do. `--scaling` tells how the real-time
optimiser's time grows, `--replays` whether the same questions give the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import growth
from benchmarks.race import Race
from benchmarks.stock_dompc import StockDompc
from controller.dompc_optimizer import DompcOptimizer
from controller.optimizer import ShootingOptimizer
from controller.problem import Answer, Optimizer, Question, Shape
from controller.realtime import RealtimeOptimizer
from service.config_load import load_line

STOCK = "stock do-mpc"
BUILDERS: Mapping[str, Callable[[Shape], Optimizer]] = {
    "realtime": RealtimeOptimizer,
    "shooting": ShootingOptimizer,
    "do-mpc": DompcOptimizer,
    STOCK: StockDompc,
}
REFERENCE = "shooting"
LOOPS = ("coating", "mixing")
SEED = 20261122
CONFIG = Path("config/line.yaml")


def run(
    cycles: int,
    seed: int = SEED,
    *,
    loops: Sequence[str] = LOOPS,
    solvers: Sequence[str] = tuple(BUILDERS),
    config: Path = CONFIG,
) -> dict[str, Any]:
    """Race every solver on every loop; return figures by loop and solver as plain data.

    Where stock do-mpc runs along, every solver is told how many times faster it is.
    """
    names = [REFERENCE, *(name for name in solvers if name != REFERENCE)]
    sealed = load_line(config).sealed
    told: dict[str, Any] = {}
    for loop in loops:
        race = Race(loop, sealed, {name: BUILDERS[name] for name in names}, cycles, seed)
        race.run()
        told[loop] = {name: race.figures(name, REFERENCE) for name in names}
        if STOCK in names:
            for name in names:
                told[loop][name]["times_faster"] = _ratios(told[loop][STOCK], told[loop][name])
    return told


def scaling(config: Path = CONFIG) -> dict[str, Any]:
    """How the real-time optimiser's time grows with horizon, states and loops on one core."""
    return growth.run(load_line(config).sealed, SEED)


def replays(times: int, config: Path = CONFIG) -> dict[str, Any]:
    """Replay a closed loop's questions `times` times, and once in a fresh process; compare bits."""
    told = {}
    for loop in LOOPS:
        digests = {digest for _ in range(times) for digest in [bits(loop, config)]}
        code = f"from benchmarks.solvers import bits; print(bits({loop!r}))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
        )
        told[loop] = {
            "replays": times,
            "different_answers": len(digests),
            "fresh_process_agrees": {done.stdout.strip()} == digests,
        }
    return told


def bits(loop: str, config: Path = CONFIG, cycles: int = 20) -> str:
    """A hash of every bit of every answer of a short closed loop."""
    digest = hashlib.sha256()

    class Told:
        """The real-time optimiser, overheard."""

        def __init__(self, shape: Shape) -> None:
            self.inner, self.shape = RealtimeOptimizer(shape), shape

        def solve(self, question: Question) -> Answer:
            answer = self.inner.solve(question)
            for part in (answer.inputs, answer.states, answer.outputs):
                digest.update(b"" if part is None else part.tobytes())
            digest.update(repr((answer.moves, answer.cost, answer.iterations)).encode())
            return answer

        def forget(self) -> None:
            self.inner.forget()

    Race(loop, load_line(config).sealed, {"realtime": Told}, cycles, SEED).run()
    return digest.hexdigest()


def _ratios(slow: Mapping[str, Any], quick: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """How many times faster, by clock and quantile."""
    return {
        clock: {
            name: slow["total"][clock][name] / value
            for name, value in quick["total"][clock].items()
        }
        for clock in quick["total"]
    }


def main() -> int:
    """Run what is asked for and print or write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--loops", nargs="+", default=list(LOOPS))
    parser.add_argument("--solvers", nargs="+", default=list(BUILDERS))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--replays", type=int, default=0)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    told: dict[str, Any]
    if asked.scaling:
        told = {"scaling": scaling(asked.config)}
    elif asked.replays:
        told = {"replays": replays(asked.replays, asked.config)}
    else:
        told = {
            "loops": run(
                asked.cycles,
                asked.seed,
                loops=asked.loops,
                solvers=asked.solvers,
                config=asked.config,
            )
        }
    text = json.dumps(told, indent=2)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
