"""`./rheostat bench`: how fast everything is, beside stock do-mpc in the same run."""

from __future__ import annotations

import json as words
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

Section = Literal[
    "solvers", "scaling", "estimators", "profile", "cycle", "gate", "start", "replays",
    "viewers",
]  # fmt: skip


def bench(
    *,
    section: Annotated[tuple[Section, ...], Parameter(negative="", show_default=False)] = (),
    cycles: int = 500,
    seed: int = 20261122,
    config: ConfigFile = DEFAULT_CONFIG,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    against: Annotated[Path | None, Parameter(show_default=False)] = None,
    json: Flag = False,
) -> int:
    """Time solvers, estimators, whole cycles and start-up, beside stock do-mpc in the same run.

    Exit code 1 when a line of acceptance is missed. Only ratios within one run mean anything.

    Parameters
    ----------
    section
        What to measure. Repeatable. Default: everything but replays and viewers.
    cycles
        Closed-loop cycles per problem; with replays, how often the record is answered.
    seed
        Which disturbances and noise.
    config
        The line's file. Default: config/line.yaml.
    out
        Folder for bench.json and bench.svg.
    against
        A bench.json of another commit: print new over old.
    json
        Print everything as JSON.
    """
    if cycles < 10:
        raise RefusalError(
            "--cycles counts from 10",
            "a spread of fewer times tells nothing",
            "./rheostat bench --help",
            USAGE,
        )
    old = None if against is None else _read(against)
    sealed = sealed_or_refused(config)
    from benchmarks.report import compared, missed, text_of
    from benchmarks.sections import ON_REQUEST, SECTIONS, Wanted
    from benchmarks.sections import bench as measure

    wished = section or [name for name in SECTIONS if name not in ON_REQUEST]
    names = [name for name in SECTIONS if name in wished]
    result = measure(names, Wanted(cycles, seed, sealed), say)
    print(words.dumps(result, indent=2, ensure_ascii=False) if json else text_of(result))
    if old is not None:
        (say if json else print)(compared(result, old))
    if out is not None:
        _write(result, out)
    if misses := missed(result):
        say(f"missed: {'; '.join(misses)}")
    return FINDINGS if missed(result) else OK


def _read(path: Path) -> dict[str, Any]:
    """Return an older run.

    Raises:
        RefusalError: the file is no run of this verb.
    """
    from benchmarks.sections import FORMAT

    try:
        old = words.loads(path.read_text("utf-8"))
        known = old["format"] == FORMAT and "sections" in old
    except (OSError, ValueError, LookupError, TypeError):
        old, known = {}, False
    if not known:
        raise RefusalError(
            f"{shown(path)} is no result of this version of the benchmark",
            "there would be nothing to compare with",
            "./rheostat bench --out FOLDER writes one",
            USAGE,
        )
    return dict(old)


def _write(result: dict[str, Any], folder: Path) -> None:
    from benchmarks.plot import draw

    folder.mkdir(parents=True, exist_ok=True)
    text = words.dumps(result, indent=2, ensure_ascii=False)
    (folder / "bench.json").write_text(text + "\n", encoding="utf-8")
    draw(result, folder / "bench.svg")
    say(f"written: {shown(folder / 'bench.json')}, {shown(folder / 'bench.svg')}")
