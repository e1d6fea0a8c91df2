"""A day of history as three tables that anybody can read: readings, cycles, events.

The form of the Parquet files. Columns have plain names; values are SI, and the unit of every tag
stands in the file's own metadata (`units`). What a day holds is told by one hash over its columns,
whichever store or file they come from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from service.history.kept import Kept, Sample, day_span, utc_of
from service.history.store import BatchSpan, Store, joined

FORMAT = "rheostat history 1"
"""The version of the columns below."""

Tables = Mapping[str, pa.Table]
_UTC = pa.timestamp("ms", tz="UTC")
_TEXT, _WHOLE, _NUMBER, _SMALL = pa.string(), pa.int64(), pa.float64(), pa.int8()
READINGS = pa.schema(
    [("utc", _UTC), ("loop", _TEXT), ("tag", _TEXT), ("value_si", _NUMBER), ("quality", _SMALL),
     ("record", _WHOLE)]
)  # fmt: skip
"""One row for each reading: quality 0 bad, 1 uncertain or estimated, 2 good; record its row."""
_SCHEMAS = {
    "readings": READINGS,
    "cycles": pa.schema(
        [("record", _WHOLE), ("utc", _UTC), ("loop", _TEXT), ("mode", _TEXT),
         ("requested", _TEXT), ("action", _TEXT), ("limiting", _TEXT), ("outcome", _TEXT),
         ("late", _SMALL), ("total_ms", _NUMBER), ("solve_ms", _NUMBER), ("recipe", _TEXT),
         ("batch", _WHOLE), ("phase", _TEXT), ("equipment", _TEXT), ("config_sha256", _TEXT),
         ("record_sha256", _TEXT)]
    ),
    "events": pa.schema(
        [("record", _WHOLE), ("utc", _UTC), ("loop", _TEXT), ("kind", _TEXT), ("what", _TEXT),
         ("body", _TEXT), ("record_sha256", _TEXT)]
    ),
}  # fmt: skip
_ORDER = {
    "readings": ("loop", "tag", "utc", "record"), "cycles": ("record",), "events": ("record",),
}  # fmt: skip
_QUESTIONS = {
    "readings": "SELECT s.t_ms, t.loop, t.name, s.value, s.quality, s.seq FROM tag t "
    "JOIN sample s ON s.tag = t.id WHERE s.t_ms >= ? AND s.t_ms < ?",
    "cycles": "SELECT seq, t_ms, loop, mode, requested, action, limiting, outcome, late, total_ms, "
    "solve_ms, recipe, batch, phase, equipment, config, hash FROM cycle "
    "WHERE t_ms >= ? AND t_ms < ?",
    "events": "SELECT seq, t_ms, loop, kind, what, body, hash FROM event "
    "WHERE t_ms >= ? AND t_ms < ?",
}
_NEVER_ALIKE = ("body", "record_sha256")
_AT_ONCE = 100_000
_IN_A_GROUP = 2**14  # rows; a day of one tag fills about one, so a trend reads two of a hundred


def tables_of(store: Store, day: str) -> dict[str, pa.Table]:
    """Return everything that `store` holds of one day, in the order of the files."""
    begin, end = day_span(day)
    found = {}
    for name, question in _QUESTIONS.items():
        rows = store.ask(question, (begin, end), begin, end - 1)
        table = pa.Table.from_batches(_batches(rows, _SCHEMAS[name]), _SCHEMAS[name])
        order = [(column, "ascending") for column in _ORDER[name]]
        found[name] = table.sort_by(order)
    return found


def content_of(tables: Tables) -> str:
    """Return the SHA-256 of what a day holds.

    Hashed is each column of readings, cycles and events in turn, as a JSON list and a line break;
    a time counts as milliseconds since 1970. So it can be recomputed without these files.
    """
    found = hashlib.sha256()
    for name, schema in _SCHEMAS.items():
        for column in schema.names:
            found.update(json.dumps(_plain(tables[name][column]), allow_nan=False).encode())
            found.update(b"\n")
    return found.hexdigest()


def rows_of(tables: Tables) -> list[Kept]:
    """Return the rows of a day as a store takes them, in the order of the records."""
    samples: dict[int, list[Sample]] = {}
    times: dict[int, int] = {}
    readings = (_plain(tables["readings"][name]) for name in READINGS.names)
    for t_ms, loop, tag, value, quality, seq in zip(*readings, strict=True):
        samples.setdefault(seq, []).append(Sample(loop, tag, value, quality))
        times[seq] = t_ms
    found = {seq: Kept(seq, "", times[seq], rows) for seq, rows in samples.items()}
    for seq, t_ms, *rest in lines_of(tables["cycles"]):
        found[seq] = Kept(seq, rest[-1], t_ms, samples.get(seq, ()), cycle=tuple(rest))
    for seq, t_ms, *rest in lines_of(tables["events"]):
        found[seq] = Kept(seq, rest[-1], t_ms, event=tuple(rest))
    return [found[seq] for seq in sorted(found)]


def spans_of(cycles: pa.Table) -> list[BatchSpan]:
    """Return where batches passed through a loop, by the cycles of one day."""
    names = ("batch", "loop", "recipe", "equipment", "record", "utc")
    return joined(
        BatchSpan(batch, loop, recipe, equipment, seq, seq, t_ms, t_ms, 1)
        for batch, loop, recipe, equipment, seq, t_ms in zip(
            *(_plain(cycles[name]) for name in names), strict=True
        )
        if batch is not None
    )


def ends_of(tables: Tables) -> tuple[str, str]:
    """Return the first and the last time of a day's rows; empty texts when there are none."""
    times = [t for table in tables.values() for t in (_plain(table["utc"]) or ())]
    return (utc_of(min(times)), utc_of(max(times))) if times else ("", "")


def write_table(path: Path, table: pa.Table, about: Mapping[str, str]) -> None:
    """Write one table as Parquet; the same rows give the same bytes with the same pyarrow."""
    with _writer(path, table.schema, about) as out:
        out.write_table(table, row_group_size=_IN_A_GROUP)


def write_readings(
    target: Path | BinaryIO, rows: Iterable[Sequence[Any]], about: Mapping[str, str]
) -> int:
    """Write rows of (t_ms, loop, tag, value, quality, record) as Parquet; return how many."""
    written = 0
    with _writer(target, READINGS, about) as out:
        for batch in _batches(rows, READINGS):
            out.write_batch(batch)
            written += batch.num_rows
    return written


def read_tables(folder: Path) -> dict[str, pa.Table]:
    """Return the tables of the day that stands in `folder`."""
    return {name: pq.read_table(folder / f"{name}.parquet", schema=schema)
            for name, schema in _SCHEMAS.items()}  # fmt: skip


def read_readings(folder: Path, tag: str) -> pa.Table:
    """Return the row groups that can hold readings of `tag`, by what the file says of each."""
    with pq.ParquetFile(folder / "readings.parquet") as file:  # a tenth of a filter's imports
        place, groups = READINGS.get_field_index("tag"), range(file.num_row_groups)
        ends = [file.metadata.row_group(group).column(place).statistics for group in groups]
        held = [one for one, end in zip(groups, ends, strict=True)
                if end is None or end.min <= tag <= end.max]  # fmt: skip
        return file.read_row_groups(held)


def lines_of(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table as Python has them; times as milliseconds since 1970."""
    return zip(*(_plain(table[name]) for name in table.column_names), strict=True)


def about_file(sealed: Mapping[str, Any], **more: str) -> dict[str, str]:
    """Return what a file says about itself: its line, and the SI unit of every tag."""
    from service.config_desk import CALCULATED  # slow to import, and no reader needs units
    from service.config_quantity import read_unit, si_text

    own = {tag: str(row.get("unit", "")) for tag, row in sealed["tags"].items()}
    units = CALCULATED | own
    texts = {tag: si_text(read_unit(unit)) for tag, unit in sorted(units.items())}
    line = sealed["line"]
    return {
        "format": FORMAT, "line": str(line["id"]), "site": str(line.get("site", "")),
        "quality": "0 bad, 1 uncertain or estimated, 2 good", "units": json.dumps(texts), **more,
    }  # fmt: skip


def _writer(
    target: Path | BinaryIO, schema: pa.Schema, about: Mapping[str, str]
) -> pq.ParquetWriter:
    words = [field.name for field in schema if field.name not in _NEVER_ALIKE
             and pa.types.is_string(field.type)]  # fmt: skip
    numbers = {"utc": "DELTA_BINARY_PACKED", "record": "DELTA_BINARY_PACKED"}
    return pq.ParquetWriter(
        target, schema.with_metadata(dict(about)), compression="zstd", use_dictionary=words,
        column_encoding=numbers, store_schema=True,
    )  # fmt: skip


def _batches(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[Sequence[Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _AT_ONCE:
            yield _batch(waiting, schema)
            waiting.clear()
    if waiting:
        yield _batch(waiting, schema)


def _batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema,
                                                              strict=True)
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Return a column as Python has it; times as milliseconds since 1970."""
    values = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    found: list[Any] = values.to_pylist()
    return found
