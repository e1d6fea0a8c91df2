"""Which stretches of the records quality has reviewed, and which batches still wait for it.

A batch is reviewed when signed stretches cover every record from its first to its last: what
happened in it after the review is not. Requirement REC-12.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends

from records.reader import RecordReader
from service.door_reports import review_span
from service.page.access import require
from service.page.read_file import ask_records

MOST = 2000
"""So many of the newest signatures are looked through."""


def router(state_dir: Path) -> APIRouter:
    """Return the route that lists the reviews."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.get("/api/reviews")
    async def all_() -> list[dict[str, Any]]:
        return await ask_records(state_dir, reviews)

    return routes


def reviews(reader: RecordReader) -> list[dict[str, Any]]:
    """Return the signed reviews, newest first: which records, what was found, by whom, when."""
    found = []
    for row in reversed(reader.last_of_kind("signature", MOST)):
        meaning = str(row.body.get("meaning", ""))
        if span := review_span(meaning):
            who = {key: row.body[key] for key in ("name", "role", "utc")}
            why = meaning.partition(": ")[2]
            found.append({"record": row.seq, "first": span[0], "last": span[1], "why": why, **who})
    return found


def unreviewed(first: int, last: int, signed: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return the stretches of the records `first` to `last` that no review covers."""
    left, at = [], first
    for begins, ends in sorted((one["first"], one["last"]) for one in signed):
        if at < begins and at <= last:
            left.append((at, min(last, begins - 1)))
        at = max(at, ends + 1)
    return [*left, (at, last)] if at <= last else left


def review_of(batch: dict[str, Any], signed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return whether a batch's records are reviewed, by whom, and which are left."""
    first, last = batch["records"]
    left = unreviewed(first, last, signed)
    by = [one for one in signed if one["first"] <= last and one["last"] >= first]
    return {"reviewed": not left, "left": left, "by": by}
