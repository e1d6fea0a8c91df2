"""Which stretches of the records quality has reviewed, and what of a batch still waits for it.

A batch is reviewed when signed stretches cover every record from its first to its last: what
happened in it after the review is not. Requirement REC-12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from records.reader import RecordReader
from service.door_reports import review_span

MOST = 2000
"""So many of the newest signatures are looked through."""


def reviews(reader: RecordReader) -> list[dict[str, Any]]:
    """Return the signed reviews, newest first: which records, what was found, by whom, when."""
    found = []
    for row in reversed(reader.last_of_kind("signature", MOST, loop="")):
        meaning = str(row.body.get("meaning", ""))
        if span := review_span(meaning):
            who = {key: str(row.body.get(key, "")) for key in ("name", "role", "utc")}
            why = meaning.partition(": ")[2]
            found.append({"record": row.seq, "first": span[0], "last": span[1], "why": why, **who})
    return found


def spans_of(signed: Iterable[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Return first and last record of each review."""
    return [(one["first"], one["last"]) for one in signed]


def left_open(first: int, last: int, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the stretches of the records `first` to `last` that none of `spans` covers."""
    left, at = [], first
    for begins, ends in sorted(spans):
        if at < begins and at <= last:
            left.append((at, min(last, begins - 1)))
        at = max(at, ends + 1)
    return [*left, (at, last)] if at <= last else left


def review_of(batch: Mapping[str, Any], signed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return whether a batch's records are reviewed, by whom, and which are left."""
    first, last = batch["records"]
    left = left_open(first, last, spans_of(signed))
    by = [one for one in signed if one["first"] <= last and one["last"] >= first]
    return {"reviewed": not left, "left": left, "by": by}
