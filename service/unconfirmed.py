"""The write nobody confirmed: what a restart does about an intent without its cycle (SVC-04).

The engine died between the intent on the disk and the record of what came of it. The write may be
in the PLC or not. So the loop stays OFF until the PLC's own active setpoints have been read and
compared, the answer is in the records, and a person asks for the loop knowing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safety.rules import LoopRules
from safety.words import Quality


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """An intent that no cycle of its run followed; `found` is the event once it is reconciled."""

    loop: str
    row: int
    sequence: int
    setpoints: Mapping[str, float]
    found: Mapping[str, Any] | None = None

    def as_text(self) -> str:
        """Return what a person should know before they ask for this loop."""
        if self.found is None:
            return (
                f"the last run ended right after intent {self.row}, and nobody knows whether that "
                "write landed. The PLC's own setpoints have not been read yet; ask again when "
                "they have"
            )
        return str(self.found["text"])


def unconfirmed(loop: str, found: tuple[int, Mapping[str, Any]] | None) -> Unconfirmed | None:
    """Return the unconfirmed write that the records have of `loop`, or None."""
    if found is None:
        return None
    row, body = found
    return Unconfirmed(loop, row, int(body["sequence"]), dict(body["setpoints"]))


def reconciled(
    write: Unconfirmed, rules: LoopRules, cycle: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Compare the write with what the PLC uses, as the cycle record `cycle` has it.

    Returns the event to record, or None while the PLC has not said everything that is needed.
    """
    applied: Mapping[str, float] = cycle.get("applied", {})
    remote = cycle.get("inputs", {}).get(rules.handshake.remote_active)
    if remote is None or remote[1] != Quality.GOOD or not set(write.setpoints) <= set(applied):
        return None
    in_use = {tag: applied[tag] for tag in write.setpoints}
    off = [
        tag
        for tag, wanted in write.setpoints.items()
        if tag not in rules.setpoints
        or abs(wanted - in_use[tag]) > rules.setpoints[tag].tolerance + 2.0**-23 * abs(wanted)
    ]
    said = "uses exactly these setpoints" if not off else f"uses other values of {', '.join(off)}"
    return {
        "event": "intent-reconciled",
        "loop": write.loop,
        "intent": write.row,
        "sequence": write.sequence,
        "setpoints": dict(write.setpoints),
        "in_use": in_use,
        "remote_active": remote[0],
        "agrees": not off,
        "text": f"the last run ended right after intent {write.row}; the PLC {said}",
    }
