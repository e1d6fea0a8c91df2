"""Signs of life, the protocol they travel by, and the arithmetic of who is ended when."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config_load import load_line
from service.notify import Notifier, NotifySocket
from service.pulse import Pulse, Sign
from service.restarts import RestartRule, Restarts
from service.stop_note import forget_stops, main, note_stop, stops_path, take_stops
from service.vitals import patience_s, watchdog_s

LINE = Path(__file__).parents[2] / "config" / "line.yaml"


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[NotifySocket]:
    found = NotifySocket(tmp_path / "n.sock")
    yield found
    found.close()
    assert not (tmp_path / "n.sock").exists()


def notifier(listener: NotifySocket, watchdog_s: float = 3.0) -> Notifier:
    usec = str(int(watchdog_s * 1e6))
    return Notifier({"NOTIFY_SOCKET": str(listener.path), "WATCHDOG_USEC": usec})


def test_words_arrive_and_the_latest_wins(listener: NotifySocket) -> None:
    ours = notifier(listener)
    assert ours.watchdog_s == 3.0
    ours.say(READY="1", STATUS="first")
    ours.say(STATUS="second")
    assert listener.hear(os.getpid()) == {"READY": "1", "STATUS": "second"}
    assert listener.hear(os.getpid()) == {}


def test_a_text_cannot_forge_a_sign_of_life(listener: NotifySocket) -> None:
    notifier(listener).say(STATUS="calm\nWATCHDOG=1")
    assert listener.hear(os.getpid()) == {"STATUS": "calm WATCHDOG=1"}


def test_a_stranger_who_knows_the_address_is_not_heard(listener: NotifySocket) -> None:
    program = "from service.notify import Notifier; Notifier().say(WATCHDOG='1')"
    environment = {**os.environ, "NOTIFY_SOCKET": str(listener.path)}
    stranger = subprocess.Popen([sys.executable, "-c", program], env=environment)
    assert stranger.wait(60) == 0
    assert listener.hear(os.getpid()) == {}


def test_nobody_listening_is_no_error(tmp_path: Path) -> None:
    for address in ("", str(tmp_path / "gone.sock"), "@rheostat-nobody"):
        Notifier({"NOTIFY_SOCKET": address}).say(WATCHDOG="1")


def test_one_silent_part_is_enough_to_say_nothing(listener: NotifySocket) -> None:
    counts = {"loop": 0, "recorder": 0}
    pulse = Pulse(
        {
            "loop": Sign(lambda: counts["loop"], 10.0),
            "recorder": Sign(lambda: counts["recorder"], 4.0),
        },
        notifier(listener),
    )

    def look(now_s: float) -> dict[str, str]:
        pulse.look(now_s)
        return listener.hear(os.getpid())

    assert look(0.0) == {"WATCHDOG": "1", "STATUS": "every part is alive"}
    assert look(4.0) == {"WATCHDOG": "1"}
    assert look(4.1) == {"STATUS": "no sign of life from: recorder"}
    counts["loop"] += 1
    assert look(5.0) == {}  # the loop alone does not make up for the recorder
    counts["recorder"] += 1
    assert look(6.0) == {"WATCHDOG": "1", "STATUS": "every part is alive"}
    assert look(15.1) == {"STATUS": "no sign of life from: loop, recorder"}


@pytest.mark.requirement("SVC-01")
def test_a_hung_loop_of_the_real_line_is_ended_within_three_of_its_periods() -> None:
    sealed = load_line(LINE).sealed
    last_words_s = 2.0
    for loop in sealed["loops"].values():
        period = float(loop["period"])
        assert patience_s(period, 1.0) > period  # and a healthy one is never missed
        assert patience_s(period, 1.0) + watchdog_s(sealed) + last_words_s <= 3.0 * period


@given(gaps=st.lists(st.floats(0.0, 400.0), min_size=1, max_size=40))
def test_no_more_starts_than_the_rule_allows_in_any_window(gaps: list[float]) -> None:
    rule = RestartRule(starts=3, within_s=100.0, first_pause_s=1.0, longest_pause_s=8.0)
    restarts, now_s = Restarts(rule), 0.0
    starts: list[float] = []
    for gap in gaps:
        now_s += gap
        pause = restarts.pause_s(now_s)
        recent = [at for at in starts if now_s - at <= rule.within_s]
        assert (pause is None) == (len(recent) >= rule.starts)
        if pause is None:
            continue
        assert rule.first_pause_s <= pause <= rule.longest_pause_s
        now_s += pause
        restarts.started(now_s)
        starts.append(now_s)
    for at in starts:
        assert sum(1 for one in starts if at <= one <= at + rule.within_s) <= rule.starts


def test_the_pause_grows_and_a_long_calm_makes_it_short_again() -> None:
    restarts = Restarts(
        RestartRule(starts=9, within_s=100.0, first_pause_s=1.0, longest_pause_s=5.0)
    )
    pauses = []
    for at_s in range(4):
        restarts.started(float(at_s))
        pauses.append(restarts.pause_s(float(at_s)))
    assert pauses == [1.0, 2.0, 4.0, 5.0]
    assert restarts.pause_s(500.0) == 1.0


def test_a_note_waits_until_it_is_forgotten(tmp_path: Path) -> None:
    assert take_stops(tmp_path) == []
    note_stop(tmp_path, "engine", "watchdog", 'last words: "x\ny"')
    with stops_path(tmp_path).open("a") as notes:
        notes.write("half a li")
    first, second = take_stops(tmp_path)
    assert (first["process"], first["result"]) == ("engine", "watchdog")
    assert first["detail"] == 'last words: "x\ny"'
    assert second["result"] == "unreadable"
    assert len(take_stops(tmp_path)) == 2
    forget_stops(tmp_path)
    assert take_stops(tmp_path) == []


@pytest.mark.parametrize(("result", "notes"), [("success", 0), ("watchdog", 1)])
def test_systemd_leaves_a_note_only_after_a_bad_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: str, notes: int
) -> None:
    monkeypatch.setattr("sys.argv", ["stop_note", "--state", str(tmp_path), "engine"])
    main({"SERVICE_RESULT": result, "EXIT_CODE": "killed", "EXIT_STATUS": "ABRT"})
    assert len(take_stops(tmp_path)) == notes
    assert all(note["detail"] == "killed ABRT" for note in take_stops(tmp_path))


@pytest.mark.requirement("SVC-01")
def test_what_stays_down_under_systemd_is_an_alarm_and_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["stop_note", "--state", str(tmp_path), "--down", "engine"])
    main({"MONITOR_SERVICE_RESULT": "signal", "MONITOR_EXIT_CODE": "killed"})
    detail = "too many starts; the last ended by signal killed"
    said = capsys.readouterr().err
    assert said.startswith(f"<1>rheostat: ALARM: engine stays down: {detail}. Its loops are with")
    (note,) = take_stops(tmp_path)
    assert (note["process"], note["result"]) == ("engine", "start-limit-hit")
    assert note["detail"] == detail
