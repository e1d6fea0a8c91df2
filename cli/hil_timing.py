"""`./rheostat hil timing`: how an engine kept time, from its records; what its process holds."""

from __future__ import annotations

import json as words
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.audit import records_of
from cli.refusal import FINDINGS, OK, RefusalError, say
from cli.words import Flag


def timing(
    records: Annotated[Path | None, Parameter(show_default=False)] = None,
    /,
    *,
    pid: Annotated[int, Parameter(show_default=False)] = 0,
    samples: int = 10,
    every: float = 1.0,
    json: Flag = False,
) -> int:
    """Summarise a record file's times: read, solve, gate, record, write with read-back, jitter.

    p50, p99, p99.9 and the largest, cycles begun late, cycles lost to slips. Exit code 1 when no
    cycle was timed.

    Parameters
    ----------
    records
        The record file, or a trace (.mcap). Default: the records of the only line that is here.
    pid
        Also watch this process: memory, descriptors, threads.
    samples
        How often to look at it.
    every
        Seconds between two looks.
    json
        Print the report as JSON.
    """
    from cli.replay import entries_of
    from hil.timing import as_text, footprint, timing_of

    found = timing_of(entries_of(records_of(records)))
    seen = []
    try:
        for number in range(samples if pid else 0):
            time.sleep(every if number else 0.0)
            seen.append(footprint(pid))
    except OSError as error:
        raise RefusalError(
            f"process {pid} cannot be watched: {error}",
            "memory and descriptors are read from /proc",
            "./rheostat mode shows the engine's number",
        ) from error
    if json:
        print(words.dumps({"loops": found, "process": seen}, indent=2))
    else:
        print(as_text(found))
        for one in seen:
            print(f"  {one['memory_kib']} KiB  {one['descriptors']} descriptors  "
                  f"{one['threads']} threads")  # fmt: skip
    if not found:
        say("no cycle of these records carries its times")
    return OK if found else FINDINGS
