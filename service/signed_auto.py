"""Closing a loop is a person's act: on a signed line the engine takes AUTO with a signature only.

The register says which (`auto: signed | named`). A name alone is for commissioning; page and doctor
say so. Requirements REC-05, REC-06, REC-14, SEC-09.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from records.act import Act
from records.reader import Entry
from records.recorder import FileRecorder
from safety.words import Request
from service.loop_runner import LoopRunner
from service.people.standing import auto_is_signed
from service.requests import RefusedError
from service.signed_act import People, act_that_stands, act_under, take
from service.signed_reset import accept as accept_reset


def meaning_of(loop: str, why: str) -> str:
    """Return what a signature under AUTO means; the reason is part of it."""
    return f"{loop} may work in AUTO: {why.strip()}"


def to_sign(row: Entry, person: str, entry: Mapping[str, Any], why: str, utc: str) -> Act:
    """Return the text that `person` of the register signs to let the loop of `row` go AUTO."""
    return act_under(row, person, entry, meaning_of(row.loop, why), utc)


def auto_signature(
    body: object,
    why: str,
    row: Entry | None,
    request: Request,
    loop: str,
    people: People,
    now: datetime,
) -> Act:
    """Return the signature of AUTO for `loop`, which stands; raises ValueError in words."""
    if not isinstance(body, Mapping):
        raise ValueError(  # noqa: TRY004 - for whoever asked it is one kind of fault
            "AUTO on this line needs a signature: on the page with your password, or "
            "./rheostat mode LOOP AUTO --why ... --key FILE"
        )
    if not why.strip():
        raise ValueError("AUTO is signed with a reason, and none was given")
    return act_that_stands(
        body, row, request, loop, people, now, action="mode", meaning=meaning_of(loop, why)
    )


async def signed_by(
    runners: Sequence[LoopRunner],
    message: Mapping[str, Any],
    sealed: Mapping[str, Any],
    recorder: FileRecorder,
) -> str:
    """Return who signed what `message` asks, judged and recorded; '' where a name does.

    Raises:
        RefusedError: a signature is due and does not stand, which is recorded as well.
        RecordError: it cannot be recorded, so nothing is done.
    """
    people: People = sealed.get("people", {})
    auto = message.get("mode") == "AUTO" and auto_is_signed(sealed)
    signature = message.get("signature")
    if message.get("reset"):
        if auto:
            raise RefusedError("reset the loop into OFF or SHADOW first, then sign for AUTO")
        return await accept_reset(signature, runners[0], people, recorder)
    if not auto:
        return ""
    if len(runners) != 1:
        raise RefusedError("AUTO is signed loop by loop on this line; name one loop")
    runner, why = runners[0], str(message.get("why", ""))

    def judge(row: Entry | None, now: datetime) -> Act:
        return auto_signature(signature, why, row, runner.loop.request, runner.name, people, now)

    return await take(signature, runner, recorder, "auto", judge)
