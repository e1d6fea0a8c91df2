from __future__ import annotations

import math
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.hil.plc.broken_blocks import BUGS, Bug
from tests.hil.plc.rig import (
    HOME,
    SETPOINTS,
    Course,
    Row,
    compiled,
    run_compiled,
    run_text,
)
from tests.hil.plc.stories import Story, stories, usual
from tests.hil.plc.structured_text import Library

STORIES = stories()
HOSTILE = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, 1e30, -1e30, 3.4e38, -3.4e38, 1e-40, -1e-45,
)  # fmt: skip


@pytest.fixture(scope="module")
def text() -> Library:
    return Library((HOME / "rheostat.st").read_text("utf-8"))


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("block"))


@pytest.mark.requirement("FS-02")
@pytest.mark.requirement("FS-12")
@pytest.mark.requirement("P12")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_structured_text_does_what_its_stories_tell(story: Story, text: Library) -> None:
    assert story.faults(run_text(text, story.course)) == []


@pytest.mark.requirement("FS-02")
def test_the_c_does_what_the_same_stories_tell(binary: Path) -> None:
    played = run_compiled(binary, [story.course for story in STORIES])
    assert [
        fault for story, rows in zip(STORIES, played, strict=True) for fault in story.faults(rows)
    ] == []


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_stories_notice_a_bug_in_the_text(bug: Bug) -> None:
    library = Library(_with_bug((HOME / "rheostat.st").read_text("utf-8"), *bug.text))
    assert any(story.faults(run_text(library, story.course)) for story in STORIES)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_stories_notice_a_bug_in_the_c(bug: Bug, tmp_path: Path) -> None:
    source = _with_bug((HOME / "block.c").read_text("utf-8"), *bug.c)
    played = run_compiled(
        compiled(tmp_path, {"block.c": source}), [story.course for story in STORIES]
    )
    assert any(story.faults(rows) for story, rows in zip(STORIES, played, strict=True))


@pytest.mark.slow
def test_both_languages_agree_to_the_last_bit_on_hostile_scans(text: Library, binary: Path) -> None:
    courses = [hostile_course(random.Random(seed), scans=150) for seed in range(40)]
    seen: Counter[str] = Counter()
    for course, from_c in zip(courses, run_compiled(binary, courses), strict=True):
        from_text = run_text(text, course)
        for at, (one, other) in enumerate(zip(from_text, from_c, strict=True)):
            assert repr(one) == repr(other), f"scan {at + 1} of {course.scans[: at + 1]}"
            seen.update(name for name, value in one.items() if value is True)
            seen[f"left {one['left']}"] += 1
    for name in ("remote_active", "tripped", "group_refused", "trip", "settings_ok"):
        assert seen[name] > 100, f"the courses were not hostile enough: {seen}"
    assert all(seen[f"left {why}"] > 50 for why in range(6)), seen


def hostile_course(chance: random.Random, scans: int) -> Course:
    """An engine, a machine and people that do their worst, but not all at once."""
    now = usual() | {"watchdog_s": chance.choice((2.0, 3.0, 5.0, 9.0))}
    engine_dead = sensor_dead = False
    course = []
    for _ in range(scans):
        now = dict(now)
        engine_dead ^= chance.random() < (0.2 if engine_dead else 0.03)
        sensor_dead ^= chance.random() < (0.2 if sensor_dead else 0.01)
        now["engine_beat"] += not engine_dead
        now["commit"] += chance.random() < 0.3
        now["remote_request"] = _flipped(chance, now["remote_request"], 0.04, 0.4)
        now["key_remote"] = _flipped(chance, now["key_remote"], 0.01, 0.5)
        now["permit"] = _flipped(chance, now["permit"], 0.01, 0.5)
        now["trip_cause"] = not _flipped(chance, not now["trip_cause"], 0.005, 0.4)
        now["reset"] = chance.random() < 0.2
        if chance.random() < 0.3:
            now["setpoint"] = [_number(chance, 30.0, 0.08) for _ in range(SETPOINTS)]
        now["pv"] = _number(chance, 50.0, 1.0 if sensor_dead else 0.02)
        if chance.random() < 0.05:
            now |= {"target": _number(chance, 50.0, 0.1), "gain": _number(chance, 2.0, 0.1)}
            now["integral_s"] = _number(chance, 8.0, 0.1)
        course.append(now | _settings(chance))
    return Course(course, own_heartbeat=chance.randrange(65536))


def _flipped(chance: random.Random, was: bool, falls: float, rises: float) -> bool:
    return was ^ (chance.random() < (falls if was else rises))


def _settings(chance: random.Random) -> Row:
    """The commissioned settings, and now and then ones that a slip of the hand has spoiled."""
    given = usual()
    sound = {name: given[name] for name in ("scan_s", "count", "low", "high", "rate", "start")}
    sound["trip_high"], sound["trip_delay_s"] = given["trip_high"], given["trip_delay_s"]
    sound["scan_s"] = chance.choice((1.0, 0.5, 0.1, 0.02))
    if chance.random() < 0.01:
        name = chance.choice(sorted(sound))
        if name == "count":
            sound[name] = chance.choice((0, -1, 1, 2, 12, 13, 2**31 - 1))
        elif isinstance(sound[name], list):
            sound[name] = [_number(chance, one, 0.5) for one in sound[name]]
        else:
            sound[name] = _number(chance, sound[name], 0.8)
    return sound


def _number(chance: random.Random, about: float, hostile: float) -> float:
    if chance.random() < hostile:
        return chance.choice(HOSTILE)
    return about * chance.uniform(-0.5, 2.5)


def _with_bug(source: str, old: str, new: str) -> str:
    assert source.count(old) == 1, f"the bug's place occurs {source.count(old)} times: {old!r}"
    return source.replace(old, new)
