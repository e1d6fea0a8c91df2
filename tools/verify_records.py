#!/usr/bin/env python3
r"""Verify Rheostat's records without Rheostat: one file, the standard library, one Ed25519 library.

    python -I verify_records.py records.sqlite
    python -I verify_records.py export-folder --anchor anchors.jsonl --key 3f...

Reads the SQLite file of an engine, or the folder of an export, and changes neither. It says which
record is wrong and what is wrong with it; exit code 0: all is well, 1: something was found, 2: it
could not be read. Needs Python 3.9 or newer and the package `cryptography`.

What is checked (the reference page of the records has every rule):
  * each record's hash fits its content, and names the record before; none is missing or moved;
  * each signed root fits all records before it (RFC 6962 tree), and its Ed25519 signature;
  * each signature of a person fits the record or proposal it was given for, and a registered key;
  * nothing was cut off since the head beside the file, or since an anchor kept elsewhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import sys
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COLUMNS = ("seq", "kind", "loop", "utc", "body", "prev_hash", "hash")
GENESIS = b"0" * 64
Json = Any  # what json.loads returns
Row = tuple[Any, ...]  # the columns: seq a number, all else bytes
Head = tuple[int, bytes]


class Unreadable(Exception):  # noqa: N818 - reads as the fact it states
    """The records cannot be read at all; the text says why."""


class Tree:
    """The Merkle tree of RFC 6962, kept as the roots of its perfect subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self._nodes: list[bytes] = []

    def add(self, row_hash: bytes) -> None:
        """Append the leaf of one row; a hash that is none gets a leaf that fits no root."""
        try:
            node = hashlib.sha256(b"\0" + bytes.fromhex(row_hash.decode())).digest()
        except ValueError:
            node = bytes(32)
        size = self.size
        while size & 1:
            node = hashlib.sha256(b"\1" + self._nodes.pop() + node).digest()
            size >>= 1
        self._nodes.append(node)
        self.size += 1

    def root(self) -> str:
        """Return the root hash in hex."""
        if not self._nodes:
            return hashlib.sha256(b"").hexdigest()
        node = self._nodes[-1]
        for left in reversed(self._nodes[:-1]):
            node = hashlib.sha256(b"\1" + left + node).digest()
        return node.hex()


def canonical(value: Json) -> bytes:
    """Return the canonical JSON of a value that was read from canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def genuine(public: str, signature: str, message: bytes) -> bool:
    """Say whether `signature` over `message` was made with the private half of `public` (hex)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def key_id(public: str) -> str:
    """Return how a public key (hex) is called."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def root_text(root: Json, utc: str) -> bytes:
    """Return what the engine's key signs in a root or an anchor."""
    fields = {"size": root["size"], "root": root["root"], "utc": utc, "key": root["key"]}
    return canonical({"format": "rheostat root 1", **fields})


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the records of a file or an export: seq as int, all else as bytes."""
    if path.is_dir() or path.suffix == ".jsonl":
        lines = path / "records.jsonl" if path.is_dir() else path
        with lines.open("rb") as stream:
            for line in stream:
                row = json.loads(line)
                texts = (str(row[name]).encode("utf-8", "surrogatepass") for name in COLUMNS[1:])
                yield (int(row["seq"]), *texts)
        return
    wal = path.with_name(path.name + "-wal")
    still = not wal.exists() or wal.stat().st_size == 0
    mode = "immutable=1" if still else "mode=ro"
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True)
    connection.text_factory = bytes
    try:
        yield from connection.execute(f"SELECT {', '.join(COLUMNS)} FROM record ORDER BY seq")
    finally:
        connection.close()


def read_head(path: Path) -> Head | None:
    """Return (seq, hash) of the head kept beside the file, or None."""
    try:
        text = path.with_name(path.name + ".head").read_text("ascii")
        seq, row_hash, check = text.split()
    except (OSError, ValueError):
        return None
    fits = hashlib.sha256(f"{seq} {row_hash}".encode()).hexdigest()[:16] == check
    return (int(seq), row_hash.encode()) if fits else None


def content_hash(row: Row) -> bytes:
    """Return the hash that belongs to a row's columns."""
    seq, kind, loop, utc, body, before, _ = row
    text = b"\n".join((b"%d" % seq, kind, loop, utc, before, body))
    return hashlib.sha256(text).hexdigest().encode()


class Verifier:
    """Takes in the records one by one; `findings` are (first, last, what is wrong)."""

    def __init__(self, keys: set[str], anchors: list[Json], head: Head | None) -> None:
        self.keys, self.anchors, self.head = keys, anchors, head
        self.findings: list[tuple[int, int, str]] = []
        self.roots, self.signatures, self.vouched = 0, 0, 0
        self.signers: set[str] = set()
        self.hashes, self.last = {0: GENESIS}, 0
        self.tree: Tree | None = Tree()
        self._people: Json = {}
        self._changed = 0

    def bad(self, first: int, last: int, what: str) -> None:
        """Note what is wrong with the records `first` to `last`."""
        self.findings.append((first, last, what))

    def run(self, rows: Iterable[Row]) -> None:
        """Take in all rows; each is judged knowing the one after it."""
        row: Row | None = None
        for after in rows:
            if row is not None:
                self._take(row, after)
            row = after
        if row is not None:
            self._take(row, None)
        self._end()

    def _take(self, row: Row, after: Row | None) -> None:
        seq, before, due = row[0], self.hashes[self.last], self.last + 1
        if seq > due:
            self.bad(due, seq - 1, "missing: deleted, or moved elsewhere")
            self.tree = None
            before = row[5]
        elif seq < due:
            self.bad(seq, seq, f"stands where record {due} should be: moved, or there twice")
            return
        if content_hash(row) != row[6]:
            self.bad(seq, seq, "changed: its hash does not fit its content")
            self._changed = seq
        elif row[5] != before and self._changed != seq - 1:
            # Hash and content agree, so either this record or the one before was made to fit.
            vouched = after[5] == row[6] if after else self.head is not None and self.head == (
                seq, row[6])  # fmt: skip
            culprit = seq - 1 if vouched and seq > 1 else seq
            self.bad(culprit, culprit, "rewritten, its hash made to fit: its neighbour knows "
                     "another hash")  # fmt: skip
        self._judge(row)
        self.hashes[seq], self.last = row[6], seq
        if self.tree is not None:
            self.tree.add(row[6])
            for anchor in self.anchors:
                if anchor["size"] == self.tree.size and anchor["root"] != self.tree.root():
                    self.bad(self.vouched + 1, seq, f"not what the anchor of {anchor['utc']} says")

    def _judge(self, row: Row) -> None:
        seq, kind, _, utc, body = row[:5]
        if kind not in (b"root", b"signature", b"seal", b"start"):
            return
        try:
            what = json.loads(body)
            if kind == b"root":
                self._root(seq, what, utc.decode())
            elif kind == b"signature":
                self._signature(seq, what)
            elif kind == b"seal":
                self._seal(seq, what)
            elif not self._people:
                self._people = what["sealed"].get("people", {})
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.bad(seq, seq, f"is no {kind.decode()}: {error!r}")

    def _root(self, seq: int, root: Json, utc: str) -> None:
        if not genuine(root["public_key"], root["signature"], root_text(root, utc)):
            self.bad(seq, seq, "the signature of this root is not genuine")
        elif root["key"] != key_id(root["public_key"]):
            self.bad(seq, seq, "this root names another key than the one it is signed with")
        elif self.keys and root["public_key"] not in self.keys:
            self.bad(seq, seq, f"this root is signed by {root['key']}, a key nobody knows here")
        elif self.tree is None:
            return
        elif (root["size"], root["root"]) != (self.tree.size, self.tree.root()):
            self.bad(self.vouched + 1, seq - 1, f"rewritten: the root in {seq} does not fit")
        else:
            self.roots, self.vouched = self.roots + 1, seq
            self.signers.add(root["key"])

    def _signature(self, seq: int, what: Json) -> None:
        """A person's signature under a record: its name, time and meaning are signed too."""
        number = what["record"]
        if not 0 < number < seq or self.hashes.get(number) != what["hash"].encode():
            self.bad(seq, seq, f"signed for another record than {number} as it stands here")
        names = ("record", "hash", "person", "name", "role", "meaning", "utc")
        text = canonical({"format": "rheostat act 1", **{name: what[name] for name in names}})
        self._person(seq, what, text)

    def _seal(self, seq: int, what: Json) -> None:
        proposal = what["proposal"]
        digest = hashlib.sha256(canonical(proposal)).hexdigest()
        if digest != what["sha256"]:
            self.bad(seq, seq, "the proposal does not fit its hash")
        names = ("proposal", "person", "name", "role", "meaning", "utc")
        for one in what["signatures"]:
            if one["proposal"] != digest:
                self.bad(seq, seq, f"{one['name']} signed another proposal")
            text = canonical({"format": "rheostat signature 1", **{n: one[n] for n in names}})
            self._person(seq, one, text)
        self._people = proposal["config"].get("people", {})

    def _person(self, seq: int, what: Json, text: bytes) -> None:
        known = self._people.get(what["person"], {})
        public = b64decode(known.get("key", "").removeprefix("ed25519:")).hex()
        if (known.get("name"), known.get("role")) != (what["name"], what["role"]):
            self.bad(seq, seq, f"{what['name']!r} is not registered with this name and role")
        elif not genuine(public, what["bytes_hex"], text):
            self.bad(seq, seq, f"the signature of {what['name']} is not genuine")
        else:
            self.signatures += 1

    def _end(self) -> None:
        """Compare the end with what was kept elsewhere."""
        last = self.last
        kept = [(one["size"], f"the anchor of {one['utc']}") for one in self.anchors]
        if self.head is not None:
            kept.append((self.head[0], "the head beside the file"))
            if self.head[0] <= last and self.hashes.get(self.head[0]) != self.head[1]:
                if not self.findings:
                    self.bad(self.head[0], self.head[0], "rewritten since the head was kept")
        seq, what = max(kept, default=(0, ""))
        if seq > last:
            self.bad(last + 1, seq, f"missing: the tail was cut off; {what} knows record {seq}")
        # A root or anchor that does not fit says less than the record that is the reason for it.
        spans = sorted(self.findings[:200], key=lambda one: one[1] - one[0])
        for wide in [one for one in spans if one[0] < one[1]]:
            inside = (one for one in spans if wide[0] <= one[0] <= one[1] <= wide[1])
            if next(inside) != wide:
                self.findings.remove(wide)


def read_anchors(paths: Iterable[Path], keys: set[str]) -> list[Json]:
    """Return the anchors in files of JSON lines; raises Unreadable for one that is not genuine."""
    anchors: list[Json] = []
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                one = json.loads(line)
                good = genuine(one["public_key"], one["signature"], root_text(one, one["utc"]))
            except (ValueError, LookupError, TypeError) as error:
                raise Unreadable(f"{path} line {number} is no anchor: {error!r}") from error
            if not good or (keys and one["public_key"] not in keys):
                raise Unreadable(f"{path} line {number}: the anchor is not genuine")
            anchors.append(one)
    return anchors


def check_manifest(folder: Path) -> list[tuple[int, int, str]]:
    """Return what is wrong with the files of an export, against its manifest."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return [
        (0, 0, f"{name} is not the file that was exported")
        for name, digest in manifest["files"].items()
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest
    ]


def verify(path: Path, anchors: Sequence[Json], keys: set[str]) -> Json:
    """Verify one file or export folder; return the report as plain data."""
    # An anchor pins the key: whoever signed it must have signed the roots.
    trusted = keys or {one["public_key"] for one in anchors}
    judge = Verifier(trusted, list(anchors), read_head(path))
    try:
        judge.run(read_rows(path))
        findings = judge.findings + (check_manifest(path) if path.is_dir() else [])
    except (sqlite3.Error, OSError, ValueError, LookupError, TypeError) as error:
        raise Unreadable(f"{path}: after record {judge.last}: {error}") from error
    return {
        "file": str(path),
        "records": judge.last,
        "ok": not findings,
        "findings": [{"first": a, "last": b, "what": what} for a, b, what in findings[:100]],
        "roots": judge.roots,
        "signatures": judge.signatures,
        "keys": sorted(judge.signers),
        "pinned": bool(trusted),
        "signed_up_to": judge.vouched - 1 if judge.vouched else 0,
    }


def as_text(report: Json) -> str:
    """Return a report as people read it."""
    head = f"{report['file']}: {report['records']} records, {report['roots']} signed roots"
    lines = [f"{head}, {report['signatures']} signatures of people"]
    for one in report["findings"]:
        first, last = one["first"], one["last"]
        which = f"record {first}" if first == last else f"records {first} to {last}"
        lines.append(f"  BAD  {which}: {one['what']}")
    if report["ok"]:
        lines.append(f"  OK   unbroken; signed up to record {report['signed_up_to']}")
    if not report["pinned"]:
        lines.append(f"  NOTE the signing key was taken from the records: {report['keys']}; "
                     "compare it with one kept elsewhere (--key, --anchor)")  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    """Verify what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("paths", nargs="+", type=Path, help="record files or export folders")
    parser.add_argument("--anchor", action="append", default=[], type=Path, help="anchors kept")
    parser.add_argument("--key", action="append", default=[], help="public key (hex) kept")
    parser.add_argument("--json", action="store_true", help="one JSON line per file")
    options = parser.parse_args()
    worst = 0
    try:
        anchors = read_anchors(options.anchor, set(options.key))
        for path in options.paths:
            report = verify(path, anchors, set(options.key))
            print(json.dumps(report) if options.json else as_text(report))  # noqa: T201
            worst = max(worst, 0 if report["ok"] else 1)
    except (Unreadable, OSError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)  # noqa: T201
        worst = 2
    return worst


if __name__ == "__main__":
    sys.exit(main())
