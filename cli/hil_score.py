"""`./rheostat hil score`: a scorecard per scenario beside the tuned PI, comparable by commit."""

from __future__ import annotations

import json as words
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.scenarios import chosen
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

PathOrNone = Annotated[Path | None, Parameter(show_default=False)]


def score(
    *scenario: Annotated[str, Parameter(negative="", show_default=False)],
    seeds: int = 1,
    workers: int = 2,
    out: PathOrNone = None,
    against: PathOrNone = None,
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
) -> int:
    """Score scenarios beside the tuned PI: sigma, off-spec, travel, recovery, constraints, compute.

    Less is better in every figure. With --against exit code 1 when a figure of ours got worse.

    Parameters
    ----------
    scenario
        Names or files of scenarios, or 'all'. Default: nominal.
    seeds
        How many plants: seeds 1 to N.
    workers
        Processes that play at the same time.
    out
        File for the scorecard as JSON.
    against
        A scorecard of another commit on the same scenarios and seeds.
    config
        The line's file. Default: config/line.yaml.
    json
        Print the scorecard as JSON.
    """
    from hil.score import as_text
    from hil.score import score as play

    if seeds < 1 or workers < 1:
        raise RefusalError(
            "--seeds and --workers count from 1",
            "nothing would be played",
            "./rheostat hil score --help",
            USAGE,
        )
    older = None if against is None else _read(against)
    scenarios = chosen(scenario)
    card = play(scenarios, seeds, sealed_or_refused(config), workers)
    text = words.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
    print(text if json else as_text(card))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", "utf-8")
        say(f"written: {shown(out)}")
    return OK if older is None else _compared(card, older)


def _compared(card: dict[str, Any], older: dict[str, Any]) -> int:
    from hil.score import compared, number

    try:
        rows = compared(card, older)
    except ValueError as error:
        raise RefusalError(
            str(error),
            "figures of other plants or scenarios do not compare",
            "make the older card again with the same scenarios and --seeds",
            USAGE,
        ) from error
    say(f"\nagainst {older.get('commit', 'none')}: {len(rows)} figures changed")
    for row in rows:
        say(f"{row['verdict']:<7}{row['scenario']:<22}{row['loop']:<9}{row['figure']:<12}"
            f"{number(row['was'])} -> {number(row['is'])}")  # fmt: skip
    return FINDINGS if any(row["verdict"] == "worse" for row in rows) else OK


def _read(path: Path) -> dict[str, Any]:
    from hil.score import FORMAT

    try:
        card = words.loads(path.read_text("utf-8"))
        known = card["format"] == FORMAT
    except (OSError, ValueError, LookupError, TypeError):
        card, known = {}, False
    if not known:
        raise RefusalError(
            f"{shown(path)} is no scorecard of this version",
            "there would be nothing to compare with",
            "./rheostat hil score --out FILE writes one",
            USAGE,
        )
    return dict(card)
