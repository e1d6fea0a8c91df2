from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.plc_mixer import GUARDS, MixerPlc
from hil.plc_program import Scan, Value
from plant_models.mixer_phases import Phase
from tests.hil.plc.soft_mixer import SoftMixer, lines_program

RPM = 1.0 / 60.0
Mixer = MixerPlc | SoftMixer


class Bench:
    """A mixer's program on sensors that a test sets by hand."""

    def __init__(self, plc: Mixer, rounding: float) -> None:
        self.plc = plc
        self.rounding = rounding  # of a setpoint in use
        self.panel = self.plc.first_panel()
        self.wire: dict[str, Value] = dict.fromkeys(GUARDS, math.nan)
        self.field: dict[str, Value] = {
            "mixer.mass": 500.0,
            "mixer.temp": 298.15,
            "mixer.jacket_temp": 298.15,
            "mixer.anchor_speed": 0.5,
            "mixer.torque": 60.0,
            "mixer.viscosity": 6.0,
            "mixer.lab_number": 0,
            "mixer.lab_viscosity": 0.0,
            "mixer.lab_age": 0.0,
            "mixer.solvent_total": 0.0,
        }
        self.beat = 0
        self.last = self.scan()

    def scan(self, scans: int = 1, *, beating: bool = False, request: bool = False) -> Scan:
        for scan in range(scans):
            self.beat += beating and scan % 2 == 0  # between two beats a group stands still
            self.wire["mixer.engine_heartbeat"] = self.beat
            self.wire["mixer.remote_request"] = request
            self.last = self.plc.scan(1.0, self.field, self.wire, self.panel)
        return self.last

    def press(self, button: str) -> Scan:
        self.panel[button] = True
        self.scan()
        self.panel[button] = False
        return self.scan()

    def take_remote(self, **setpoints: float) -> None:
        for name, value in setpoints.items():
            self.wire[f"mixer.{name}"] = value
        self.scan(2, beating=True)
        self.scan(1, beating=True, request=True)
        assert self.last.image["mixer.remote_active"] is True


BenchOf = Callable[..., Bench]


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lines_program(tmp_path_factory.mktemp("mixer"))


@pytest.fixture(params=["python", "c"])
def bench_of(request: pytest.FixtureRequest) -> Iterator[BenchOf]:
    """Make a bench with the program in Python, and in C."""
    children: list[SoftMixer] = []

    def make(phase: Phase | None = Phase.TRIM) -> Bench:
        if request.param == "python":
            return Bench(MixerPlc(phase=phase, batch=1), 1e-12)
        children.append(SoftMixer(request.getfixturevalue("in_c"), phase, 1))
        return Bench(children[-1], 5e-6)  # 32 bits of a temperature

    yield make
    for child in children:
        child.close()


def test_remote_setpoints_are_boxed_and_paced_by_the_plc(bench_of: BenchOf) -> None:
    bench = bench_of()
    bench.take_remote(anchor_sp=2.0, jacket_sp=400.0, solvent_sp=-1.0)
    was = dict(bench.plc.active)
    for _ in range(150):
        bench.scan(2, beating=True, request=True)
        for tag, guard in GUARDS.items():
            assert abs(bench.plc.active[tag] - was[tag]) <= 2 * guard.rate_per_s + bench.rounding
        was = dict(bench.plc.active)
    assert bench.plc.active == {
        "mixer.anchor_sp": pytest.approx(60 * RPM),
        "mixer.jacket_sp": pytest.approx(323.15),
        "mixer.solvent_sp": 0.0,
    }


def test_the_watchdog_takes_the_loop_back_without_a_bump(bench_of: BenchOf) -> None:
    bench = bench_of()
    bench.take_remote(anchor_sp=0.6, jacket_sp=296.0, solvent_sp=0.01)
    bench.scan(101, beating=True, request=True)
    was = dict(bench.plc.active)
    for scan in range(70):
        bench.scan(request=True)
        assert bench.last.image["mixer.remote_active"] is (scan < 59)
        for tag, guard in GUARDS.items():
            assert abs(bench.plc.active[tag] - was[tag]) <= guard.rate_per_s + bench.rounding
        was = dict(bench.plc.active)
    assert bench.plc.active["mixer.anchor_sp"] == 0.6


def test_solvent_is_dosed_only_above_the_target_and_only_in_its_phases(bench_of: BenchOf) -> None:
    bench = bench_of()
    bench.field["mixer.viscosity"] = 5.5
    bench.scan(600)
    assert bench.last.drives["mixer.solvent_flow_cmd"] == 0.0
    bench.field["mixer.viscosity"] = 6.8
    bench.scan(300)
    assert bench.last.drives["mixer.solvent_flow_cmd"] > 0.0
    bench.press("hold")
    assert bench.last.drives["mixer.solvent_flow_cmd"] == 0.0


def test_the_batch_gets_no_more_solvent_than_its_cap(bench_of: BenchOf) -> None:
    bench = bench_of()
    bench.take_remote(anchor_sp=0.5, jacket_sp=298.15, solvent_sp=0.02)
    bench.scan(60, beating=True, request=True)
    assert bench.last.drives["mixer.solvent_flow_cmd"] > 0.0
    bench.field["mixer.solvent_total"] = 30.0
    bench.scan(beating=True, request=True)
    assert bench.last.drives["mixer.solvent_flow_cmd"] == 0.0
    assert bench.last.image["mixer.solvent_sp_active"] == 0.0


def test_torque_above_its_limit_slows_the_anchor_and_says_so(bench_of: BenchOf) -> None:
    bench = bench_of()
    bench.field["mixer.torque"] = 450.0
    bench.scan(60)
    slowed = bench.last.drives["mixer.anchor_speed_cmd"]
    assert slowed < 0.4
    assert bench.last.image["mixer.anchor_sp_active"] == slowed
    bench.field["mixer.torque"] = 530.0
    bench.scan(3)
    assert bench.last.image["mixer.interlocks_ok"] is False
    assert bench.last.drives["mixer.anchor_speed_cmd"] == 0.0


def test_hold_restart_and_abort(bench_of: BenchOf) -> None:
    bench = bench_of(Phase.DISPERSE)
    bench.scan(100)
    bench.press("hold")
    held_at_s = bench.plc.sequence.phase_s
    bench.scan(5000)
    assert bench.last.image["mixer.phase"] == Phase.DISPERSE
    assert bench.plc.sequence.phase_s == held_at_s
    assert bench.last.drives["mixer.disperser_speed_cmd"] == 0.0
    bench.press("restart")
    bench.scan(1800)
    assert bench.last.image["mixer.phase"] == Phase.HOMOGENISE
    bench.press("abort")
    assert bench.last.image["mixer.phase"] == Phase.CLEAN
    assert bench.last.image["mixer.remote_ready"] is False


def test_a_batch_charges_until_the_scale_says_so(bench_of: BenchOf) -> None:
    bench = bench_of(None)
    bench.field["mixer.mass"] = 0.0
    bench.press("start_batch")
    bench.scan(310)
    assert bench.last.image["mixer.phase"] == Phase.CHARGE_SOLVENT
    bench.field["mixer.mass"] = 78.0
    bench.scan()
    assert bench.last.image["mixer.phase"] == Phase.CHARGE_ADHESIVE
    assert bench.last.image["mixer.running"] is False


def test_trim_ends_when_viscosity_and_temperature_have_been_right_for_20_min(
    bench_of: BenchOf,
) -> None:
    bench = bench_of()
    bench.scan(600)
    bench.field["mixer.temp"] = 300.0
    bench.scan(300)
    bench.field["mixer.temp"] = 298.15
    bench.scan(1100)
    assert bench.last.image["mixer.phase"] == Phase.TRIM
    bench.scan(200)
    assert bench.last.image["mixer.phase"] == Phase.DEAERATE


def test_a_lab_result_corrects_the_viscometer_at_the_time_of_its_sample(bench_of: BenchOf) -> None:
    bench = bench_of()
    bench.scan(300)
    bench.field["mixer.viscosity"] = 8.0  # moved since the sample was taken
    bench.scan(900)
    bench.field.update({"mixer.lab_viscosity": 6.6, "mixer.lab_age": 950.0, "mixer.lab_number": 1})
    bench.scan()
    assert bench.plc.lab_factor == pytest.approx(1.1, rel=0.01)


@pytest.mark.parametrize("dose", [0.0, 0.012])
@pytest.mark.parametrize("viscosity", [5.6, 6.0, 6.9])
def test_taking_the_solvent_back_is_no_bump(
    bench_of: BenchOf, dose: float, viscosity: float
) -> None:
    bench = bench_of()
    bench.field["mixer.viscosity"] = viscosity
    bench.take_remote(anchor_sp=0.5, jacket_sp=298.15, solvent_sp=dose)
    bench.scan(60, beating=True, request=True)
    before = bench.plc.active["mixer.solvent_sp"]
    bench.scan(1, beating=True)  # the engine gives the loop back
    assert bench.last.image["mixer.remote_active"] is False
    span = GUARDS["mixer.solvent_sp"].high
    assert abs(bench.plc.active["mixer.solvent_sp"] - before) < 0.002 * span
