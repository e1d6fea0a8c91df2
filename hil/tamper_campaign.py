"""Ten thousand ways to lie about the past, each given to the stand-alone verifier (REC-13, G5).

Every tamper works on a fresh copy of a recorded file, past triggers and locks, as someone with the
disk in hand would. The verifier runs as a program of its own (`python -I`), and has to name the
record; where a history was rewritten with all its hashes, the records between two signed roots.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from records.anchor import newest_root, write_anchor
from records.row import GENESIS, Head, Row, head_path, link_hash

VERIFIER = Path(__file__).resolve().parents[1] / "tools" / "verify_records.py"
BATCH = 100
_COLUMNS = "seq, kind, loop, utc, body, prev_hash, hash"


@dataclass(frozen=True, slots=True)
class Lie:
    """What was done, and where the verifier must point: at one record, or into a range."""

    kind: str
    first: int
    last: int

    def found(self, report: Mapping[str, Any]) -> str:
        """Return 'exact', 'between roots', or '' when the report points elsewhere or nowhere."""
        if report["ok"] or not report["findings"]:
            return ""
        one = report["findings"][0]
        if (one["first"], one["last"]) == (self.first, self.last):
            return "exact"
        if self.kind == "insert" and one["first"] == one["last"] == self.last:
            return "exact"  # the old record that had to make room names the place
        whole = self.kind in ("rewrite", "insert")
        inside = whole and one["first"] <= self.first <= one["last"]
        return "between roots" if inside else ""


class Forger:
    """Makes lies out of the rows of one recorded file."""

    def __init__(self, rows: list[Row], dice: random.Random) -> None:
        self.dice = dice
        self.rows = list(rows)
        self._roots = [row.seq for row in rows if row.kind == "root"]
        self._acts = [row.seq for row in rows if row.kind == "signature"]
        self.keep_head = True

    def lie(self) -> Lie:
        """Change the rows in one random way; return what the verifier must find."""
        ways: list[Callable[[], Lie]] = [
            self._edit, self._edit_to_fit, self._delete, self._reorder, self._insert,
            self._cut, self._cut_quietly, self._transplant, self._rewrite,
        ]  # fmt: skip
        return self.dice.choice(ways)()

    def _at(self, seq: int) -> Row:
        return self.rows[seq - 1]

    def _put(self, seq: int, **columns: str) -> None:
        fields = {name: getattr(self._at(seq), name) for name in Row.__slots__}
        self.rows[seq - 1] = Row(**{**fields, **columns})

    def _refit(self, first: int, last: int, *, link: bool) -> None:
        """Make the hashes of rows fit their content; with `link` each names the one before."""
        for seq in range(first, last + 1):
            row = self._at(seq)
            before = row.prev_hash
            if link:
                before = self._at(seq - 1).hash if seq > 1 else GENESIS
            new = link_hash(seq, row.kind, row.loop, row.utc, before, row.body)
            self._put(seq, prev_hash=before, hash=new)

    def _any(self, first: int = 1, last: int = 0) -> int:
        return self.dice.randint(first, last or len(self.rows))

    def _changed(self, text: str) -> str:
        """Return `text` with one character changed, lost or added."""
        at = self.dice.randrange(len(text) + 1)
        way = self.dice.randrange(3) if text and at < len(text) else 2
        if way == 0:
            other = self.dice.choice([c for c in "0123456789abcdefxyz-." if c != text[at]])
            return text[:at] + other + text[at + 1 :]
        return text[:at] + text[at + 1 :] if way == 1 else text[:at] + "0" + text[at:]

    def _edit(self) -> Lie:
        seq = self._any()
        column = self.dice.choice(("kind", "loop", "utc", "body", "body", "prev_hash", "hash"))
        self._put(seq, **{column: self._changed(getattr(self._at(seq), column))})
        return Lie(f"edit {column}", seq, seq)

    def _edit_to_fit(self) -> Lie:
        plain = [r.seq for r in self.rows if r.kind not in ("root", "signature", "seal", "start")]
        seq = self.dice.choice(plain)
        self._put(seq, body=self._changed(self._at(seq).body))
        self._refit(seq, seq, link=False)
        return Lie("edit with its hash", seq, seq)

    def _delete(self) -> Lie:
        first = self._any(1, len(self.rows) - 1)
        last = min(first + self.dice.choice((0, 0, 0, 5, 50)), len(self.rows) - 1)
        del self.rows[first - 1 : last]
        return Lie("delete", first, last)

    def _reorder(self) -> Lie:
        one, other = sorted(self.dice.sample(range(1, len(self.rows) + 1), 2))
        a, b = self._at(one), self._at(other)
        for seq, row in ((one, b), (other, a)):
            fields = {name: getattr(row, name) for name in Row.__slots__}
            self.rows[seq - 1] = Row(**{**fields, "seq": seq})
        return Lie("reorder", one, one)

    def _cut(self) -> Lie:
        first, last = self._any(), len(self.rows)
        del self.rows[first - 1 :]
        return Lie("cut the tail", first, last)

    def _cut_quietly(self) -> Lie:
        """Cut the tail and make the head fit: only the anchor remembers."""
        anchored = self._roots[-1] - 1
        first = self._any(1, anchored)
        del self.rows[first - 1 :]
        self.keep_head = False
        return Lie("cut the tail and the head", first, anchored)

    def _transplant(self) -> Lie:
        """Put the signature of one root (or person) under another."""
        kin = self.dice.choice([seqs for seqs in (self._roots, self._acts) if len(seqs) > 1])
        seq, donor = self.dice.sample(kin, 2)
        name = "signature" if kin is self._roots else "bytes_hex"
        body = json.loads(self._at(seq).body)
        body[name] = json.loads(self._at(donor).body)[name]
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        self._put(seq, body=text)
        way = self.dice.choice(("left", "refitted", "rechained"))
        if way == "refitted":
            self._refit(seq, seq, link=False)
        elif way == "rechained":
            self._refit(seq, len(self.rows), link=True)
            self.keep_head = False
        return Lie(f"transplant a signature, {way}", seq, seq)

    def _rewrite(self) -> Lie:
        """Edit a row and make every later hash fit, the head too."""
        plain = [r.seq for r in self.rows[: self._roots[-1] - 1] if r.kind in ("cycle", "intent")]
        seq = self.dice.choice(plain)
        self._put(seq, body=self._changed(self._at(seq).body))
        self._refit(seq, len(self.rows), link=True)
        self.keep_head = False
        return Lie("rewrite", seq, seq)

    def _insert(self) -> Lie:
        """Slip a well-made row in, and renumber what follows: the next old row cannot fit."""
        at = self._any(2, len(self.rows))
        before = self._at(at - 1)
        body = '{"forged":true}'
        new = link_hash(at, "event", "", before.utc, before.hash, body)
        forged = Row(at, "event", "", before.utc, body, before.hash, new)
        moved = [Row(r.seq + 1, r.kind, r.loop, r.utc, r.body, r.prev_hash, r.hash)
                 for r in self.rows[at - 1 :]]  # fmt: skip
        self.rows[at - 1 :] = [forged, *moved]
        self.keep_head = False
        return Lie("insert", at, at + 1)


def read_rows(path: Path) -> list[Row]:
    """Return all rows of a record file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows = [Row(*line) for line in connection.execute(f"SELECT {_COLUMNS} FROM record")]
    connection.close()
    return rows


def campaign(
    source: Path, count: int, seed: int, say: Callable[[str], None], scratch: Path | None = None
) -> dict[str, Any]:
    """Tell `count` lies about the records in `source`; return how many the verifier located."""
    rows = read_rows(source)
    found: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    missed: list[dict[str, Any]] = []
    memory = Path("/dev/shm")
    place = scratch or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="rheostat-tamper-", dir=place) as folder:
        anchor = Path(folder) / "anchor.jsonl"
        write_anchor(newest_root(source), anchor)
        for start in range(0, count, BATCH):
            lies = []
            for number in range(start, min(start + BATCH, count)):
                forger = Forger(rows, random.Random(f"{seed} {number}"))
                lies.append(forger.lie())
                _write(Path(folder) / f"{number - start}.sqlite", forger, source)
            for number, report in enumerate(_verify(Path(folder), len(lies), anchor)):
                how = lies[number].found(report)
                found[how] += 1
                kinds[lies[number].kind] += 1
                if not how:
                    lie, said = lies[number], report["findings"][:2]
                    missed.append(
                        {"number": start + number, "lie": lie.kind, "at": lie.first, "said": said}
                    )
            if (start // BATCH) % 10 == 9:
                say(f"{start + len(lies)} tampers, {len(missed)} not located")
    return {
        "records": len(rows),
        "tampers": count,
        "located": found["exact"] + found["between roots"],
        "to_the_record": found["exact"],
        "between_two_roots": found["between roots"],
        "kinds": dict(sorted(kinds.items())),
        "missed": missed[:20],
        "ok": not missed,
    }


def _write(path: Path, forger: Forger, source: Path) -> None:
    """Write forged rows to a file of their own, with the head the forger left."""
    for one in (path, head_path(path)):
        one.unlink(missing_ok=True)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").fetchall()
    connection.execute(
        "CREATE TABLE record (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, loop TEXT NOT NULL, "
        "utc TEXT NOT NULL, body TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL)"
    )
    with connection:
        connection.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((r.seq, r.kind, r.loop, r.utc, r.body, r.prev_hash, r.hash) for r in forger.rows),
        )
    connection.close()
    if forger.keep_head:
        shutil.copy(head_path(source), head_path(path))
    elif forger.rows:
        last = forger.rows[-1]
        head_path(path).write_text(Head(last.seq, last.hash).to_line(), "ascii")


def _verify(folder: Path, count: int, anchor: Path) -> list[dict[str, Any]]:
    """Run the stand-alone verifier on a batch; one report per file."""
    files = [str(folder / f"{number}.sqlite") for number in range(count)]
    command = [sys.executable, "-I", str(VERIFIER), "--json", "--anchor", str(anchor), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the verifier failed: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
