"""How alike a tag of the table and a node of a server are, by name, type, unit and range."""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple, Protocol

from fieldbus.tags import Tag

_SHORT = {
    "temp": "temperature",
    "sp": "setpoint",
    "spd": "speed",
    "press": "pressure",
    "pos": "position",
    "act": "active",
    "req": "request",
    "hb": "heartbeat",
    "seq": "sequence",
    "ok": "ok",
}


class Node(Protocol):
    """What is compared of a node."""

    @property
    def name(self) -> str:
        """Return its name with the folders it is in."""
        ...

    @property
    def type(self) -> str:
        """Return its type as the tag table calls it."""
        ...

    @property
    def unit(self) -> str:
        """Return its unit, '' when the server does not say."""
        ...

    @property
    def writable(self) -> bool:
        """Say whether we may write it."""
        ...


class Likeness(NamedTuple):
    """A score from 0 to 1, and what speaks for it."""

    score: float
    why: str


def likeness(tag: Tag, node: Node) -> Likeness:
    """Compare words first, then letters; another type or no right to write makes it unlikely."""
    ours, theirs = words_of(tag.name), words_of(node.name)
    common = set(ours) & set(theirs)
    words = 2 * len(common) / (len(set(ours)) + len(set(theirs)) or 1)
    letters = difflib.SequenceMatcher(None, "".join(ours), "".join(theirs)).ratio()
    score, reasons = 0.6 * words + 0.4 * letters, []
    if common:
        reasons.append("the words " + ", ".join(word for word in ours if word in common))
    if node.type == tag.type:
        reasons.append(f"type {node.type}")
    else:
        score *= 0.5
        reasons.append(f"but type {node.type} instead of {tag.type}")
    if tag.unit and node.unit:
        same = node.unit == tag.unit
        score *= 1.0 if same else 0.7
        reasons.append(f"unit {node.unit}" if same else f"but unit {node.unit}, not {tag.unit}")
    if tag.direction == "write" and not node.writable:
        score *= 0.5
        reasons.append("but we may not write it")
    return Likeness(score, "; ".join(reasons))


def words_of(name: str) -> list[str]:
    """Return the words of a name, whatever its spelling: LineSpeed, line_speed, LINE.SPD."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=\d)", " ", name)
    words = re.split(r"[^A-Za-z0-9]+", parted)
    return [_SHORT.get(word.lower(), word.lower()) for word in words if word]
