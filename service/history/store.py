"""What every place for history can do: take rows once, in order, and answer questions.

The questions are the same SQL on SQLite and PostgreSQL; only where they are asked differs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.history.kept import Kept, day_span

_BUCKETS = """
SELECT (s.t_ms - ?) / ?, MIN(s.t_ms), MIN(CASE WHEN s.quality > 0 THEN s.value END),
  MAX(CASE WHEN s.quality > 0 THEN s.value END), COUNT(*),
  SUM(CASE WHEN s.quality = 0 OR s.value IS NULL THEN 1 ELSE 0 END)
FROM tag t JOIN sample s ON s.tag = t.id
WHERE t.name = ? AND s.t_ms >= ? AND s.t_ms < ? GROUP BY 1 ORDER BY 1"""
_COUNT = """
SELECT COUNT(*) FROM tag t JOIN sample s ON s.tag = t.id
WHERE t.name = ? AND s.t_ms >= ? AND s.t_ms < ?"""
_RAW = """
SELECT s.t_ms, s.value, s.quality FROM tag t JOIN sample s ON s.tag = t.id
WHERE t.name = ? AND s.t_ms >= ? AND s.t_ms < ? ORDER BY s.t_ms, s.seq"""
_DAY_MARK = """
SELECT seq, hash FROM cycle WHERE t_ms >= ? AND t_ms < ?
UNION SELECT seq, hash FROM event WHERE t_ms >= ? AND t_ms < ? ORDER BY seq DESC LIMIT 1"""
MARK = "SELECT last_seq, last_hash FROM day"
BATCHES = """
SELECT batch, loop, recipe, equipment, first_seq, last_seq, first_ms, last_ms, cycles FROM batch
ORDER BY first_seq"""


class HistoryError(Exception):
    """The history cannot be kept or read; the text says why and what to do."""


class Mark(NamedTuple):
    """The newest record that is in the history; number 0 when none is."""

    seq: int
    hash: str


class Bucket(NamedTuple):
    """One stretch of a trend: its first time, the least and greatest usable value, how many."""

    t_ms: int
    low: float | None
    high: float | None
    readings: int
    bad: int


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """Where a batch passed through one loop, from its first to its last record."""

    batch: int
    loop: str
    recipe: str
    equipment: str
    first_seq: int
    last_seq: int
    first_ms: int
    last_ms: int
    cycles: int


class Store(ABC):
    """A place for history."""

    @abstractmethod
    def mark(self) -> Mark:
        """Return the newest record that is here."""

    @abstractmethod
    def add(self, rows: Sequence[Kept]) -> None:
        """Keep `rows`, which follow the mark without a gap; all of a day or nothing."""

    @abstractmethod
    def ask(
        self,
        statement: str,
        values: Sequence[object],
        from_ms: int | None,
        to_ms: int | None,
        tag: str = "",
    ) -> Iterable[tuple[Any, ...]]:
        """Yield the rows of one question, day by day where days stand apart.

        `from_ms` and `to_ms` say which days can hold an answer; None is any. A question about the
        readings of one tag alone names it as `tag`: of an archived day no others are read then.
        """

    @abstractmethod
    def days(self) -> list[str]:
        """Return the UTC days that are here, oldest first."""

    @abstractmethod
    def put_back(self, day: str, rows: Sequence[Kept]) -> None:
        """Keep the rows of one day that is not here, all or nothing; the mark stays."""

    @abstractmethod
    def drop(self, day: str) -> None:
        """Let one day go for good."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    def day_mark(self, day: str) -> Mark:
        """Return the newest record of one day that is here."""
        begin, end = day_span(day)
        rows = self.ask(_DAY_MARK, (begin, end, begin, end), begin, end - 1)
        return next((Mark(*row) for row in rows), Mark(0, ""))

    def trend(self, tag: str, from_ms: int, to_ms: int, points: int) -> list[Bucket]:
        """Return the course of `tag` in at most `points` buckets, or every reading if they fit.

        A bucket holds the least and the greatest usable value, so no peak is thinned away; one
        without any has none, so a gap stays a gap.
        """
        span = (tag, from_ms, to_ms)
        if sum(row[0] for row in self.ask(_COUNT, span, from_ms, to_ms - 1, tag)) <= points:
            return [_single(*row) for row in self.ask(_RAW, span, from_ms, to_ms - 1, tag)]
        width = max(1, -(-(to_ms - from_ms) // points))
        found: dict[int, Bucket] = {}
        for place, *rest in self.ask(_BUCKETS, (from_ms, width, *span), from_ms, to_ms - 1, tag):
            bucket = Bucket(*rest)
            found[place] = _joined(found[place], bucket) if place in found else bucket
        return list(found.values())

    def batches(self) -> list[BatchSpan]:
        """Return where every batch passed through a loop, oldest first."""
        return joined(BatchSpan(*row) for row in self.ask(BATCHES, (), None, None))


def joined(spans: Iterable[BatchSpan]) -> list[BatchSpan]:
    """Return each passage once, of whose parts on several days are `spans`; oldest first."""
    found: dict[tuple[int, str, str], BatchSpan] = {}
    for span in spans:
        key = (span.batch, span.loop, span.recipe)
        found[key] = _longer(found[key], span) if key in found else span
    return sorted(found.values(), key=lambda span: span.first_seq)


def _single(t_ms: int, value: float | None, quality: int) -> Bucket:
    usable = value if quality > 0 else None
    return Bucket(t_ms, usable, usable, 1, int(usable is None))


def _joined(one: Bucket, other: Bucket) -> Bucket:
    lows = [b.low for b in (one, other) if b.low is not None]
    highs = [b.high for b in (one, other) if b.high is not None]
    return Bucket(
        min(one.t_ms, other.t_ms), min(lows, default=None), max(highs, default=None),
        one.readings + other.readings, one.bad + other.bad,
    )  # fmt: skip


def _longer(one: BatchSpan, other: BatchSpan) -> BatchSpan:
    return BatchSpan(
        one.batch, one.loop, one.recipe, one.equipment,
        min(one.first_seq, other.first_seq), max(one.last_seq, other.last_seq),
        min(one.first_ms, other.first_ms), max(one.last_ms, other.last_ms),
        one.cycles + other.cycles,
    )  # fmt: skip
