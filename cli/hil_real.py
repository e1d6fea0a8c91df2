"""`./rheostat hil run ... --real`: faults on loopback sockets and real processes, with figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.places import shown
from cli.refusal import USAGE, RefusalError, say

if TYPE_CHECKING:
    from hil.fault_catalogue import Fault


def play_on_sockets(
    faults: Sequence[Fault], sealed: Mapping[str, Any], folder: Path, seed: int, speed: float
) -> list[dict[str, Any]]:
    """Play the real plays of these faults; return their outcomes and keep their figures."""
    from hil.campaign_plan import CampaignError
    from hil.campaign_store import CampaignStore
    from hil.fault_campaign import manifest_of
    from hil.real_run import play_real, real_plays

    if not any(map(real_plays, faults)) or speed <= 0.0:
        raise RefusalError(
            "none of these faults has a real play, or --speed is not above zero",
            "nothing would be played",
            "./rheostat hil list says which plays are real; or name all",
            USAGE,
        )
    try:
        CampaignStore(folder, manifest_of(sealed), resume=False)
    except CampaignError as error:
        raise RefusalError(str(error), "a real run begins anew", "name another --out") from error
    outcomes = play_real(faults, sealed, folder, seed, speed, say)
    text = json.dumps(outcomes, indent=2, ensure_ascii=False)
    (folder / "real.json").write_text(text + "\n", "utf-8")
    say(f"figures: {shown(folder / 'real.json')}")
    return outcomes


def only_once(*, seeds: int, pairs: int, resume: bool, trace: Path | None) -> None:
    """Refuse what a run on real sockets cannot do."""
    given = {"seeds": seeds != 1, "pairs": pairs > 0, "resume": resume, "trace": trace is not None}
    if wrong := [f"--{name}" for name, asked in given.items() if asked]:
        raise RefusalError(
            f"--real does not go with {', '.join(wrong)}",
            "real sockets are played once, one after the other, in wall time, on plant --first",
            "leave it out; --first N plays another plant",
            USAGE,
        )
