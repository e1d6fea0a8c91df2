"""`./rheostat replay`: recorded inputs through the present code; every differing decision named."""

from __future__ import annotations

import json as words
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.audit import records_of
from cli.places import shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.words import Flag

if TYPE_CHECKING:
    from records.reader import Entry

_SHOWN = 20


def replay(
    records: Annotated[Path | None, Parameter(show_default=False)] = None,
    /,
    *,
    times: int = 1,
    gate: Flag = False,
    demo: Flag = False,
    json: Flag = False,
) -> int:
    """Fold records through the present code and name every decision that comes out differently.

    On the version that wrote them nothing differs, to the last bit, and the hash is always the
    same. On another version the differences are what the change of version would have changed.
    Exit code 1 when something differs.

    Parameters
    ----------
    records
        The record file, or a trace (.mcap). Default: the records of the only line that is here.
    times
        How often to fold; all folds must give one hash.
    gate
        Take the recorded plans as they are and judge only signals, gate and read-back again.
    demo
        Fold the small trace that comes with the bench.
    json
        Print the result as JSON.
    """
    if times < 1:
        raise RefusalError(
            "--times counts from 1", "nothing would be folded", "./rheostat replay --help", USAGE
        )
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # as the engine's workers run
        os.environ.setdefault(name, "1")
    from service.identity import hashes_of
    from service.replay import folds

    source = _bundled() if demo else records_of(records)
    entries = entries_of(source)
    software = hashes_of({})["software"]
    found, hashes = folds(entries, software, times, plans=not gate)
    body = {"times": times, "hashes": sorted(hashes), **found.to_json()}
    if json:
        print(words.dumps(body, indent=2))
    else:
        for one in found.differences[:_SHOWN]:
            print(f"record {one.record}: {one.loop} {one.sequence} differs in {list(one.parts)}")
        print(f"hash {found.hash}")
        say(
            f"{shown(source)}: {found.cycles} cycles of {found.runs} run(s), "
            f"{len(found.differences)} differ; {found.other_software} were written by other "
            f"software, {found.broken_off} broke off, {found.takeovers} takeovers of a spare; "
            f"{times} fold(s) gave {len(hashes)} hash(es)"
        )
    return OK if not found.differences and len(hashes) == 1 else FINDINGS


def _bundled() -> Path:
    from hil.golden import DEMO

    return DEMO


def entries_of(source: Path) -> Sequence[Entry]:
    """Return the records of a record file or of a trace.

    Raises:
        RefusalError: the file cannot be read.
    """
    from hil.trace_mcap import SUFFIX
    from hil.trace_read import TraceError, read_trace
    from records.reader import RecordReader
    from records.row import RecordError

    try:
        if source.suffix == SUFFIX:
            return read_trace(source).entries()
        reader = RecordReader(source)
        entries = reader.since(0, limit=2**31)
        reader.close()
    except (RecordError, TraceError) as error:
        raise RefusalError(
            str(error), "what cannot be read cannot be replayed", "name a record file or a trace"
        ) from error
    return entries
