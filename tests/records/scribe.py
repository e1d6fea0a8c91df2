"""Writes records as fast as it can and says so after each: to be killed in the middle."""

from __future__ import annotations

import sys
from pathlib import Path

from records.store import RecordStore


def main() -> None:
    """Append until killed; a printed number is a promise that the row is on the disk."""
    store = RecordStore(Path(sys.argv[1]))
    while True:
        row = store.append("cycle", "coating", "now", {"padding": "x" * 500})
        sys.stdout.write(f"{row.seq}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
