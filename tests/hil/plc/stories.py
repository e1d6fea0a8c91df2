"""The table of stories, read and unrolled into scans; and what a run got wrong of one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from tests.hil.plc.rig import HOME, INPUTS, OUTPUTS, Course, Row
from tests.hil.plc.structured_text import real

TABLE = HOME / "stories.yaml"
_STEP = {"times", "beats", "expect"}


@dataclass(frozen=True)
class Story:
    """A name, the scans, and what must stand at the outputs after which of them."""

    name: str
    course: Course
    expected: dict[int, Row]

    def faults(self, rows: Sequence[Row]) -> list[str]:
        """Say what came out otherwise than the story tells."""
        found = []
        for at, expected in self.expected.items():
            for name, value in expected.items():
                wanted = [real(one) for one in value] if name == "active" else value
                if rows[at][name] != wanted:
                    found.append(
                        f"{self.name}: scan {at + 1}: {name} is {rows[at][name]}, not {value}"
                    )
        return found


@functools.cache
def _table() -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(TABLE.read_text("utf-8"))
    return read


def stories() -> list[Story]:
    """Read the table.

    Raises:
        ValueError: a word in it means nothing.
    """
    table = _table()
    return [_unrolled(story, table["usual"]) for story in table["stories"]]


def usual() -> Row:
    """The inputs every story starts with."""
    return dict(_table()["usual"])


def _unrolled(story: dict[str, Any], inputs: Row) -> Story:
    now = inputs | story.get("given", {})
    beats = False
    scans: list[Row] = []
    expected = {}
    for step in story["steps"]:
        _known(story["name"], step.keys() - _STEP, INPUTS)
        _known(story["name"], step.get("expect", {}), OUTPUTS)
        now |= {name: value for name, value in step.items() if name in INPUTS}
        beats = step.get("beats", beats)
        for _ in range(step.get("times", 1)):
            if beats:
                now["engine_beat"] += 1
            scans.append(dict(now))
        if "expect" in step:
            expected[len(scans) - 1] = step["expect"]
    return Story(story["name"], Course(scans, story.get("own_heartbeat", 0)), expected)


def _known(name: str, words: Any, known: tuple[str, ...]) -> None:
    if unknown := set(words) - set(known):
        raise ValueError(f"story '{name}' uses {sorted(unknown)}, known are {list(known)}")
