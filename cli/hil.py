"""`./rheostat hil`: the fault catalogue, played against the engine and judged from the wire."""

from __future__ import annotations

import json as words
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from cli.hil_bench import bench
from cli.hil_golden import golden
from cli.hil_real import only_once, play_on_sockets
from cli.hil_score import score
from cli.hil_selftest import self_test
from cli.hil_soak import soak
from cli.hil_timing import timing
from cli.places import DEFAULT_CONFIG, STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

if TYPE_CHECKING:
    from hil.fault_catalogue import Fault

HELP = """Faults F01 to F76, played against the engine and judged from the PLCs' own logs.

The engine's cycle, gate and records are the real ones; plant, PLCs, wire, clock and people are made
to misbehave in virtual time. docs/how-to/run-the-hil.md goes through it step by step.
"""
RUNS = STATES / "hil"

hil = App(name="hil", help=HELP)
hil.command(soak)
hil.command(score)
hil.command(self_test)
hil.command(bench)
hil.command(timing)
hil.command(golden)

What = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
Folder = Annotated[Path | None, Parameter(show_default=False)]


@hil.command(name="list")
def list_(*what: str, json: Flag = False) -> int:
    """List the catalogue: what is played, what in part, what not yet and why.

    Parameters
    ----------
    what
        Numbers (F07), places (wire), or all. Default: all.
    json
        The whole catalogue as JSON.
    """
    faults = _chosen(what)
    if json:
        rows = [{**fault.model_dump(mode="json"), "status": fault.status} for fault in faults]
        print(words.dumps(rows, indent=2, ensure_ascii=False))
        return OK
    for fault in faults:
        plays = f"{len(fault.plays)} play(s)" if fault.plays else ""
        print(f"{fault.id}  {fault.place:<10} {fault.status:<8} {plays:<10} {fault.title}")
        if fault.not_yet:
            print(f"     not yet: {fault.not_yet}")
        for play in fault.plays:
            if play.open:
                print(f"     open: {play.name}: {play.open}")
        if real := [play.name for play in fault.plays if play.medium == "real"]:
            print(f"     on real sockets only (--real): {', '.join(real)}")
    played = sum(1 for fault in faults if fault.plays)
    say(f"{played} of {len(faults)} are played, {sum(len(f.plays) for f in faults)} plays")
    return OK


@hil.command
def run(
    *what: str,
    seeds: int = 1,
    pairs: int = 0,
    first: int = 1,
    workers: int = 2,
    out: Folder = None,
    resume: Flag = False,
    trace: Folder = None,
    real: Flag = False,
    speed: float = 4.0,
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
) -> int:
    """Play faults on several plants and judge every run; exit code 1 for one miss.

    A run passes when the independent judge found no frame outside limits or rate, the reaction was
    recorded within its budget, the loop ended as the catalogue says, and every word on the wire is
    explained by a whole chain of records. The same seeds give the same bytes.

    Parameters
    ----------
    what
        Numbers (F07), places (wire), or all.
    seeds
        How many plants.
    pairs
        How many double faults besides, drawn from what was named.
    first
        The first seed.
    workers
        Processes that play at the same time.
    out
        Folder of the outcomes. Default: a new one under var/hil.
    resume
        Go on in that folder, or in the newest one.
    trace
        Folder for one MCAP file per run: records, predictions, the wire, the faults.
    real
        Play on loopback sockets and real processes what needs them, once, on plant --first.
    speed
        With --real: plant seconds per second.
    config
        The line's file. Default: config/line.yaml.
    json
        Print the report as JSON.
    """
    from hil.fault_campaign import CampaignError, jobs_of, play_all

    if not what or min(seeds, workers) < 1 or pairs < 0 or first < 0:
        raise RefusalError(
            "name what to play; --seeds and --workers count from 1",
            "nothing would be played",
            "./rheostat hil run all --seeds 1, or ./rheostat hil list",
            USAGE,
        )
    faults = _chosen(what)
    sealed = sealed_or_refused(config)
    folder = out or (_newest() if resume else _next())
    if real:
        only_once(seeds=seeds, pairs=pairs, resume=resume, trace=trace)
        outcomes = play_on_sockets(faults, sealed, folder, first, speed)
        return _told(_kept(faults, outcomes, folder), folder, as_json=json)
    jobs = jobs_of(faults, seeds, pairs, first)
    say(f"playing {len(jobs)} run(s) of {len(faults)} fault(s) in {workers} process(es) ...")
    try:
        outcomes = play_all(
            jobs, sealed, folder, workers, resume=resume, traces=trace, progress=_progress
        )
    except CampaignError as error:
        raise RefusalError(
            str(error),
            "outcomes of different sources or catalogues must not be counted together",
            "leave --resume out to begin anew, or name another folder with --out",
            USAGE,
        ) from error
    report = _kept(faults, outcomes, folder)
    return _told(report, folder, as_json=json)


@hil.command
def report(*, out: Folder = None, json: Flag = False) -> int:
    """Show the report of a campaign again; exit code 1 when something was missed in it.

    Parameters
    ----------
    out
        Folder of the campaign. Default: the newest one.
    json
        Print it as JSON.
    """
    folder = out or _newest()
    path = folder / "report.json"
    if not path.is_file():
        raise RefusalError(
            f"there is no finished campaign in {shown(folder)}",
            "a report is made when all its runs have been played",
            "./rheostat hil run all --resume",
        )
    return _told(words.loads(path.read_text("utf-8")), folder, as_json=json)


def _chosen(what: tuple[str, ...]) -> list[Fault]:
    from hil.fault_catalogue import CatalogueError, chosen, load_catalogue

    try:
        return chosen(load_catalogue(), list(what) or ["all"])
    except CatalogueError as error:
        raise RefusalError(
            str(error),
            "a fault that is not known cannot be played",
            "./rheostat hil list",
            USAGE,
        ) from error


def _kept(faults: list[Fault], outcomes: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    from hil.fault_report import as_text, page, report_of

    manifest = words.loads((folder / "manifest.json").read_text("utf-8"))
    found = report_of(faults, outcomes, manifest)
    text = words.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", "utf-8")
    (folder / "report.txt").write_text(as_text(found) + "\n", "utf-8")
    (folder / "report.html").write_text(page(found), "utf-8")
    return found


def _told(found: Mapping[str, Any], folder: Path, *, as_json: bool) -> int:
    from hil.fault_report import as_text

    print(words.dumps(found, indent=2, ensure_ascii=False) if as_json else as_text(found))
    say(f"\nreport.html, report.json and all outcomes: {shown(folder)}")
    return OK if found["ok"] else FINDINGS


def _progress(done: int, of: int, outcome: Mapping[str, Any]) -> None:
    if not outcome["passed"]:
        word = "missed" if outcome["safe"] else "UNSAFE"
        say(f"{word} {outcome['key']}: {'; '.join(outcome['misses'])}")
    elif done == of or done % 25 == 0:
        say(f"{done} of {of} runs")
    sys.stderr.flush()


def _next() -> Path:
    known = [int(path.name[4:]) for path in RUNS.glob("run-[0-9]*") if path.name[4:].isdigit()]
    return RUNS / f"run-{max(known, default=0) + 1:04d}"


def _newest() -> Path:
    known = sorted(RUNS.glob("run-[0-9]*"))
    if not known:
        raise RefusalError(
            f"there is no campaign under {shown(RUNS)}",
            "only one that was begun can be gone on with, or shown",
            "./rheostat hil run all",
        )
    return known[-1]
