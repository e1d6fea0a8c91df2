"""`./rheostat history`: how the history is kept, archived, verified, thinned out and given out."""

from __future__ import annotations

import getpass
import json as words
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from cli.history_drill import drill
from cli.history_place import history_of, now
from cli.places import shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.words import Flag

if TYPE_CHECKING:
    from service.history.retention import Fate

HELP = """Trends, batches and events of a line: archive them, verify, thin out by rule, give out.

docs/how-to/keep-history.md goes through it step by step.
"""

history = App(name="history", help=HELP)
history.command(drill)
Days = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
State = Annotated[Path | None, Parameter(show_default=False)]


@history.command
def status(*, state: State = None, json: Flag = False) -> int:
    """Show how far the history goes, what is archived, what is due, and which rules are in force.

    Parameters
    ----------
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print it as JSON.
    """
    with history_of(state) as line:
        stored, archived = line.store.days(), sorted(line.archive.days())
        due, mark = line.archive.due(line.store, now()[:10]), line.store.mark()
    found = {
        "stored": stored, "archived": archived, "due": due, "newest_record": mark.seq,
        "rules": line.rules,
    }  # fmt: skip
    if json:
        print(words.dumps(found, indent=2))
        return OK
    print(f"store    {_span(stored)}, newest record {mark.seq}")
    print(f"archive  {_span(archived)}; {len(due)} closed day(s) not in it yet")
    print(f"rules    {words.dumps(line.rules) if line.rules else 'none: nothing is ever deleted'}")
    return OK


@history.command
def archive(*, state: State = None) -> int:
    """Archive every closed day that is not archived as it stands.

    Each day is read back and compared before the manifest names it. Nothing is deleted.

    Parameters
    ----------
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    with history_of(state) as line:
        due = line.archive.due(line.store, now()[:10])
        for day in due:
            done = line.archive.add(line.store, day, line.sealed, now())
            size = sum(int(one["bytes"]) for one in done.body["files"].values())
            rows = done.body["rows"]
            print(f"{day}  {rows['readings']} readings, {rows['cycles']} cycles, "
                  f"{rows['events']} events, {size / 1e6:.2f} MB")  # fmt: skip
    say(f"{len(due)} day(s) archived into {shown(line.archive.folder)}")
    return OK


@history.command
def verify(*, state: State = None, deep: Flag = False, json: Flag = False) -> int:
    """Compare every file of the archive with the manifest, and the manifest with the records.

    Finds what was altered, what is missing, what is too much. Exit code 1: something is wrong.

    Parameters
    ----------
    state
        State folder of the line; default: the one engine running, or the one there is.
    deep
        Read every file as well, and compare what it holds.
    json
        Print the findings as JSON.
    """
    from service.history.store import HistoryError

    with history_of(state) as line:
        faults = [*line.archive.faults(), *line.record_faults()]
        days = line.archive.days() if not faults else {}
        for one in days.values() if deep else ():
            try:
                line.archive.rows(one)
            except HistoryError as error:
                faults.append(str(error))
    if json:
        print(words.dumps({"ok": not faults, "days": len(days), "faults": faults}, indent=2))
    else:
        print("\n".join(faults) or f"{len(days)} archived day(s), every file as the manifest says")
    return FINDINGS if faults else OK


@history.command
def prune(*, yes: Flag = False, why: str = "", state: State = None, json: Flag = False) -> int:
    """Show what the rules in force let go by now, and with --yes delete it.

    Rules stand in the configuration (history:) and change by two signatures. Nothing is deleted
    that is not archived and verified, nothing of a batch that is open or not reviewed, and no raw
    data of a batch before it has expired for as long as the rule says.

    Parameters
    ----------
    yes
        Delete. Otherwise it is only shown.
    why
        The reason, which is recorded; needed with --yes.
    state
        State folder of the line; default: the one engine running, or the one there is.
    json
        Print every day and why it stays as JSON.
    """
    from service.history.retention import fates
    from service.history.retention import prune as delete

    if yes and not why.strip():
        raise RefusalError(
            "--yes needs a reason: --why TEXT",
            "who deletes records has to say why, and the reason is kept",
            './rheostat history prune --yes --why "monthly, SOP 12"',
            USAGE,
        )
    with history_of(state) as line:
        found = fates(line.store, line.archive, line.rules, line.reviewed(), now()[:10])
        going = [fate for fate in found if not fate.kept]
        _show(found, as_json=json)
        if yes and going:
            delete(line.store, line.archive, going, now(), getpass.getuser(), why.strip())
            line.tell_engine(f"{len(going)} day(s) deleted by rule: {_listed(going)}", why.strip())
    if not yes and going:
        say("nothing was deleted. Next: ./rheostat history prune --yes --why REASON")
    return OK


@history.command
def restore(*days: str, drill: Flag = False, state: State = None) -> int:
    """Put archived days back into the store, every one compared by hash with the archive.

    Parameters
    ----------
    days
        Days as 2026-11-28. Default with --drill: all that are archived.
    drill
        Restore into a folder that is thrown away, to know that the archive is good.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    from service.history.restore import drill as try_out
    from service.history.restore import put_back

    with history_of(state) as line:
        chosen = list(days) or (sorted(line.archive.days()) if drill else [])
        if not chosen:
            raise RefusalError(
                "name the days to restore, or --drill for all",
                "nothing would be restored",
                "./rheostat history status shows what is archived",
                USAGE,
            )
        if drill:
            try_out(line.archive, chosen)
        else:
            for day in chosen:
                put_back(line.store, line.archive, day)
            line.tell_engine(f"{len(chosen)} day(s) restored: {', '.join(chosen)}"[:200], "asked")
    print(f"{len(chosen)} day(s) restored, each equal by hash to what was archived")
    return OK


@history.command
def export(
    out: Path,
    /,
    *,
    batch: int | None = None,
    first: Annotated[str, Parameter(show_default=False)] = "",
    last: Annotated[str, Parameter(show_default=False)] = "",
    tag: Days = (),
    state: State = None,
) -> int:
    """Write the readings of a batch or of some days into a new file, CSV or Parquet by its name.

    Parameters
    ----------
    out
        The new file: NAME.csv or NAME.parquet.
    batch
        The number of a batch: every reading of it.
    first
        The first day, 2026-11-27 (UTC).
    last
        The last day; default: the first.
    tag
        Only this tag. Repeatable; default: all.
    state
        State folder of the line; default: the one engine running, or the one there is.
    """
    if (batch is None) == (not first) or out.suffix not in (".csv", ".parquet"):
        raise RefusalError(
            "say what to write: --batch N or --first DAY, into NAME.csv or NAME.parquet",
            "a copy has to say what it is a copy of",
            "./rheostat history export batch-7.parquet --batch 7",
            USAGE,
        )
    from service.history.day_tables import about_file, write_readings
    from service.history.export import batch_readings, csv_text, period_readings
    from service.history.kept import day_span

    with history_of(state) as line, _new_file(out):
        if batch is not None:
            if all(span.batch != batch for span in line.store.batches()):
                raise RefusalError(
                    f"there is no batch {batch} in the history",
                    "an empty file would say that it made nothing",
                    "the page lists the batches under Records",
                )
            readings = batch_readings(line.store, batch)
        else:
            begin, end = day_span(first)[0], day_span(last or first)[1]
            readings = period_readings(line.store, begin, end, tag)
        if out.suffix == ".csv":
            with out.open("x", encoding="utf-8", newline="") as file:
                file.writelines(csv_text(readings))
        else:
            write_readings(out, readings, about_file(line.sealed))
    say(f"written: {shown(out)}, values in SI")
    return OK


def _span(days: list[str]) -> str:
    return f"{len(days)} day(s), {days[0]} to {days[-1]}" if days else "no day yet"


def _show(found: list[Fate], *, as_json: bool) -> None:
    if as_json:
        rows = [{"place": one.place, "day": one.day, "kept": one.kept} for one in found]
        print(words.dumps(rows, indent=2))
        return
    for one in found:
        print(f"{one.place:<8} {one.day}  {one.kept or 'may go'}")
    going = sum(1 for one in found if not one.kept)
    say(f"{going} of {len(found)} may go by the rules in force")


def _listed(going: list[Fate]) -> str:
    return f"{going[0].day} to {going[-1].day}" if len(going) > 1 else going[0].day


@contextmanager
def _new_file(path: Path) -> Iterator[None]:
    """Leave no half-written copy behind, and overwrite none."""
    if path.exists():
        raise RefusalError(
            f"{shown(path)} is there already", "a copy is never overwritten", "name a new file"
        )
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
