"""Was every word that reached a PLC recorded before? The PLC's own write log against the intents.

An orphan is a write in the log that no durable intent of that run explains: that would be a
setpoint nobody can account for (REC-03). Words count in their order on the wire: setpoints,
remote request, sequence number, heartbeat; a frame that a kill cut off must still fit an intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fieldbus.tags import tags_of, to_si, to_wire

_SAME = 1e-6  # of the value: what is left after both have passed through the wire's float


class WireEvidence:
    """Compares the words one line's PLCs took with the intents of the engine."""

    def __init__(self, sealed: Mapping[str, Any]) -> None:
        self._tags = tags_of(sealed)
        self._loop_of = {
            tag: (name, word)
            for name, loop in sealed["loops"].items()
            for tag, word in _words(loop).items()
        }
        self.words = 0

    def orphans(
        self, log: Iterable[Mapping[str, Any]], intents: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> list[str]:
        """Return in words every write in `log` that no intent explains.

        `intents` are the bodies of one run, by loop, oldest first; `log` what the PLCs took since
        that run began.
        """
        reached = dict.fromkeys(intents, 0)
        found = []
        for row in log:
            if "tag" not in row:
                continue
            self.words += 1
            tag, value = str(row["tag"]), row["value"]
            loop, word = self._loop_of.get(tag, ("", ""))
            start = reached.get(loop, 0)
            rest = intents.get(loop, [])[start:]
            at = next((i for i, one in enumerate(rest) if self._fits(tag, word, value, one)), None)
            if at is None:
                found.append(f"{tag} = {value!r}: no intent of this run says so")
            elif word == "sequence":
                reached[loop] = start + at
        return found

    def _fits(self, tag: str, word: str, value: float, intent: Mapping[str, Any]) -> bool:
        if word != "setpoint":
            return bool(intent[word] == value)
        wanted = intent["setpoints"].get(tag)
        if wanted is None:
            return False
        landed = to_si(self._tags[tag], to_wire(self._tags[tag], wanted))
        return abs(landed - value) <= _SAME * abs(landed) + 1e-12


def _words(loop: Mapping[str, Any]) -> dict[str, str]:
    """Return what each tag that the engine writes for a loop is called in an intent."""
    hand = loop["handshake"]
    return {
        **dict.fromkeys(loop["mvs"], "setpoint"),
        hand["remote_request"]: "remote",
        hand["sequence"]: "sequence",
        hand["heartbeat_out"]: "heartbeat",
    }
