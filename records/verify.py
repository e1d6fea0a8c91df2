"""`python -m records.verify FILE`: verify a record file's chain, print a JSON report, exit 0 or 1.

A process of its own, so that reading a large file takes nothing from the engine.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from records.chain import verify


def main() -> int:
    """Verify the file named on the command line."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m records.verify FILE\n")
        return 2
    report = verify(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(dataclasses.asdict(report)) + "\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
