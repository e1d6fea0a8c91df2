"""Copies for others: one for machines, one for people, and a list of hashes over both (REC-08).

A folder with `records.jsonl` (every record, its body as the very text that was hashed),
`records.html` (what people read: `record_page.py`) and `manifest.json` (what belongs to it, with
SHA-256). The stand-alone verifier takes the folder as it takes the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from records.canonical import canonical_json
from records.chain import open_read_only
from records.record_key import listed_keys
from records.record_page import RecordPage
from records.row import Head, RecordError, Row

_COLUMNS = ("seq", "kind", "loop", "utc", "body", "prev_hash", "hash")


def export(path: Path, folder: Path, utc: str) -> dict[str, Any]:
    """Write the copies of the record file `path` into `folder`; return the manifest.

    `utc` is when the copy is made. Raises RecordError when the file cannot be read or the folder
    holds an export already, OSError when it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "manifest.json").exists():
        raise RecordError(f"{folder} holds an export already; an export is never overwritten")
    page, head = RecordPage(path.name, utc), Head(0, "")
    connection = open_read_only(path)
    try:
        statement = f"SELECT {', '.join(_COLUMNS)} FROM record ORDER BY seq"
        with (folder / "records.jsonl").open("w", encoding="ascii") as lines:
            for line in connection.execute(statement):
                lines.write(json.dumps(dict(zip(_COLUMNS, line, strict=True))) + "\n")
                row = Row(*line)
                page.add(row)
                head = Head(row.seq, row.hash)
    except apsw.Error as error:
        raise RecordError(f"the record file {path} cannot be read: {error}") from error
    finally:
        connection.close()
    (folder / "records.html").write_text(page.as_html(), "utf-8")
    manifest = {
        "format": "rheostat export 1",
        "source": path.name,
        "utc": utc,
        "records": head.seq,
        "head": head.hash,
        "keys": listed_keys(path),
        "files": {name: _sha256(folder / name) for name in ("records.jsonl", "records.html")},
    }
    _write(folder / "manifest.json", manifest)
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(path: Path, body: Mapping[str, Any]) -> None:
    path.write_text(canonical_json(body) + "\n", "ascii")
