from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from hil.plc_coater import GUARDS, CoaterPlc
from hil.plc_program import Scan, Value
from tests.hil.stand_in_plant import StandInPlant

RATIO = "coater.pump_ratio_sp"


class Bench:
    """Coater program and stand-in plant, with hands for engine and operator."""

    def __init__(self) -> None:
        self.plant = StandInPlant()
        self.plc = CoaterPlc()
        self.panel = self.plc.first_panel()
        self.wire: dict[str, Value] = dict.fromkeys(GUARDS, math.nan)
        self.beat = 0
        self.last = self.scan(0)

    def scan(self, scans: int = 1, *, beating: bool = False, request: bool = False) -> Scan:
        mixer = {"mixer.anchor_speed_cmd": 0.5, "mixer.jacket_temp_cmd": 298.15}
        for _ in range(scans or 1):
            self.beat += beating
            self.wire["coater.engine_heartbeat"] = self.beat
            self.wire["coater.remote_request"] = request
            self.last = self.plc.scan(1.0, self.plant.sensors(), self.wire, self.panel)
            drives = {**self.last.drives, **mixer, "mixer.solvent_flow_cmd": 0.0}
            if scans:
                self.plant.step(1.0, drives)
        return self.last

    @property
    def ratio(self) -> float:
        return self.plc.active[RATIO]

    def take_remote(self, ratio: float) -> None:
        self.wire.update({RATIO: ratio, "coater.gap_sp": 280e-6, "coater.oven_trim_sp": 0.0})
        self.scan(2, beating=True)
        self.scan(1, beating=True, request=True)
        assert self.last.image["coater.remote_active"] is True

    def shown(self, name: str) -> Any:
        return self.last.image[f"coater.{name}"]


def test_it_starts_from_what_the_machine_does() -> None:
    assert Bench().ratio == pytest.approx(2.6)


def test_the_pump_is_geared_to_the_web_within_its_speed() -> None:
    bench = Bench()
    bench.panel["line_speed_sp"] = 15.0 / 60.0
    for _ in range(150):
        bench.scan()
        pump = bench.last.drives["coater.pump_speed_cmd"]
        assert pump <= 1.0
    assert pump == pytest.approx(bench.ratio * bench.plant.speed, rel=0.02)


def test_the_line_ramps_at_its_own_pace() -> None:
    bench = Bench()
    bench.panel["line_speed_sp"] = 12.0 / 60.0
    before = bench.plant.speed
    bench.scan(10)
    assert bench.plant.speed - before == pytest.approx(10 * 0.05 / 60.0)


def test_remote_follows_at_the_plcs_own_pace_and_inside_its_own_box() -> None:
    bench = Bench()
    bench.take_remote(9.0)
    was = bench.ratio
    for _ in range(100):
        bench.scan(beating=True, request=True)
        assert 0.0 <= bench.ratio - was <= 0.02 + 1e-12
        was = bench.ratio
    assert bench.ratio == 4.0


def test_nan_on_the_wire_holds_the_setpoint() -> None:
    bench = Bench()
    bench.take_remote(2.65)
    bench.scan(20, beating=True, request=True)
    bench.wire[RATIO] = math.nan
    bench.scan(20, beating=True, request=True)
    assert bench.ratio == pytest.approx(2.65)


def test_the_watchdog_takes_over_without_a_bump() -> None:
    bench = Bench()
    bench.take_remote(2.70)
    bench.scan(20, beating=True, request=True)
    course = [bench.ratio]
    for _ in range(40):
        bench.scan(request=True)
        course.append(bench.ratio)
    assert bench.shown("remote_active") is False
    assert max(abs(b - a) for a, b in itertools.pairwise(course)) < 0.02
    assert course[0] == course[22] == 2.70, "held until the watchdog barked"


def test_after_the_take_over_the_local_loop_brings_the_coat_weight_back() -> None:
    bench = Bench()
    bench.take_remote(2.75)
    bench.scan(300, beating=True, request=True)
    assert bench.plant.weight > 88e-3
    bench.scan(1200, request=True)
    assert bench.plant.weight == pytest.approx(85.7e-3, rel=2e-3)


def test_the_local_loop_removes_a_solids_step_without_ringing() -> None:
    bench = Bench()
    bench.plant.solids_factor = 1.02
    lowest = math.inf
    for _ in range(1500):
        bench.scan()
        lowest = min(lowest, bench.plant.weight)
    assert bench.plant.weight == pytest.approx(85.7e-3, rel=1e-3)
    assert lowest > 85.7e-3 * 0.995


def test_the_local_loop_stands_still_while_the_gauge_says_nothing() -> None:
    bench = Bench()
    bench.plant.solids_factor = 1.02
    bench.scan(200)
    bench.plant.gauge_valid = False
    before = bench.ratio
    bench.scan(60)
    assert bench.ratio == before
    bench.plant.gauge_valid = True
    bench.scan(60)
    assert bench.ratio < before


def test_a_frozen_heartbeat_is_only_that() -> None:
    bench = Bench()
    bench.panel["freeze_heartbeat"] = True
    before = bench.shown("heartbeat")
    bench.scan(5)
    assert bench.shown("heartbeat") == before
    assert bench.shown("running") is True
    bench.panel["freeze_heartbeat"] = False
    bench.scan()
    assert bench.shown("heartbeat") == before + 1


def test_die_pressure_trips_stops_and_waits_for_the_operator() -> None:
    bench = Bench()
    bench.take_remote(2.6)
    bench.plant.pressure = 13e5
    bench.scan(3, beating=True, request=True)
    assert bench.shown("interlocks_ok") is False
    assert bench.shown("remote_active") is False
    assert bench.last.drives["coater.pump_speed_cmd"] == 0.0
    assert bench.last.drives["coater.heater3"] == 0.0
    bench.plant.pressure = 2e5
    bench.scan(3)
    assert bench.shown("interlocks_ok") is False
    bench.panel["reset"] = True
    bench.scan()
    assert bench.shown("interlocks_ok") is True


def test_the_ovens_hold_their_zones_and_follow_the_trim() -> None:
    bench = Bench()
    bench.take_remote(2.6)
    bench.wire["coater.oven_trim_sp"] = 3.0
    bench.scan(3000, beating=True, request=True)
    assert bench.plant.zones[1] == pytest.approx(356.15, abs=0.3)
