"""`./rheostat evidence`: the pack that quality assurance reads: IQ, OQ, PQ template, matrix."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cli.places import STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.words import Flag

HELP = """Build the evidence pack, or verify one off-line.

Collects results with the project's own verbs, then renders them: installation (IQ), operation (OQ),
a template for performance (PQ), trace matrix, deviations, known limits, signature blocks.
"""
PathOrNone = Annotated[Path | None, Parameter(show_default=False)]

evidence = App(name="evidence", help=HELP)


@evidence.default
def build(
    *,
    out: PathOrNone = None,
    quick: Flag = False,
    from_: Annotated[Path | None, Parameter(name="--from", negative="", show_default=False)] = None,
    results: PathOrNone = None,
    release: Flag = False,
) -> int:
    """Build the pack: collect results, then render them as HTML, PDF and JUnit.

    The same results give the same bytes. Exit code 1 with --release when a requirement is neither
    shown nor open, a fault was unsafe, a planted bug was not caught, or a package is not the locked
    one.

    Parameters
    ----------
    out
        Folder of the pack; it must not be there yet. Default: a new one under var/evidence.
    quick
        A selection of faults and bugs, no slow tests: minutes. What is left out is a deviation.
    from_
        Render the results of this pack again; run nothing.
    results
        Take the tests' results from this JUnit file; run no test.
    release
        Fail when a deviation forbids a release.
    """
    from cli.evidence_pack import PackError
    from cli.evidence_render import render

    if from_ is not None and (quick or results is not None):
        raise RefusalError(
            "--from renders results that are there; --quick and --results collect new ones",
            "it must be certain which results a pack shows",
            "./rheostat evidence --help",
            USAGE,
        )
    if from_ is None and results is None and importlib.util.find_spec("pytest") is None:
        raise RefusalError(
            "the developers' tools are not installed here",
            "the pack rests on the tests, and pytest runs them",
            "start it as ./rheostat evidence, which installs them, or give --results FILE",
        )
    pack = out or _next()
    if pack.exists() and any(pack.iterdir()):
        raise RefusalError(
            f"{shown(pack)} is not empty",
            "a pack holds the results of one run and nothing else",
            "name another folder with --out",
            USAGE,
        )
    try:
        if from_ is None:
            _collect(pack, quick=quick, junit=results)
        else:
            shutil.copytree(from_ / "results", pack / "results")
        rendered = render(pack)
    except (PackError, OSError) as error:
        raise RefusalError(
            f"no pack can be made: {error}",
            "a pack that lacks a part would be read as if it had it",
            "./rheostat evidence --quick makes one from nothing",
        ) from error
    blocking = [one for one in rendered.deviations if one.blocks]
    for one in blocking:
        say(f"forbids a release: {one.what}: {one.why[:160]}")
    print(f"{shown(pack / 'index.html')}")
    print(f"manifest sha256 {rendered.sha256}")
    say(f"{len(rendered.deviations)} deviations, {len(blocking)} of them forbid a release")
    return FINDINGS if release and blocking else OK


@evidence.command
def verify(pack: Path, /) -> int:
    """Verify a pack off-line: every file against its manifest; exit code 1 when one is not right.

    Parameters
    ----------
    pack
        Folder of the pack.
    """
    from cli.evidence_pack import PackError
    from cli.evidence_pack import verify as verify_pack

    try:
        sha256, wrong = verify_pack(pack)
    except PackError as error:
        raise RefusalError(
            str(error), "without a manifest nothing can be compared", "name the folder of a pack"
        ) from error
    for line in wrong:
        print(line)
    print(f"manifest sha256 {sha256}")
    say("not the pack that was made" if wrong else "every file is as the manifest says")
    return FINDINGS if wrong else OK


def _collect(pack: Path, *, quick: bool, junit: Path | None) -> None:
    from datetime import UTC, datetime

    from cli.evidence_collect import Wanted, collect

    if junit is not None and not junit.is_file():
        raise FileNotFoundError(f"there is no file {shown(junit)}")
    folder = pack.resolve() / "results"
    folder.mkdir(parents=True)
    utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    collect(Wanted(folder, "quick" if quick else "full", utc, junit))


def _next() -> Path:
    place = STATES / "evidence"
    known = [int(p.name[5:]) for p in place.glob("pack-[0-9]*") if p.name[5:].isdigit()]
    return place / f"pack-{max(known, default=0) + 1:04d}"
