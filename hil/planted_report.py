"""Plays the planted bugs and says which were caught: the harness's own qualification.

    python -m hil.planted_report --gates 5

Each broken gate plays what has to find it, after the whole gate has passed the same play: a play
that fails anyhow finds nothing. One process, because a broken gate breaks the process it is in.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hil.fault_planted import FOUND_BY, play_of, play_with_bug
from hil.fault_run import play_fault
from hil.virtual_line import default_sealed


def planted(gates: Sequence[str], sealed: Mapping[str, Any], seed: int = 1) -> list[dict[str, Any]]:
    """Play each of `gates`; return what it was, what has to find it, and whether that did."""
    rows = []
    for gate in gates:
        fault, play = play_of(*FOUND_BY[gate])
        # The model is only needed where its own watch is meant; the PI takes a tenth of the time.
        kind = "mpc" if play.expect.rule == "IL-12" else "pi"
        whole = play_fault(fault, play.model_copy(update={"controller": kind}), seed, sealed)
        bug = play_with_bug(gate, seed, sealed, kind)
        rows.append(
            {
                "bug": gate,
                "fault": fault.id,
                "play": play.name,
                "whole_gate_passes": whole.passed,
                "caught": whole.passed and not bug.passed,
                "by": [f"unsafe: {one['why']}" for one in bug.escapes[:1]] + bug.misses[:2],
            }
        )
    return rows


def main(argv: list[str] | None = None) -> int:
    """Print the rows as JSON; exit code 1 when one was not caught."""
    parser = argparse.ArgumentParser(description="Rheostat's bench: planted bugs")
    parser.add_argument("--gates", type=int, default=len(FOUND_BY), help="only the first so many")
    rows = planted(list(FOUND_BY)[: parser.parse_args(argv).gates], default_sealed())
    sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return 0 if rows and all(row["caught"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
