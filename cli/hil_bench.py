"""`./rheostat hil bench`: cases against real PLCs, from an inventory that says where they are."""

from __future__ import annotations

import json as words
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag, Text

if TYPE_CHECKING:
    from hil.bench_cases import Case

SENTENCE = "this moves real equipment"


def bench(
    *,
    inventory: Path,
    loop: Literal["coating", "profile", "mixing"] = "coating",
    dry_run: Flag = False,
    confirm: Text = "",
    speed: Annotated[float, Parameter(show=False)] = 1.0,
    state: Annotated[Path | None, Parameter(show_default=False)] = None,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
) -> int:
    """Play cases against real PLCs: start, SHADOW, AUTO and OFF, solver and engine killed.

    Only addresses come from the inventory. Outside loopback an address must be unlocked there, with
    a reason. Before anything is written the sentence 'this moves real equipment' is asked for.

    Parameters
    ----------
    inventory
        File with the PLCs' addresses.
    loop
        The loop to close.
    dry_run
        Read every tag once and hold it against its row; write nothing.
    confirm
        The sentence, for where nobody can type it.
    speed
        How much faster than real time the PLCs run; only a virtual PLC can.
    state
        State folder of the line, for its certificates. Default: var/ and the line's id.
    out
        Folder of the run. Default: a new one under var/hil.
    config
        The line's file. Default: config/line.yaml.
    json
        Print the result as JSON.
    """
    from hil.inventory import InventoryError, at_places, read_inventory

    try:
        known = read_inventory(inventory)
        sealed = at_places(sealed_or_refused(config), known)
    except InventoryError as error:
        raise RefusalError(
            str(error),
            "a setpoint must only go to a PLC that somebody has named",
            "docs/how-to/run-on-a-bench-plc.md shows an inventory",
            USAGE,
        ) from error
    if locked := known.locked():
        name, address = next(iter(locked.items()))
        raise RefusalError(
            f"{name} is at {address}, which is not this machine and is not unlocked",
            "whatever listens there would be moved",
            f"add to {shown(inventory)} under unlock: the address, and the reason why it may be",
            USAGE,
        )
    pki = (state or STATES / str(sealed["line"]["id"])) / "pki"
    if dry_run:
        return _looked(sealed, pki, as_json=json)
    _confirmed(confirm, {name: place.address for name, place in known.sources.items()})
    return _played(sealed, loop, speed, pki, out, as_json=json)


def _looked(sealed: dict[str, Any], pki: Path, *, as_json: bool) -> int:
    """Read every tag once."""
    import asyncio
    from dataclasses import asdict

    from fieldbus.pki import Pki
    from fieldbus.sources import sources_of
    from fieldbus.supervisor import in_words
    from fieldbus.survey import examine
    from fieldbus.tags import tags_of

    rows: list[dict[str, Any]] = []
    for name, source in sources_of(sealed).items():
        own = [tag for tag in tags_of(sealed).values() if tag.source == name]
        try:
            rows += [asdict(one) for one in asyncio.run(examine(source, own, Pki(pki)))]
        except (
            Exception
        ) as error:  # whatever a PLC provokes in a library, a person gets one sentence
            raise RefusalError(
                f"{name} at {source.address}: {in_words(error, source.timeout_s)}",
                "a PLC that does not answer cannot be played against",
                "check address, cable, firewall and certificates",
            ) from error
    ours = {tag.name for tag in tags_of(sealed).values() if tag.direction != "read"}
    for row in rows:
        if row["tag"] in ours:  # a setpoint word holds no number until somebody has written one
            row["faults"] = [one for one in row["faults"] if not one.startswith("nan is outside")]
    wrong = [row for row in rows if row["faults"]]
    if as_json:
        print(words.dumps(rows, indent=2, ensure_ascii=False))
    for row in wrong:
        say(f"{row['tag']}: {'; '.join(row['faults'])}")
    say(f"dry run: {len(rows)} tags read, {len(wrong)} not in order; nothing was written")
    return FINDINGS if wrong else OK


def _confirmed(confirm: str, places: dict[str, str]) -> None:
    """Let a person type the sentence in full.

    Raises:
        RefusalError: it was not typed, or not so.
    """
    if not confirm and sys.stdin.isatty():
        say(f"setpoints go to {', '.join(f'{k} at {v}' for k, v in places.items())}.")
        confirm = input(f"type '{SENTENCE}': ")
    if confirm.strip() != SENTENCE:
        raise RefusalError(
            "the sentence was not typed in full, so nothing was started",
            "from here on setpoints are written to the PLCs of the inventory",
            f"look with --dry-run first; then type, or --confirm: {SENTENCE}",
            USAGE,
        )


def _played(
    sealed: dict[str, Any], loop: str, speed: float, pki: Path, out: Path | None, *, as_json: bool
) -> int:
    from hil.bench import Bench, BenchError
    from hil.bench_cases import RealBench, new_state

    folder = out or _next()
    try:
        with Bench(sealed, new_state(folder, pki), speed=speed) as engine:
            run = RealBench(engine, loop).play(_progress)
    except (BenchError, FileExistsError) as error:
        raise RefusalError(
            f"the cases could not be played: {error}",
            "an engine of its own is started in a folder of its own",
            "name another folder with --out, or look for what it says above",
        ) from error
    text = words.dumps(run.to_json(), indent=2, ensure_ascii=False)
    (folder / "bench.json").write_text(text + "\n", "utf-8")
    if as_json:
        print(text)
    judged = run.judgement
    say(f"{judged.setpoints} setpoints confirmed, {len(judged.escapes)} outside limits or rate; "
        f"records and bench.json: {shown(folder)}")  # fmt: skip
    return OK if run.ok else FINDINGS


def _progress(case: Case) -> None:
    say(f"{'passed' if not case.why else 'FAILED'} {case.name} ({case.seconds:g} s) {case.why}")


def _next() -> Path:
    place = STATES / "hil"
    known = [int(p.name[6:]) for p in place.glob("bench-[0-9]*") if p.name[6:].isdigit()]
    return place / f"bench-{max(known, default=0) + 1:04d}"
