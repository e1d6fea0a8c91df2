"""How alike a tag and a node are: whatever its spelling, the right one comes first."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from fieldbus.likeness import likeness, words_of
from fieldbus.tags import Tag


class Named(NamedTuple):
    """A node as the comparison sees it."""

    name: str
    type: str = "float32"
    unit: str = ""
    writable: bool = False


def tag(name: str, **more: object) -> Tag:
    fields = {"source": "plc", "direction": "read", "type": "float32"} | more
    return Tag(name=name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["LineSpeed", "line_speed", "LINE.SPEED", "line-speed", "line.spd"]
)
def test_a_name_has_the_same_words_in_every_spelling(name: str) -> None:
    assert words_of(name) == ["line", "speed"]


def test_the_node_with_the_same_words_comes_first() -> None:
    nodes = [Named("Oven.Zone1.Temp"), Named("Web.LineSpd"), Named("Web.LineLength")]
    best = max(nodes, key=lambda node: likeness(tag("coater.line_speed"), node).score)
    assert best.name == "Web.LineSpd"


def test_another_type_another_unit_and_no_right_to_write_speak_against_it() -> None:
    setpoint = tag("coater.gap_sp", direction="write", unit="um")
    good = likeness(setpoint, Named("Coater.GapSetpoint", unit="um", writable=True))
    for worse, words in (
        (Named("Coater.GapSetpoint", "int16", "um", True), "type int16 instead of float32"),
        (Named("Coater.GapSetpoint", unit="mm", writable=True), "unit mm, not um"),
        (Named("Coater.GapSetpoint", unit="um"), "we may not write it"),
    ):
        like = likeness(setpoint, worse)
        assert like.score < good.score
        assert words in like.why
