"""A reset needs a signature: of somebody else than asked for the mode the loop tripped in.

Signed is the newest cycle record of the loop, so the signature fits no other trip, and the text
says what it means. A line whose register holds nobody who can sign is a bench: there a name does,
and the record says so. Requirements IL-04, REC-05, REC-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from records.act import Act, act_of, fault_of_act
from records.reader import Entry, RecordReader
from records.recorder import FileRecorder
from safety.words import Request
from service.loop_runner import LoopRunner
from service.requests import RefusedError

MEANING = "the cause was found and removed; the loop may be used again"
VALID = timedelta(minutes=5)
"""A reset is signed beside the machine, not in advance."""


def must_be_signed(people: Mapping[str, Mapping[str, Any]]) -> bool:
    """Say whether the register in force holds anybody whose signature counts."""
    return any(not entry.get("revoked") for entry in people.values())


def to_sign(row: Entry, person: str, entry: Mapping[str, Any], utc: str) -> Act:
    """Return the text that `person` of the register signs to reset the loop of `row`."""
    return Act(row.seq, row.hash, person, str(entry["name"]), str(entry["role"]), MEANING, utc)


def reset_signature(
    body: object,
    row: Entry | None,
    request: Request,
    loop: str,
    people: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> Act:
    """Return the signature of a reset of `loop`, which stands.

    `row` is the record it names, `request` the one in force.

    Raises:
        ValueError: it does not stand; the text says why.
    """
    if not isinstance(body, Mapping):
        raise ValueError(  # noqa: TRY004 - for whoever asked it is one kind of fault
            "a reset on this line needs a signature: ./rheostat mode ... --key FILE"
        )
    act = act_of(body)
    if row is None or (row.kind, row.loop) != ("cycle", loop) or row.seq <= request.number:
        raise ValueError(
            f"record {act.record} is no cycle of {loop} since the last request; sign again"
        )
    if fault := fault_of_act(act, row.hash, people):
        raise ValueError(fault)
    if act.meaning != MEANING:
        raise ValueError("the signature means something else than a reset")
    try:
        age = now - datetime.fromisoformat(act.utc)
    except (ValueError, TypeError) as error:
        raise ValueError("the signature does not say when it was given") from error
    if abs(age) > VALID:
        raise ValueError(f"it was signed at {act.utc}; a reset is signed within five minutes")
    asked = request.who.strip().casefold()
    if asked and asked in (act.person.casefold(), act.name.casefold()):
        raise ValueError(
            f"{act.name} asked for {request.mode.value}; a reset is signed by somebody else"
        )
    return act


async def accept(
    signature: object,
    runner: LoopRunner,
    people: Mapping[str, Mapping[str, Any]],
    recorder: FileRecorder,
) -> str:
    """Judge the signature of a reset and record it; return who signed, '' on a bench.

    Raises:
        RefusedError: it does not stand, which is recorded as well.
        RecordError: it cannot be recorded, so nothing is reset.
    """
    if not must_be_signed(people):
        return ""
    clock, loop = runner.loop.clock, runner.name
    try:
        row = _row(recorder.path, signature)
        act = reset_signature(signature, row, runner.loop.request, loop, people, datetime.now(UTC))
    except ValueError as error:
        body = {"event": "reset-refused", "loop": loop, "text": str(error)}
        await recorder.append("event", loop, clock.utc(), body)
        raise RefusedError(f"not reset: {error}") from error
    await recorder.append("signature", loop, clock.utc(), act.body())
    return act.name


def _row(path: Path, signature: object) -> Entry | None:
    number = signature.get("record") if isinstance(signature, Mapping) else None
    if type(number) is not int:
        return None
    reader = RecordReader(path)
    try:
        return reader.one(number)
    finally:
        reader.close()
