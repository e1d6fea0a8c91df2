"""`./rheostat hil run ... --real`: faults on loopback sockets and real processes, with figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.places import shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say

if TYPE_CHECKING:
    from hil.fault_catalogue import Fault


def play_on_sockets(
    faults: Sequence[Fault], sealed: Mapping[str, Any], folder: Path, seed: int, speed: float
) -> int:
    """Play the real plays of these faults, print and keep their figures; 1 for one miss."""
    from hil.real_plays import REAL
    from hil.real_run import play_real

    chosen = [fault for fault in faults if fault.id in REAL]
    if not chosen or speed <= 0.0:
        raise RefusalError(
            "none of these faults has a real play, or --speed is not above zero",
            "nothing would be played",
            f"name one of {', '.join(REAL)}",
            USAGE,
        )
    outcomes = play_real(chosen, sealed, folder, seed, speed, say)
    text = json.dumps(outcomes, indent=2, ensure_ascii=False)
    (folder / "real.json").write_text(text + "\n", "utf-8")
    print(text)
    missed = [one for one in outcomes if not one["passed"]]
    say(f"\n{len(outcomes) - len(missed)} of {len(outcomes)} passed: {shown(folder / 'real.json')}")
    return FINDINGS if missed else OK
