from __future__ import annotations

import asyncio
import math

import pytest

from hil.virtual_line import VirtualLine
from safety.words import Quality, Reading
from tests.hil.sealed_line import sealed_line
from tests.hil.stand_in_plant import StandInPlant


def read_all(line: VirtualLine) -> Reading:
    tags = [name for name, tag in line.sealed["tags"].items() if tag["direction"] == "read"]
    return asyncio.run(line.port.read(tags))


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    def course(seed: int) -> list[float]:
        line = VirtualLine({}, seed, sealed=sealed_line())
        shown = []
        for minute in range(1, 4):
            line.advance(60.0 * minute)
            values = (sample.value for sample in read_all(line).values())
            shown += [value for value in values if isinstance(value, float)]
        return shown

    first = course(3)
    assert first == course(3)
    assert first != course(4)


def test_every_read_tag_of_a_running_line_is_good() -> None:
    line = VirtualLine({}, 1, sealed=sealed_line())
    line.advance(120.0)
    bad = {name: s.reason for name, s in read_all(line).items() if s.quality is not Quality.GOOD}
    assert bad == {}


def test_values_are_what_float32_leaves_of_them() -> None:
    line = VirtualLine(sealed=sealed_line(), plant=StandInPlant())
    shown = read_all(line)["coater.line_speed"].value
    assert shown != 10.0 / 60.0 or math.isclose(float(shown), 10.0 / 60.0, rel_tol=1e-7)
    assert shown == pytest.approx(10.0 / 60.0, rel=1e-6)


def test_an_instrument_that_says_nothing_is_bad_and_has_no_value() -> None:
    line = VirtualLine(sealed=sealed_line(), plant=StandInPlant())
    sample = read_all(line)["coater.residual_solvent"]
    assert (sample.quality, sample.value) == (Quality.BAD, None)


def test_a_write_tag_cannot_be_read() -> None:
    line = VirtualLine(sealed=sealed_line(), plant=StandInPlant())
    (sample,) = asyncio.run(line.port.read(["coater.gap_sp"])).values()
    assert sample.quality is Quality.BAD


def test_the_local_loop_holds_the_coat_weight_of_the_real_plant() -> None:
    line = VirtualLine({"coater.gauge.bias": 0.0}, 2, sealed=sealed_line())
    course = []
    for at_s in range(900, 1800, 10):
        line.advance(float(at_s))
        course.append(line.truth()["coater.dry_coat_weight_at_gauge"])
    assert sum(course) / len(course) == pytest.approx(85.7e-3, rel=5e-3)
    assert max(abs(value / 85.7e-3 - 1.0) for value in course) < 0.03


def test_cold_start_heats_threads_and_coats() -> None:
    line = VirtualLine({}, 2, start="cold", sealed=sealed_line())
    line.advance(1800.0)
    shown = read_all(line)
    assert shown["coater.running"].value is True
    assert shown["mixer.running"].value is False
    assert line.truth()["coater.dry_coat_weight_at_die"] == pytest.approx(85.7e-3, rel=0.15)
