"""`./rheostat hil soak`: random faults over line after line, until so many cycles are judged."""

from __future__ import annotations

import json as words
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

SHOWN = 20  # escapes and misses printed; the report holds all


def soak(
    *,
    cycles: int = 10_000,
    seed: int = 1,
    workers: int = 2,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    resume: Flag = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
) -> int:
    """Play line after line under random single and double faults; exit code 1 for one escape.

    Every frame goes before the judge, every record chain is verified, every word on the wire must
    be explained by an intent. Chunks of 1000 cycles are kept one by one. The same seed gives the
    same chunks, whoever plays them.

    Parameters
    ----------
    cycles
        How many cycles to judge at least.
    seed
        Of plants, faults and moments.
    workers
        Processes that play at the same time.
    out
        Folder of the chunks. Default: var/hil/soak-SEED.
    resume
        Go on in that folder; --cycles may be larger than before.
    config
        The line's file. Default: config/line.yaml.
    json
        Print the report as JSON.
    """
    from hil.campaign_plan import CampaignError
    from hil.campaign_store import CampaignStore
    from hil.fault_soak import chunks_of, play_chunk, soak_manifest, total_of
    from hil.pool import played as play

    if min(cycles, workers) < 1:
        raise RefusalError(
            "--cycles and --workers count from 1",
            "nothing would be played",
            "./rheostat hil soak --cycles 10000",
            USAGE,
        )
    sealed = sealed_or_refused(config)
    folder = out or STATES / "hil" / f"soak-{seed}"
    chunks = chunks_of(cycles, seed)
    try:
        store = CampaignStore(folder, soak_manifest(sealed, seed), resume=resume)
    except CampaignError as error:
        raise RefusalError(
            str(error),
            "chunks of different sources or seeds must not be counted together",
            "give --resume to go on, or name another folder with --out",
            USAGE,
        ) from error
    missing = [chunk for chunk in chunks if not store.has(chunk.key)]
    say(f"{len(missing)} of {len(chunks)} chunk(s) to play in {workers} process(es) ...")
    began_s, played, unsafe = time.monotonic(), 0, 0
    for done, chunk in enumerate(play(play_chunk, missing, sealed, workers), start=1):
        store.put(chunk["key"], chunk)
        played += chunk["cycles"]
        unsafe += chunk["unsafe"]
        rate = played / (time.monotonic() - began_s)
        say(f"{done} of {len(missing)}: {rate:.1f} cycles/s, {unsafe} unsafe so far")
        sys.stderr.flush()
    total = total_of([store.get(chunk.key) for chunk in chunks])
    text = words.dumps(total, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", "utf-8")
    print(text if json else _as_text(total))
    say(f"\nreport.json and all chunks: {shown(folder)}")
    return OK if total["ok"] else FINDINGS


def _as_text(total: Mapping[str, Any]) -> str:
    lines = [
        f"cycles judged     {total['cycles']}, {total['auto']} in AUTO, {total['lines']} line(s)",
        f"faults struck     {total['faults']} of {len(total['struck'])} kinds",
        f"frames, setpoints {total['frames']}, {total['setpoints']}",
        f"unsafe setpoints  {total['unsafe']}",
        f"misses            {len(total['misses'])}",
    ]
    lines += [f"UNSAFE {one['line']}: {one}" for one in total["escapes"][:SHOWN]]
    lines += [f"missed {text}" for text in total["misses"][:SHOWN]]
    return "\n".join(lines)
