"""The lip's part of the coater's PLC: bolts with a door of their own."""

from __future__ import annotations

import math

import pytest

from hil.plc_coater import CoaterPlc
from hil.plc_lip import BOLTS, LipPlc
from hil.plc_program import Value

UM = 1e-6
Wire = dict[str, Value]


def asked(beat: int, travel_m: float, *, request: bool = True) -> Wire:
    """What the engine writes."""
    bolts: Wire = {f"lip.bolt{bolt}_sp": travel_m for bolt in BOLTS}
    return {**bolts, "lip.remote_request": request, "lip.engine_heartbeat": beat}


def opened() -> LipPlc:
    """A lip that has gone remote."""
    lip = LipPlc()
    lip.scan(1.0, asked(0, 0.0, request=False), {}, allowed=True)
    for beat in (1, 2):
        lip.scan(1.0, asked(beat, 0.0), {}, allowed=True)
    assert lip.scan(1.0, asked(3, 0.0), {}, allowed=True).image["lip.remote_active"] is True
    return lip


def test_in_remote_the_bolts_follow_at_their_pace_and_stop_at_their_box() -> None:
    lip = opened()
    scan = lip.scan(1.0, asked(4, 500.0 * UM), {}, allowed=True)
    assert scan.drives["coater.bolt1"] == pytest.approx(1.25 * UM)
    for beat in range(5, 105):
        scan = lip.scan(1.0, asked(beat, 500.0 * UM), {}, allowed=True)
    assert scan.drives["coater.bolt12"] == pytest.approx(60.0 * UM)
    assert scan.image["lip.bolt12_sp_active"] == scan.drives["coater.bolt12"]
    scan = lip.scan(1.0, asked(200, math.nan), {}, allowed=True)
    assert scan.drives["coater.bolt12"] == pytest.approx(60.0 * UM)


def test_in_local_the_bolts_stand_or_go_where_the_panel_says() -> None:
    lip = LipPlc()
    scan = lip.scan(8.0, asked(1, 9.0 * UM, request=False), {"bolt3": 4.0 * UM}, allowed=True)
    assert scan.drives["coater.bolt3"] == pytest.approx(4.0 * UM)
    assert scan.drives["coater.bolt4"] == 0.0


def test_a_silent_engine_a_key_and_a_trip_take_the_lip_back_where_it_stands() -> None:
    for silence, allowed in ((25, True), (1, False)):
        lip = opened()
        lip.scan(4.0, asked(4, 3.0 * UM), {}, allowed=True)
        events = []
        for _ in range(silence):
            events += lip.scan(1.0, asked(4, 3.0 * UM), {}, allowed=allowed).events
        assert events[0]["event"].startswith("local")
        assert lip.active["lip.bolt1_sp"] == pytest.approx(3.0 * UM)
        assert events[0]["before"] == events[0]["after"]


def test_the_coat_weight_may_be_remote_without_the_lip() -> None:
    plc = CoaterPlc()
    panel = plc.first_panel()
    field: Wire = {"coater.line_speed": 1.0 / 6.0, "coater.pump_speed": 0.44}
    for beat in range(4):
        wire: Wire = {"coater.remote_request": beat > 1, "coater.engine_heartbeat": beat}
        scan = plc.scan(1.0, field, wire, panel)
    assert scan.image["coater.remote_active"] is True
    assert scan.image["lip.remote_active"] is False
    assert scan.image["lip.remote_ready"] is True
    assert scan.image["lip.bolt1_sp_active"] == 0.0
    assert all(not tag.startswith("lip.") for event in scan.events for tag in event["before"])
