"""`./rheostat hil golden`: what the present code does beside the traces kept in the repository."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

_SHOWN = 10


def golden(
    *what: Annotated[str, Parameter(negative="", show_default=False)],
    update_refs: Flag = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> int:
    """Play the golden traces again and name every difference; exit code 1 when there is one.

    Parameters
    ----------
    what
        Names of golden traces. Default: all.
    update_refs
        Write the traces of the present code in place of the golden ones.
    config
        The line's file. Default: config/line.yaml.
    """
    from hil.golden import FOLDER, NAMES, differences, golden_path, make_golden
    from hil.trace_read import TraceError, read_trace

    if unknown := sorted(set(what) - set(NAMES)):
        raise RefusalError(
            f"no golden trace is called {unknown[0]!r}; known are {', '.join(NAMES)}",
            "nothing would be compared",
            "./rheostat hil golden",
            USAGE,
        )
    sealed = sealed_or_refused(config)
    names = what or NAMES
    if update_refs:
        for name in names:
            say(f"written anew: {shown(make_golden(name, sealed, FOLDER))}")
        return OK
    found = 0
    with tempfile.TemporaryDirectory(prefix="rheostat-golden-") as scratch:
        for name in names:
            try:
                was = read_trace(golden_path(name))
            except TraceError as error:
                raise RefusalError(
                    str(error),
                    "there is nothing to compare with",
                    f"./rheostat hil golden {name} --update-refs, and look at what it changes",
                ) from error
            lines = differences(was, read_trace(make_golden(name, sealed, Path(scratch))))
            found += len(lines)
            print(f"{name}: {'as it was' if not lines else f'{len(lines)} rows differ'}")
            for line in lines[:_SHOWN]:
                print(f"  {line}")
    if found:
        say("if the change is meant: ./rheostat hil golden --update-refs")
    return FINDINGS if found else OK
