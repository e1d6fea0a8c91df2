"""What the outward server is given to show: points, units, ages, alarms, users. No wire."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fieldbus.outward.points import UNECE, unit_id
from fieldbus.outward.server import OutwardError, OutwardServer
from fieldbus.pki import Pki
from service.alarms.catalogue import catalogue
from service.alarms.desk import Desk, Kept
from service.alarms.states import Standing
from service.config_load import load_line
from service.outward.model import alarms, points, values
from service.outward.settings import Settings, SettingsError, Users, read_settings, write_settings
from service.page.view import frame, loop_views
from tests.service.outward_world import cycle, outward_sealed
from tests.service.small_line import LOOP
from tests.service.test_outward import CHEAP, PASSWORD

LINE = Path(__file__).parents[2] / "config" / "line.yaml"


@pytest.mark.requirement("SEC-03")
@pytest.mark.parametrize("address", ["opc.tcp://0.0.0.0:4841/x", "opc.tcp://192.0.2.1:4841/x"])
def test_insecure_is_for_loopback_only(tmp_path: Path, address: str) -> None:
    with pytest.raises(OutwardError, match="no loopback address"):
        OutwardServer(address, Pki(tmp_path), lambda *_: True, insecure=True)
    with pytest.raises(SettingsError, match="no loopback address"):
        write_settings(tmp_path, Settings(address, insecure=True))
    write_settings(tmp_path, Settings(address))
    assert read_settings(tmp_path) == Settings(address)
    for bad in ("", "[]", '{"endpoint": "http://x"}', '{"insecure": 1, "other": 2}'):
        (tmp_path / "outward" / "outward.json").write_text(bad, "utf-8")
        with pytest.raises(SettingsError):
            read_settings(tmp_path)


def test_users_are_kept_as_hashes_only_their_process_can_read(tmp_path: Path) -> None:
    users = Users(tmp_path, CHEAP)
    users.set("scada-1", PASSWORD)
    path = tmp_path / "outward" / "users.json"
    assert PASSWORD not in path.read_text("utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert users.is_user("scada-1", PASSWORD)
    assert not users.is_user("scada-1", PASSWORD + "x")
    assert not users.is_user("nobody", "nobody")
    with pytest.raises(SettingsError, match="no user name"):
        users.set("two words", PASSWORD)
    assert users.remove("scada-1")
    assert not users.remove("scada-1")


def test_the_real_line_has_a_unit_for_every_number_and_one_place_for_each_point() -> None:
    sealed = load_line(LINE).sealed
    found = list(points(sealed))
    assert len({point.path for point in found}) == len(found)
    measured = {tag for tag, row in sealed["tags"].items() if row["unit"]}
    for point in found:
        tag = point.path.split("/")[-2]
        if point.kind == "number" and tag in measured:
            assert point.unit is not None, point
            assert point.low is not None, point
    assert {row["unit"] for row in sealed["tags"].values()} <= set(UNECE)


def test_the_codes_are_what_the_specification_says_they_are() -> None:
    assert unit_id("CEL") == 4408652  # OPC 10000-8, 5.6.3.3: the example in the specification
    assert unit_id("C62") == 4404786
    assert all(1 <= len(code) <= 3 for code, _ in UNECE.values())


@pytest.mark.parametrize(
    ("age_s", "speed", "stale"),
    [(0.0, 1.0, False), (23.0, 1.0, False), (25.0, 1.0, True), (2.0, 40.0, False),
     (4.0, 40.0, True)],
)  # fmt: skip
def test_a_value_is_stale_after_three_periods(age_s: float, speed: float, stale: bool) -> None:
    sealed, body = outward_sealed(), cycle()
    view = loop_views(sealed)[LOOP]
    shown = frame(1, body, view, sealed, predict=False)
    now = datetime.fromisoformat(body["utc"]) + timedelta(seconds=age_s)
    found = values(sealed, {LOOP: shown}, now, speed)
    assert {point.path for point in points(sealed)} >= set(found)
    assert all((value.quality == "stale") == stale for value in found.values())
    assert all(v.quality == "stale" for v in values(sealed, {}, now).values())


def test_the_engines_silence_is_an_alarm_of_its_own() -> None:
    (gone,) = alarms({})
    assert gone.active
    assert "does not answer" in gone.text


def test_the_alarms_of_the_engine_are_shown_as_they_stand() -> None:
    """By the engine's own desk and the real line's catalogue, one alarm in each state."""
    known = catalogue(load_line(LINE).sealed)
    latching = next(name for name, alarm in known.items() if alarm.kind.latching)
    plain = [name for name, alarm in known.items() if not alarm.kind.latching]
    desk = Desk(known, {}, 0.0)
    raised, acked, shelved, over = plain[:4]
    for name in (raised, acked, shelved, over, latching):
        desk._kept[name] = Kept(Standing(active=True, acked=False), text="words")
    desk.act("acknowledge", acked, "Kim", "seen", 1.0, "")
    desk.act("shelve", shelved, "Kim", "being mended", 1.0, "", 30.0)
    desk._kept[over] = Kept(Standing(active=False, acked=False))
    desk._kept[latching] = Kept(Standing(active=False, acked=True, latched=True))
    shown = {alarm.id: alarm for alarm in alarms({"alarms": desk.standing()})}
    assert {
        name: (a.active, a.acknowledged, a.hidden, a.standing) for name, a in shown.items()
    } == {
        raised: (True, False, False, True),
        acked: (True, True, False, True),
        shelved: (True, True, True, True),
        over: (False, False, False, True),
        latching: (False, True, False, True),
    }
    assert (shown[acked].who, shown[acked].comment) == ("Kim", "seen")
    assert shown[raised].text == f"{known[raised].title}: words"
    assert {alarm.severity for alarm in shown.values()} <= {300, 500, 700, 900}
