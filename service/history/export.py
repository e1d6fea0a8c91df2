"""Readings for others: of a batch or of a period, as CSV or Parquet, in SI."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from service.history.kept import utc_of
from service.history.store import Store


class Reading(NamedTuple):
    """One reading as a copy shows it [ms since 1970, SI]; quality 0 bad, 1 uncertain, 2 good."""

    t_ms: int
    loop: str
    tag: str
    value: float | None
    quality: int
    record: int


COLUMNS = ("utc", "loop", "tag", "value_si", "quality", "record")
_OF_A_LOOP = """
SELECT s.t_ms, t.loop, t.name, s.value, s.quality, s.seq FROM tag t JOIN sample s ON s.tag = t.id
WHERE t.loop = ? AND s.t_ms >= ? AND s.t_ms <= ? ORDER BY s.t_ms, t.name"""
_OF_ALL = """
SELECT s.t_ms, t.loop, t.name, s.value, s.quality, s.seq FROM tag t JOIN sample s ON s.tag = t.id
WHERE s.t_ms >= ? AND s.t_ms < ? ORDER BY s.t_ms, t.loop, t.name"""
_AT_ONCE = 2**16


def batch_readings(store: Store, batch: int) -> Iterator[Reading]:
    """Yield every reading of a batch, loop by loop."""
    for span in store.batches():
        if span.batch == batch:
            values = (span.loop, span.first_ms, span.last_ms)
            for row in store.ask(_OF_A_LOOP, values, span.first_ms, span.last_ms):
                yield Reading(*row)


def period_readings(
    store: Store, from_ms: int, to_ms: int, tags: Collection[str] = ()
) -> Iterator[Reading]:
    """Yield every reading from `from_ms` to before `to_ms` [ms since 1970], or those of `tags`."""
    for row in store.ask(_OF_ALL, (from_ms, to_ms), from_ms, to_ms - 1):
        reading = Reading(*row)
        if not tags or reading.tag in tags:
            yield reading


def csv_text(readings: Iterable[Reading]) -> Iterator[str]:
    """Yield a CSV file piece by piece."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for t_ms, *rest in readings:
        out.writerow((utc_of(t_ms), *rest))
        if text.tell() > _AT_ONCE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
