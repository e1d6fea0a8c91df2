"""`./rheostat audit tamper | power-cuts | kills`: campaigns against the records, with figures."""

from __future__ import annotations

import json as words
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from cli.places import STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.words import Flag

Records = Annotated[Path | None, Parameter(show_default=False)]


def tamper(records: Records = None, /, *, count: int = 10_000, seed: int = 1) -> int:
    """Tell lies about recorded history and let the stand-alone verifier find each one.

    Edits, deletions, moved and inserted records, cut tails, transplanted signatures, histories
    rewritten with all their hashes. Only copies are touched. Exit code 1 when one is not located.

    Parameters
    ----------
    records
        A small record file with signed roots. Default: one that is played for the purpose.
    count
        How many lies.
    seed
        Which ones.
    """
    from hil.tamper_campaign import campaign
    from hil.tamper_sample import sample

    _some(count)
    with tempfile.TemporaryDirectory(prefix="rheostat-") as folder:
        source = records or Path(folder) / "records.sqlite"
        if records is None:
            say("playing a few minutes of a line to have something to lie about ...")
            sample(source)
        return _told(campaign(source, count, seed, say))


def power_cuts(*, count: int = 100_000, seed: int = 1) -> int:
    """Cut the power while records are written, on simulated disks; look at what is left.

    Half of the cuts lose only what was never synced: no acknowledged record may be lost. The other
    half damage more than a disk may: the file opens with a whole chain, or is refused.

    Parameters
    ----------
    count
        How many cuts.
    seed
        Which ones.
    """
    from hil.power_cuts import cut_power

    _some(count)
    return _told(cut_power(count, seed, say))


def kills(
    *,
    count: int = 1000,
    seed: int = 1,
    speed: float = 60.0,
    alive: float = 2.0,
    state: Annotated[Path | None, Parameter(show_default=False)] = None,
    writer: Flag = False,
) -> int:
    """Kill the real engine at random instants (SIGKILL) and judge what it leaves, each time.

    Wire, gate, records and virtual PLCs are real processes; the controllers are stand-ins that
    are ready at once. A campaign that was cut off goes on when called again with the same --state.
    With --writer only a process that writes records is killed: less of a proof, several a second.

    Parameters
    ----------
    count
        How many kills in all.
    seed
        Which instants.
    speed
        Plant seconds per second.
    alive
        How long an engine lives at most once it is ready, in seconds.
    state
        Folder of the campaign. Default: var/kills.
    writer
        Kill only the writer of a scratch record file.
    """
    from hil.bench import BenchError
    from hil.kill_campaign import KillCampaign, summary
    from hil.writer_kills import kill_writers

    _some(count)
    if writer:
        with tempfile.TemporaryDirectory(prefix="rheostat-") as folder:
            return _told(kill_writers(Path(folder) / "records.sqlite", count, seed, say))
    place = state or STATES / "kills"
    campaign = KillCampaign(place, seed, speed, alive)
    say(f"{len(campaign.done())} of {count} kills are done; everything is kept in {shown(place)}")
    try:
        done = campaign.run(count, say)
    except BenchError as error:
        raise RefusalError(
            str(error),
            "an engine that does not come up after a kill is what this campaign looks for",
            f"read engine.log and the records in {shown(place)}; call again to go on",
            FINDINGS,
        ) from error
    return _told(summary(done))


def _some(count: int) -> None:
    if count < 1:
        raise RefusalError(
            "--count counts from 1", "nothing would be tried", "write a larger number", USAGE
        )


def _told(result: Mapping[str, Any]) -> int:
    print(words.dumps(result, indent=2))
    return OK if result["ok"] else FINDINGS
