"""`./rheostat fuzz gate`: attack the gate with hostile cycles, judged by an independent oracle."""

from __future__ import annotations

import json as words
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.words import Flag

if TYPE_CHECKING:
    from hil.gate_campaign import Campaign


def fuzz(
    what: Literal["gate"],
    *,
    cycles: int = 1_000_000,
    seed: int = 1,
    workers: int = 2,
    out: Path | None = None,
    gate: str = "",
    segment: int | None = None,
    json: Flag = False,
) -> int:
    """Attack the gate with hostile cycles and look for one verdict that breaks a property.

    World, optimiser, wire and people are hostile and seeded; the oracle shares no code with the
    gate. Exit code 1 if anything escaped.

    Parameters
    ----------
    what
        What to attack.
    cycles
        How many cycles, rounded up to whole segments of 10,000.
    seed
        The same seed gives the same attack.
    workers
        Processes that attack at the same time.
    out
        State file: written after every segment; with the same seed the campaign carries on there.
    gate
        Attack a deliberately broken gate instead, to see that the oracle finds it; 'list' names
        them.
    segment
        Play this segment alone: how a reported escape is looked at again.
    json
        Print the result as JSON.
    """
    from hil.broken_gates import BROKEN
    from hil.gate_campaign import CampaignError
    from hil.gate_campaign import fuzz as play
    from hil.gate_interpreter import fastest

    if gate == "list":
        for name, patches in BROKEN.items():
            print(f"{name:<26}{(patches.__doc__ or '').strip().partition(chr(10))[0]}".rstrip())
        return OK
    if gate and gate not in BROKEN:
        raise RefusalError(
            f"there is no broken gate {gate!r}",
            "only a gate with a known fault shows what the oracle can find",
            "./rheostat fuzz gate --gate list",
            USAGE,
        )
    if cycles < 1 or workers < 1 or (segment is not None and segment < 0):
        raise RefusalError(
            "--cycles and --workers count from 1, --segment from 0",
            "nothing would be played",
            "./rheostat fuzz --help",
            USAGE,
        )
    if segment is not None:
        return _one(seed, segment, gate)
    python = fastest() if workers > 1 else sys.executable
    say(f"attacking {gate or 'the gate'}: {cycles} cycles, seed {seed}, {workers} process(es) of "
        f"{python} ...")  # fmt: skip
    try:
        campaign = play(cycles, seed, workers, gate, out, _progress, python)
    except CampaignError as error:
        raise RefusalError(
            str(error),
            "counts of different campaigns must not be added",
            "name another --out, or give the seed it was started with",
            USAGE,
        ) from error
    if json:
        print(words.dumps(campaign.to_json(), indent=2))
    else:
        print(_report(campaign))
    return FINDINGS if campaign.escapes else OK


def _one(seed: int, segment: int, gate: str) -> int:
    from hil.gate_campaign import again

    story = again(seed, segment, gate)
    if story.escape_at is None:
        print(f"seed {seed} segment {segment}: {story.cycles} cycles, no escape")
        return OK
    for escape in story.escapes:
        print(f"seed {seed} segment {segment} cycle {story.escape_at}: {escape.property} "
              f"{escape.text}")  # fmt: skip
    return FINDINGS


def _progress(campaign: Campaign) -> None:
    if campaign.segments % 50 == 0:
        say(f"{campaign.cycles} cycles, {campaign.rate():.0f} a second, "
            f"{len(campaign.escapes)} escapes")  # fmt: skip


def _report(campaign: Campaign) -> str:
    total = max(1, campaign.cycles)
    lines = [
        f"{campaign.cycles} cycles in {campaign.segments} segments, {len(campaign.escapes)} "
        f"segments with an escape; {campaign.rate():.0f} cycles/s, {campaign.wall_s:.1f} s",
        "modes:    " + _shares(campaign.modes, total),
        "limiting: " + _shares(campaign.rules, total),
    ]
    for escape in campaign.escapes:
        first = escape["what"][0]
        lines.append(
            f"ESCAPE segment {escape['segment']} cycle {escape['cycle']}: {first['property']} "
            f"{first['text']}\n    again: ./rheostat fuzz gate --seed {campaign.seed} --segment "
            f"{escape['segment']}" + (f" --gate {campaign.gate}" if campaign.gate else "")
        )
    return "\n".join(lines)


def _shares(counts: dict[str, int], total: int) -> str:
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * count / total:.2g} %" for name, count in ranked)
