"""The lots of a batch as the records have them: entered by whom, checked by whom, struck and why.

Read here and nowhere else; written by `service.door_entries`. Requirements GMP-01, FS-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records.reader import Entry, RecordReader

MOST = 5000
"""So many of the newest entries and signatures are looked through."""


def check_meaning(entry: Mapping[str, Any]) -> str:
    """Return what the signature under the entry of a lot means."""
    return (
        f"I have checked lot {entry['lot']} of {entry['material']} for batch {entry['batch']} "
        "against its label"
    )


def lots(reader: RecordReader) -> list[dict[str, Any]]:
    """Return every lot that was entered, oldest first: for which batch, by whom, checked by whom.

    Keys: record, batch, material, lot, utc, person, who; `checked` is name, role and time of the
    second person, or None; `struck` is who, why and when, or None.
    """
    entries = reader.last_of_kind("entry", MOST, loop="")
    found = {row.seq: _entered(row) for row in entries if row.body.get("entry") == "lot"}
    for row in entries:
        if row.body.get("entry") == "lot-struck" and row.body.get("of") in found:
            told = {key: str(row.body.get(key, "")) for key in ("who", "why")}
            found[row.body["of"]]["struck"] = {**told, "utc": row.utc}
    for row in reader.last_of_kind("signature", MOST, loop="") if found else ():
        signed = found.get(int(row.body.get("record") or 0))
        if signed is not None and row.body.get("meaning") == check_meaning(signed):
            signed["checked"] = {key: str(row.body[key]) for key in ("name", "role", "utc")}
    return list(found.values())


def _entered(row: Entry) -> dict[str, Any]:
    told = {key: row.body[key] for key in ("batch", "material", "lot", "person", "who")}
    return {"record": row.seq, **told, "utc": row.utc, "checked": None, "struck": None}
