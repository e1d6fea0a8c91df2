"""Was every word that reached a PLC recorded before? The PLC's own write log against the intents.

An orphan is a write in the log that no durable intent of that run explains: that would be a
setpoint nobody can account for (REC-03). The sequence number says which intent a frame is of; the
words around it fit that one or the one before, and so must the words of a frame that a kill cut
off. A wire that doubles and delays may deliver a whole old frame: its own intent explains it.
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
        meant: dict[str, list[Mapping[str, Any]]] = {}  # whose sequence number came last
        begun: dict[str, list[Mapping[str, Any]]] = {}  # words that wait for theirs
        found: list[Mapping[str, Any]] = []
        for row in log:
            if "tag" not in row:
                continue
            self.words += 1
            loop, word = self._loop_of.get(str(row["tag"]), ("", ""))
            if loop not in intents:
                found.append(row)
            elif word == "sequence":
                start, known = reached[loop], intents[loop]
                at = _place_of(row["value"], known, start)
                last = start if at is None else at
                possible = [*meant.get(loop, ()), *known[min(last, start) : max(last, start) + 1]]
                words = begun.pop(loop, [])
                found += [one for one in words if not self._explained(one, possible)]
                if at is None:
                    found.append(row)
                else:
                    reached[loop], meant[loop] = max(start, at), [known[at]]
            else:
                begun.setdefault(loop, []).append(row)
        for loop, words in begun.items():
            rest = [*meant.get(loop, ()), *intents[loop][reached[loop] :]]
            found += [one for one in words if not self._explained(one, rest)]
        return [f"{row['tag']} = {row['value']!r}: no intent of this run says so" for row in found]

    def _explained(self, row: Mapping[str, Any], intents: Sequence[Mapping[str, Any]]) -> bool:
        tag, value = str(row["tag"]), row["value"]
        _, word = self._loop_of[tag]
        return any(self._fits(tag, word, value, one) for one in intents)

    def _fits(self, tag: str, word: str, value: float, intent: Mapping[str, Any]) -> bool:
        if word != "setpoint":
            return bool(intent[word] == value)
        wanted = intent["setpoints"].get(tag)
        if wanted is None:
            return False
        landed = to_si(self._tags[tag], to_wire(self._tags[tag], wanted))
        return abs(landed - value) <= _SAME * abs(landed) + 1e-12


def _place_of(sequence: object, intents: Sequence[Mapping[str, Any]], start: int) -> int | None:
    """Return which intent has this sequence number: the first from `start` on, else an older."""
    order = [*range(start, len(intents)), *range(start - 1, -1, -1)]
    return next((at for at in order if intents[at]["sequence"] == sequence), None)


def _words(loop: Mapping[str, Any]) -> dict[str, str]:
    """Return what each tag that the engine writes for a loop is called in an intent."""
    hand = loop["handshake"]
    return {
        **dict.fromkeys(loop["mvs"], "setpoint"),
        hand["remote_request"]: "remote",
        hand["sequence"]: "sequence",
        hand["heartbeat_out"]: "heartbeat",
    }
