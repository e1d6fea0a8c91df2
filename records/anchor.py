"""An anchor: the newest signed root, carried off this host.

One line of JSON per anchor, appended to a file on another machine or medium. It needs no trust in
that place: it is signed. What it gives is memory: records that end before it were cut off, records
that do not have its root were rewritten, even by somebody who had the key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from records.canonical import canonical_json
from records.reader import RecordReader
from records.row import RecordError


def newest_root(path: Path) -> dict[str, Any]:
    """Return the newest signed root of a record file, as an anchor.

    Raises RecordError when there is none yet.
    """
    reader = RecordReader(path)
    try:
        found = reader.last_of_kind("root", 1)
    finally:
        reader.close()
    if not found:
        raise RecordError(f"{path} holds no signed root yet: it has too few records, and no stop")
    names = ("size", "root", "key", "public_key", "signature")
    return {"utc": found[0].utc, **{name: found[0].body[name] for name in names}}


def write_anchor(anchor: dict[str, Any], target: Path) -> None:
    """Append `anchor` to the file `target`, on its disk when this returns; raises OSError."""
    with target.open("a", encoding="ascii") as lines:
        lines.write(canonical_json(anchor) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
