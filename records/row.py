r"""What a row of the records is, and the hash that seals it to the row before.

    hash = SHA-256( "seq\nkind\nloop\nutc\nprev_hash\nbody" ) in UTF-8, as 64 hex digits

`kind`, `loop` and `utc` hold no line break, so no two rows share a text. The first row's
`prev_hash` is 64 zeros.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

GENESIS = "0" * 64
KINDS = (
    "start", "seal", "intent", "cycle", "request", "entry", "event", "signature", "root", "stop",
)  # fmt: skip


class RecordError(Exception):
    """The records could not be opened, read or written; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the record file, as it stands there."""

    seq: int
    kind: str
    loop: str
    utc: str
    body: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: its last sequence number (0 when empty) and hash."""

    seq: int
    hash: str

    def to_line(self) -> str:
        """Return the fixed-width text of the head file: short enough for one disk sector.

        It ends with a checksum, so that a line torn by a power cut is no head at all.
        """
        text = f"{self.seq:020d} {self.hash}"
        return f"{text} {_checksum(text)}\n"

    @staticmethod
    def from_line(line: str) -> Head | None:
        """Read a head back, or None when the text is not one."""
        parts = line.split()
        if len(parts) != 3 or not parts[0].isdigit() or len(parts[1]) != 64:
            return None
        if parts[2] != _checksum(f"{parts[0]} {parts[1]}"):
            return None
        return Head(int(parts[0]), parts[1])


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def link_hash(seq: int, kind: str, loop: str, utc: str, prev_hash: str, body: str) -> str:
    """Return the hash that seals these columns to the row before."""
    text = f"{seq}\n{kind}\n{loop}\n{utc}\n{prev_hash}\n{body}"
    return hashlib.sha256(text.encode()).hexdigest()


def read_head(path: Path) -> Head | None:
    """Return the head kept beside the record file, or None when there is none to be had."""
    try:
        return Head.from_line(head_path(path).read_bytes().decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return None


def head_path(path: Path) -> Path:
    """Return where the head file of a record file is."""
    return path.with_name(path.name + ".head")
