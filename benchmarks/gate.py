"""What the gate costs in the engine's own cycle: signal checks and judgement of the shipped line.

Both loops run closed on the virtual line, through the same `run_cycle` as on a plant; `validate`
and `judge` are timed where the cycle calls them. Acceptance: p99.9 of judge under 1 ms. Right
before each judgement a call that does nothing is timed in the same way: what it takes beyond a
microsecond is the machine's doing and not the gate's.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from benchmarks.figures import QUANTILES, Stopwatch
from hil.scenario import load_scenario
from hil.scenario_run import ScenarioRun
from hil.simulate import with_kind
from hil.virtual_line import default_sealed
from service import cycle

_Answer = TypeVar("_Answer")

LIMIT_MS = 1.0
COLD = 20
"""The first judgements are told apart from the rest by leaving them out."""


def run(cycles: int, seed: int = 1) -> dict[str, Any]:
    """Play until about `cycles` judgements are made; return the spreads of their times."""
    sealed = with_kind(default_sealed(), "pi")
    scenario = load_scenario("nominal")
    a_minute = 60.0 * sum(1.0 / sealed["loops"][name]["period"] for name in scenario.loops)
    minutes = max(5.0, (cycles + COLD) / a_minute)
    play = ScenarioRun(scenario.model_copy(update={"duration_min": minutes}), seed, "pi", sealed)
    gc.collect()
    gc.freeze()  # plant and solver are in this process, and not in an engine's
    nothing = Stopwatch()
    with _timed("validate") as checks, _timed("judge", nothing) as judgements:
        play.play()
    closed = sum(loop.last.state.mode.value == "AUTO" for loop in play.loops.values())
    judged, idle = judgements.told(leave_out=COLD), nothing.told(leave_out=COLD)
    return {
        "cycles": len(judgements.wall_ms),
        "loops_closed_at_the_end": closed,
        "validate": checks.told(leave_out=COLD),
        "judge": judged,
        "a_call_that_does_nothing": idle,
        "judge_over_nothing": {
            name: judged["wall_ms"][name] / idle["wall_ms"][name] for name in QUANTILES
        },
    }


@contextmanager
def _timed(name: str, nothing: Stopwatch | None = None) -> Iterator[Stopwatch]:
    """Time the function that the cycle calls by this name, and `nothing` right before it."""
    watch, true = Stopwatch(), getattr(cycle, name)
    setattr(cycle, name, _lapped(watch, true, nothing))
    try:
        yield watch
    finally:
        setattr(cycle, name, true)


def _lapped(
    watch: Stopwatch, call: Callable[..., _Answer], nothing: Stopwatch | None
) -> Callable[..., _Answer]:
    def lap(*given: object, **named: object) -> _Answer:
        if nothing is not None:
            with nothing:
                _nothing(*given, **named)
        with watch:
            return call(*given, **named)

    return lap


def _nothing(*_given: object, **_named: object) -> None:
    """Do nothing."""


if __name__ == "__main__":
    import json
    import sys

    sys.stdout.write(json.dumps(run(2000), indent=1) + "\n")
