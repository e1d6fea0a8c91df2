"""What every signature at the engine's door has to be: now, under a cycle, by somebody who may.

Signed is a cycle record of the loop since its last request, so a signature fits no other moment
and works once: the request it leads to comes after the record. Its text says what it means.
Requirements REC-05, REC-06, REC-14.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from records.act import Act, act_of, fault_of_act
from records.reader import Entry, RecordReader
from records.recorder import FileRecorder
from safety.words import Request
from service.loop_runner import LoopRunner
from service.people.roles import may
from service.requests import RefusedError

VALID = timedelta(minutes=5)
"""What moves the plant is signed beside the machine, not in advance."""

People = Mapping[str, Mapping[str, Any]]
Judge = Callable[[Entry | None, datetime], Act]


def act_under(row: Entry, person: str, entry: Mapping[str, Any], meaning: str, utc: str) -> Act:
    """Return the text that `person` of the register signs under the record `row`."""
    return Act(row.seq, row.hash, person, str(entry["name"]), str(entry["role"]), meaning, utc)


def act_that_stands(
    body: object,
    row: Entry | None,
    request: Request,
    loop: str,
    people: People,
    now: datetime,
    *,
    action: str,
    meaning: str,
) -> Act:
    """Return the signature in `body`, which stands for `action` on `loop`.

    `row` is the record it names, `request` the one in force.

    Raises:
        ValueError: it does not stand; the text says why.
    """
    act = act_of(body if isinstance(body, Mapping) else {})
    if row is None or (row.kind, row.loop) != ("cycle", loop) or row.seq <= request.number:
        raise ValueError(
            f"record {act.record} is no cycle of {loop} since the last request; sign again"
        )
    if fault := fault_of_act(act, row.hash, people):
        raise ValueError(fault)
    if not may(act.role, action):
        raise ValueError(f"{act.name} is registered as {act.role}, which may not sign this")
    if act.meaning != meaning:
        raise ValueError(f"the signature means something else than '{meaning}'")
    try:
        age = now - datetime.fromisoformat(act.utc)
    except (ValueError, TypeError) as error:
        raise ValueError("the signature does not say when it was given") from error
    if abs(age) > VALID:
        raise ValueError(f"it was signed at {act.utc}; this is signed within five minutes")
    return act


def is_of_now(act: Act, now: datetime) -> bool:
    """Say whether a signature was given within `VALID` of `now`; one without a time was not."""
    try:
        return abs(now - datetime.fromisoformat(act.utc)) <= VALID
    except (ValueError, TypeError):
        return False


async def take(
    signature: object, runner: LoopRunner, recorder: FileRecorder, what: str, judge: Judge
) -> str:
    """Judge a signature and record it; return who signed. `what` is 'reset' or 'auto'.

    Raises:
        RefusedError: it does not stand, which is recorded as well.
        RecordError: it cannot be recorded, so nothing is done.
    """
    clock, loop = runner.loop.clock, runner.name
    try:
        act = judge(row_named(recorder.path, signature), datetime.now(UTC))
    except ValueError as error:
        body = {"event": f"{what}-refused", "loop": loop, "text": str(error)}
        await recorder.append("event", loop, clock.utc(), body)
        raise RefusedError(f"no {what}: {error}") from error
    await recorder.append("signature", loop, clock.utc(), act.body())
    return act.name


def row_named(path: Path, signature: object) -> Entry | None:
    """Return the record that a signature says it was given under, if there is one."""
    number = signature.get("record") if isinstance(signature, Mapping) else None
    if type(number) is not int:
        return None
    reader = RecordReader(path)
    try:
        return reader.one(number)
    finally:
        reader.close()
