"""The whole line: parts joined, tanks changed over, events routed, overrides by path."""

from __future__ import annotations

import pytest

from plant_models.feed import REFERENCE_FEED
from plant_models.feed_tanks import FeedTank, FeedTanks, blended
from plant_models.line_plant import RECIPES, LinePlant, all_parameters, table_of
from plant_models.parameters import UnknownParameterError

SENSORS = (
    "mass temp jacket_temp anchor_speed torque viscosity solvent_flow solvent_total ambient_temp"
    " lab_viscosity lab_age lab_number"
)
CALM = {
    "coater.drift.solids": 0.0,
    "coater.drift.flow": 0.0,
    "coater.feed.temp_wander": 0.0,
}


def test_sensors_and_truth_of_both_ends_are_there() -> None:
    line = LinePlant(seed=1)
    shown, truth = line.sensors(), line.truth()
    for name in SENSORS.split():
        assert f"mixer.{name}" in shown
    for name in ("dry_coat_weight", "line_speed", "feed_solids", "web_length"):
        assert f"coater.{name}" in shown
    assert "mixer.viscosity_25c_true" in truth
    assert "coater.dry_coat_weight_at_die" in truth
    assert truth["line.feed_solids_true"] == pytest.approx(0.42)


def test_one_step_advances_everything_and_equal_seeds_give_equal_bits() -> None:
    def history(seed: int) -> list[dict[str, float | bool | int]]:
        line = LinePlant(seed=seed)
        drives = line.reference_drives()
        shown = []
        for _ in range(30):
            line.step(1.0, drives)
            shown.append(line.sensors())
        assert line.time_s == 30.0
        assert line.mixer.vessel.time_s == pytest.approx(30.0)
        assert line.coater.time_s == pytest.approx(30.0)
        return shown

    assert history(3) == history(3)
    assert history(3) != history(4)


def test_batch_change_brings_other_solids_through_the_hose() -> None:
    line = LinePlant(CALM, seed=2)
    drives = line.reference_drives()
    for _ in range(60):
        line.step(1.0, drives)
    before = line.truth()
    line.event("batch_change", solids_offset=0.005)
    line.step(1.0, drives)
    at_once = line.truth()
    assert at_once["line.feed_solids_true"] == pytest.approx(0.425)
    assert at_once["coater.solids_at_die"] == pytest.approx(
        before["coater.solids_at_die"], abs=1e-4
    )
    for _ in range(400):
        line.step(1.0, drives)
    after = line.truth()
    assert after["coater.solids_at_die"] == pytest.approx(0.425, abs=5e-4)
    # 0.5 wt% of 42 wt% is 1.2 % of the dry coat weight, less or more what the lot does to slip
    gain = after["coater.dry_coat_weight_at_die"] / before["coater.dry_coat_weight_at_die"] - 1.0
    assert gain == pytest.approx(0.012, abs=0.006)
    assert line.sensors()["coater.feed_batch"] == 2


def test_a_trimmed_mixer_batch_reaches_the_coater_with_its_lower_solids() -> None:
    """Trimming viscosity lowers solids: the coater's wet target has to follow."""
    line = LinePlant({**CALM, "line.tank.mass": 16.0}, seed=2)
    drives = line.reference_drives()
    for i in range(60):
        solvent = 0.02 if i < 30 else 0.0  # the second half blends it in
        stopped = {**drives, "coater.pump_speed_cmd": 0.0, "mixer.solvent_flow_cmd": solvent}
        line.step(20.0, stopped)
    mixed = line.mixer.truth()["mixer.solids_true"]
    transfer = {**drives, "mixer.transfer_flow": 2.0, "coater.pump_speed_cmd": 0.0}
    for _ in range(40):
        line.step(1.0, transfer)
    assert line.sensors()["line.standby_mass"] == pytest.approx(80.0, rel=1e-6)
    for _ in range(120):
        line.step(1.0, drives)
    truth = line.truth()
    assert truth["line.feed_batch_true"] == 2.0
    assert truth["line.feed_solids_true"] == pytest.approx(mixed, abs=3e-4)
    assert mixed < 0.42


def test_an_empty_tank_with_nothing_in_standby_gets_the_other_mixers_batch() -> None:
    line = LinePlant({"line.tank.mass": 15.2}, seed=2)
    drives = line.reference_drives()
    for _ in range(30):
        line.step(1.0, drives)
    assert line.truth()["line.feed_batch_true"] == 2.0
    assert line.sensors()["line.tank_mass"] == pytest.approx(480.0, abs=1.0)
    offset = line.truth()["line.feed_solids_true"] - 0.42
    assert 0.0 < abs(offset) < 0.02


def test_viscosity_lot_thickens_the_mixers_batch_only() -> None:
    line = LinePlant(seed=2)
    drives = line.reference_drives()
    before = line.truth()
    line.event("viscosity_lot", mw_factor=1.05)
    for _ in range(40):
        line.step(10.0, {**drives, "coater.pump_speed_cmd": 0.0})
    after = line.truth()
    rise = after["mixer.viscosity_25c_true"] / before["mixer.viscosity_25c_true"]
    assert rise == pytest.approx(1.19, abs=0.015)
    assert after["line.feed_viscosity_25c_true"] == before["line.feed_viscosity_25c_true"]


def test_coater_events_reach_the_coater() -> None:
    line = LinePlant({"coater.gauge.standardise_every": 0.0}, seed=2)
    drives = line.reference_drives()
    line.step(1.0, drives)
    line.event("gauge_outage", duration_s=60.0)
    line.step(1.0, drives)
    assert line.sensors()["coater.gauge_valid"] is False
    line.event("splice")


def test_set_is_routed_by_path() -> None:
    line = LinePlant(seed=2)
    line.event("set", path="mixer.torque.bias", value=10.0)
    line.event("set", path="coater.pump.slip", value=4e-12)
    line.event("set", path="line.tank.low", value=20.0)
    assert line.mixer.parameters["mixer.torque.bias"] == 10.0
    assert line.coater.parameters["coater.pump.slip"] == 4e-12
    assert line.parameters["line"]["line.tank.low"] == 20.0


def test_an_unknown_event_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="batch_change"):
        LinePlant(start="cold").event("earthquake")


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("mixer.torque.biass", "Did you mean mixer.torque.bias"),
        ("coater.pump.slipp", "Did you mean coater.pump.slip"),
        ("mixing.viscosity.reference", "control model"),
        ("zzz", "coater., mixer. or line."),
    ],
)
def test_an_unknown_path_is_refused_with_a_hint(path: str, hint: str) -> None:
    with pytest.raises(UnknownParameterError) as refused:
        LinePlant({path: 1.0})
    assert path in str(refused.value)
    assert hint in str(refused.value)


def test_overrides_reach_their_tables_and_every_row_can_be_listed() -> None:
    line = LinePlant({"mixer.lot.mw_ratio": 1.02, "coater.web.width": 0.5}, start="cold")
    assert line.mixer.parameters["mixer.lot.mw_ratio"] == 1.02
    assert line.coater.parameters["coater.web.width"] == 0.5
    rows = all_parameters()
    assert len({row.path for row in rows}) == len(rows) > 150
    assert {table_of(row.path) for row in rows} == {"coater", "mixer", "line"}


def test_tank_blending_conserves_solids_and_keeps_the_number() -> None:
    fresh = FeedTank(100.0, REFERENCE_FEED)
    other = blended(REFERENCE_FEED, REFERENCE_FEED, 0.5)
    assert other == REFERENCE_FEED
    thin = LinePlant(start="cold").tanks.active.feed
    fresh.receive(300.0, thin)
    assert fresh.mass_kg == 400.0
    expected = (100.0 * REFERENCE_FEED.solids + 300.0 * thin.solids) / 400.0
    assert fresh.feed.solids == pytest.approx(expected, rel=1e-12)
    assert fresh.draw(1e6) == 400.0
    assert fresh.draw(1.0) == 0.0


def test_change_over_swaps_the_tanks() -> None:
    tanks = FeedTanks(100.0, REFERENCE_FEED)
    tanks.standby.receive(50.0, REFERENCE_FEED)
    tanks.change_over()
    assert tanks.active.mass_kg == 50.0
    assert tanks.standby.mass_kg == 0.0


def test_the_plant_of_recipe_b_dries_nothing_off() -> None:
    line = LinePlant(RECIPES["B"], seed=2)
    drives = line.reference_drives()
    for _ in range(60):
        line.step(1.0, drives)
    truth = line.truth()
    assert truth["line.feed_solids_true"] == 1.0
    assert truth["coater.solids_at_die"] == pytest.approx(1.0, abs=1e-6)
    assert truth["mixer.viscosity_25c_true"] == pytest.approx(60.0 * 1.11, rel=0.05)
    assert truth["mixer.gel_age_true"] > 60.0


def test_a_hot_room_warms_the_feed() -> None:
    warm = LinePlant({"mixer.ambient.hot_day": 10.0}, seed=2, start="cold")
    usual = LinePlant(seed=2, start="cold")
    for _ in range(90):
        warm.step(20.0, {})
        usual.step(20.0, {})
    rise = warm.truth()["line.feed_temp_true"] - usual.truth()["line.feed_temp_true"]
    assert rise == pytest.approx(1.5 * 0.393, abs=0.05)


def test_a_hot_day_warms_rooms_and_oven_and_open_tanks_lose_solvent() -> None:
    open_lids = {**CALM, "line.tank.evaporation": 1.0e-3}
    line, hot = LinePlant(open_lids, seed=2), LinePlant(open_lids, seed=2)
    hot.event("hot_day", kelvin=10.0)
    start = line.truth()["line.feed_solids_true"]
    solids_kg = line.tanks.active.mass_kg * start
    for plant in (line, hot):
        for _ in range(600):
            plant.step(1.0, {})
    assert hot.sensors()["mixer.ambient_temp"] - line.sensors()["mixer.ambient_temp"] == (
        pytest.approx(10.0, abs=0.1)
    )
    usual, warm = line.truth(), hot.truth()
    assert start < usual["line.feed_solids_true"] < warm["line.feed_solids_true"]
    assert usual["line.feed_viscosity_25c_true"] > 6.0
    kept_kg = line.tanks.active.mass_kg * usual["line.feed_solids_true"]
    assert kept_kg == pytest.approx(solids_kg, rel=1e-9), "only solvent leaves"


def test_a_clogged_filter_makes_the_pump_slip_and_a_fresh_one_brings_air() -> None:
    line = LinePlant({**CALM, "coater.filter.clogging": 2000.0}, seed=2)
    drives = line.reference_drives()
    before = line.truth()
    for _ in range(300):
        line.step(1.0, drives)
    clogged = line.truth()
    assert clogged["coater.pump_pressure"] > 1.3 * before["coater.pump_pressure"]
    assert clogged["coater.pump_slip"] > 1.3 * before["coater.pump_slip"]
    air = line.parameters["coater"]["coater.hose.trapped_air"]
    line.event("filter_change", air_m3=5.0e-5)
    for _ in range(10):
        line.step(1.0, drives)
    assert line.truth()["coater.pump_pressure"] < 0.9 * clogged["coater.pump_pressure"]
    assert line.parameters["coater"]["coater.hose.trapped_air"] == pytest.approx(air + 5.0e-5)
