"""Every alarm of a line: what it means, what happens if nobody acts, what to do, and how soon.

An alarm needs a person's act (ISA-18.2: else it is an event, and stands in the records only). The
list is made from the sealed configuration: loops, PLCs and limits it names. Delays are in periods
of the loop for what is counted in cycles, else in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PRIORITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alarm, whichever loop or PLC it is about; times in seconds, or periods."""

    title: str
    priority: str
    cause: str
    consequence: str
    action: str
    response_min: float
    on_periods: float = 0.0
    off_periods: float = 0.0
    on_s: float = 0.0
    off_s: float = 0.0
    latching: bool = False
    idle_too: bool = False  # it means something while nobody wants the loop controlled, too


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of this line: what kind, about what, and its delays [s].

    `group` is where the first one is told apart from its followers.
    """

    id: str
    name: str
    loop: str
    group: str
    title: str
    kind: Kind
    on_s: float
    off_s: float


LOOP_KINDS: Mapping[str, Kind] = {
    "tripped": Kind(
        "Tripped", "critical",
        "something happened that cannot happen while everything works",
        "the PLC has the loop; it stays there until a person resets the trip",
        "look at the cause, put it right, then reset with a second person's signature",
        5.0, idle_too=True,
    ),
    "shed": Kind(
        "Loop given back to the PLC", "high",
        "the gate found no safe way to go on",
        "the PLC's own loop holds the product; nothing is optimised",
        "read the reason on the faceplate, put it right, ask for AUTO again",
        10.0,
    ),
    "hold": Kind(
        "Holding", "medium",
        "a proposal or a reading was not good enough to move by",
        "setpoints stand; the loop is given back when it lasts",
        "look at the reason; at a bad instrument call maintenance",
        10.0, on_periods=2.0, off_periods=3.0,
    ),
    "heartbeat": Kind(
        "PLC heartbeat stands", "high",
        "the PLC's program stopped, or its data no longer come",
        "readings are old; the loop is given back",
        "look at the PLC and its network",
        5.0, off_periods=2.0,
    ),
    "foreign-writer": Kind(
        "Somebody else writes setpoints", "high",
        "a setpoint in use is neither ours nor on the way to it",
        "two hands on one setpoint; the loop is given back",
        "find who else writes: another station, a script, local operation",
        5.0, off_periods=2.0,
    ),
    "held-back": Kind(
        "PLC holds a setpoint back", "medium",
        "the PLC's own clamp or rate limit is narrower than what we ask for",
        "control counts from what the PLC uses; it gets slower or stands at the PLC's limit",
        "compare the PLC's limits with ours; the setpoint is named",
        30.0, on_periods=5.0, off_periods=3.0,
    ),
    "not-confirmed": Kind(
        "Write not confirmed", "medium",
        "the PLC did not answer, refused, or shows something else than was written",
        "nobody knows which setpoint is in use; nothing is moved",
        "look at the connection and at the PLC's remote switch",
        10.0, on_periods=1.0, off_periods=2.0,
    ),
    "reading": Kind(
        "Bad reading", "medium",
        "an instrument the loop needs is lost, frozen, out of range or jumps",
        "the loop predicts for a while, then holds or is given back",
        "look at the instrument named; use the stand-by one if there is one",
        15.0, on_periods=1.0, off_periods=3.0,
    ),
    "vote": Kind(
        "Instruments disagree", "medium",
        "one of several instruments for one value was struck from the vote",
        "one more failure and the value is lost",
        "have it repaired or calibrated, then reset the vote by name",
        60.0, idle_too=True,
    ),
    "solver": Kind(
        "No plan", "medium",
        "the controller did not answer in time, or its answer did not pass its checks",
        "setpoints stand; the loop is given back when it lasts",
        "look at the solver's words on the faceplate; the worker is replaced by itself",
        10.0, on_periods=2.0, off_periods=3.0,
    ),
    "model": Kind(
        "Model does not fit", "high",
        "the plant does other things than the model expects",
        "predictions cannot be trusted; the loop is given back",
        "look for what changed: material, pump, gauge; tell the engineer",
        30.0, off_periods=5.0,
    ),
    "late": Kind(
        "Cycles late", "low",
        "the machine is too busy, or a PLC answers slowly",
        "beats are lost; control gets slower",
        "look at the machine's load and the PLC's answer times",
        60.0, on_periods=3.0, off_periods=10.0,
    ),
}  # fmt: skip

LIMIT = Kind(
    "Outside its limit", "medium",
    "the value is beyond the limit the controller keeps it in",
    "product or process leaves its window",
    "read on the faceplate what binds; slow the line or change the batch if it stays",
    10.0, on_periods=3.0, off_periods=3.0,
)  # fmt: skip
TARGET = Kind(
    "Off target", "medium",
    "the value is further from its target than agreed",
    "material may have to be rejected",
    "mark the web; read on the faceplate what holds the value back",
    10.0, on_periods=3.0, off_periods=3.0,
)  # fmt: skip
SOURCE = Kind(
    "PLC not reached", "high",
    "no connection, or the other side was refused (certificate, user, policy)",
    "its readings are lost; its loops are given back and cannot be taken",
    "look at the last error under Tags; cable, switch, PLC, certificate",
    5.0, on_s=30.0, off_s=10.0, idle_too=True,
)  # fmt: skip

ENGINE_KINDS: Mapping[str, Kind] = {
    "records": Kind(
        "Record chain broken", "critical",
        "rows were changed or lost, by the disk or by a person",
        "evidence is in doubt; nothing recorded since may be relied upon",
        "stop using the records, keep the file, call QA",
        60.0, latching=True, idle_too=True,
    ),
    "disk": Kind(
        "Disk nearly full", "high",
        "records, logs or something else fill the disk",
        "without room for records nothing is written to a PLC any more",
        "make room: archive, move old exports",
        60.0, on_s=60.0, off_s=60.0, idle_too=True,
    ),
    "configuration": Kind(
        "Configuration file was edited", "low",
        "a file on the disk differs from the sealed version in force",
        "nothing: the sealed version stays; the edit waits for signatures",
        "propose the change, or undo the edit",
        480.0, idle_too=True,
    ),
    "certificate": Kind(
        "Certificate expires", "low",
        "a certificate has expired or will within 30 days",
        "the connection it protects will be refused",
        "renew it: ./rheostat certs",
        1440.0, idle_too=True,
    ),
    "calibration": Kind(
        "Calibration ends", "low",
        "an instrument's calibration has ended or will within 30 days",
        "on the day after, every loop that reads it holds, is given back, and cannot be closed",
        "have it calibrated; bring its new date into force with two signatures",
        1440.0, idle_too=True,
    ),
    "refused": Kind(
        "Attempts were refused", "medium",
        "somebody tried what their role does not allow, or could not sign in",
        "perhaps a mistake, perhaps an attack",
        "read the audit trail: who, what, from where",
        60.0, off_s=600.0, idle_too=True,
    ),
}  # fmt: skip


def catalogue(sealed: Mapping[str, Any]) -> dict[str, Alarm]:
    """Return the alarms of the line that `sealed` describes, by their id, in a fixed order."""
    return {alarm.id: alarm for alarm in _all(sealed)}


def _all(sealed: Mapping[str, Any]) -> Iterator[Alarm]:
    for loop, spec in sealed["loops"].items():
        period_s = float(spec["period"])
        for name, kind in LOOP_KINDS.items():
            yield _made(f"{loop}.{name}", name, kind, loop, loop, period_s)
        for tag, cv in spec["controller"]["cvs"].items():
            title = tag.split(".", 1)[-1].replace("_", " ")
            if "low" in cv or "high" in cv:
                yield _made(f"{loop}.limit.{tag}", "limit", LIMIT, loop, loop, period_s, title)
            if "alarm" in cv and "target" in cv:
                yield _made(f"{loop}.target.{tag}", "target", TARGET, loop, loop, period_s, title)
    for source in sealed["sources"]:
        yield _made(f"source.{source}", "source", SOURCE, "", "sources", 0.0, source)
    for name, kind in ENGINE_KINDS.items():
        yield _made(f"engine.{name}", name, kind, "", "engine", 0.0)


def _made(
    ident: str, name: str, kind: Kind, loop: str, group: str, period_s: float, about: str = ""
) -> Alarm:
    title = f"{kind.title}: {about}" if about else kind.title
    on_s, off_s = kind.on_s + kind.on_periods * period_s, kind.off_s + kind.off_periods * period_s
    return Alarm(ident, name, loop, group, title, kind, on_s, off_s)
