"""A reset needs a signature: of somebody else than asked for the mode the loop tripped in.

A line whose register holds nobody who can sign is a bench: there a name does, and the record says
so. Requirements IL-04, REC-05, REC-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from records.act import Act
from records.reader import Entry
from records.recorder import FileRecorder
from safety.words import Request
from service.loop_runner import LoopRunner
from service.people.standing import must_be_signed
from service.signed_act import People, act_that_stands, act_under, take

MEANING = "the cause was found and removed; the loop may be used again"


def to_sign(row: Entry, person: str, entry: Mapping[str, Any], utc: str) -> Act:
    """Return the text that `person` of the register signs to reset the loop of `row`."""
    return act_under(row, person, entry, MEANING, utc)


def reset_signature(
    body: object, row: Entry | None, request: Request, loop: str, people: People, now: datetime
) -> Act:
    """Return the signature of a reset of `loop`, which stands; raises ValueError in words."""
    if not isinstance(body, Mapping):
        raise ValueError(  # noqa: TRY004 - for whoever asked it is one kind of fault
            "a reset on this line needs a signature: ./rheostat mode ... --key FILE"
        )
    act = act_that_stands(body, row, request, loop, people, now, action="reset", meaning=MEANING)
    asked = request.who.strip().casefold()
    if asked and asked in (act.person.casefold(), act.name.casefold()):
        raise ValueError(
            f"{act.name} asked for {request.mode.value}; a reset is signed by somebody else"
        )
    return act


async def accept(
    signature: object, runner: LoopRunner, people: People, recorder: FileRecorder
) -> str:
    """Judge the signature of a reset and record it; return who signed, '' on a bench.

    Raises:
        RefusedError: it does not stand, which is recorded as well.
        RecordError: it cannot be recorded, so nothing is reset.
    """
    if not must_be_signed(people):
        return ""

    def judge(row: Entry | None, now: datetime) -> Act:
        return reset_signature(signature, row, runner.loop.request, runner.name, people, now)

    return await take(signature, runner, recorder, "reset", judge)
