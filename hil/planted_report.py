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

from hil.fault_planted import BUGS, caught
from hil.virtual_line import default_sealed


def planted(bugs: Sequence[str], sealed: Mapping[str, Any], seed: int = 1) -> list[dict[str, Any]]:
    """Play each of `bugs`; return what it was, what has to find it, and whether that did."""
    return [caught(bug, seed, sealed) for bug in bugs]


def main(argv: list[str] | None = None) -> int:
    """Print the rows as JSON; exit code 1 when one was not caught."""
    parser = argparse.ArgumentParser(description="Rheostat's bench: planted bugs")
    parser.add_argument("--gates", type=int, default=len(BUGS), help="only the first so many")
    rows = planted(list(BUGS)[: parser.parse_args(argv).gates], default_sealed())
    sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return 0 if rows and all(row["caught"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
