"""`./rheostat hil self-test`: whether the harness finds what is broken on purpose."""

from __future__ import annotations

import json as words
from typing import Annotated

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag


def self_test(
    *bug: Annotated[str, Parameter(negative="", show_default=False)],
    seed: int = 1,
    workers: int = 2,
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
) -> int:
    """Plant bugs in gate, writer and controller; exit code 1 when the harness misses one.

    Each bug is one function of the engine replaced. The whole engine has to pass what finds it, and
    the broken one has to fail it. A broken controller writes nothing unsafe; its figures must fail.

    Parameters
    ----------
    bug
        Names of bugs. Default: all.
    seed
        The plant.
    workers
        Processes that play at the same time.
    config
        The line's file. Default: config/line.yaml.
    json
        Print the table as JSON.
    """
    from functools import partial

    from hil.fault_planted import BUGS, caught
    from hil.pool import played

    if workers < 1 or (unknown := sorted(set(bug) - set(BUGS))):
        raise RefusalError(
            f"no planted bug is called {unknown[0]!r}"
            if workers > 0
            else "--workers counts from 1",
            "what is not planted cannot be found",
            f"one of {', '.join(BUGS)}",
            USAGE,
        )
    chosen = [one for one in BUGS if not bug or one in bug]
    say(f"planting {len(chosen)} bug(s), one at a time in each of {workers} process(es) ...")
    rows = []
    for row in played(partial(caught, seed=seed), chosen, sealed_or_refused(config), workers):
        rows.append(row)
        word = "caught" if row["caught"] else "NOT CAUGHT"
        found = f"{row['fault']} {row['play']}".strip()
        if not json:
            print(f"{row['in']:<11}{row['bug']:<30}{found:<34}{word}: {'; '.join(row['by'])[:80]}")
    if json:
        rows.sort(key=lambda row: chosen.index(row["bug"]))
        print(words.dumps(rows, indent=2, ensure_ascii=False))
    missed = [row["bug"] for row in rows if not row["caught"]]
    say(f"{len(rows) - len(missed)} of {len(rows)} caught")
    return FINDINGS if missed else OK
