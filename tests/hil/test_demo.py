"""The demo: how fast it may be played, and which of its alarms were asked for."""

from __future__ import annotations

from typing import Any

import pytest

from hil.demo import QUICK, fitting_speed
from hil.demo_alarms import SETTLED_S, alarm_figures, few


def came(at_s: float, name: str = "coating.late", to: str = "UNACK") -> dict[str, Any]:
    return {"kind": "event", "event": "alarm", "at_s": at_s, "alarm": name, "to": to}


def test_what_follows_a_scripted_event_is_asked_for_and_the_rest_is_counted() -> None:
    events = [
        came(610.0), came(700.0), came(600.0 + SETTLED_S, "coating.shed"), came(1000.0, to="RTNUN"),
        came(50.0, "before"), came(5000.0, "after"), {"kind": "request", "at_s": 1500.0},
    ]  # fmt: skip
    found = alarm_figures(events, [600.0, 700.0], 100.0, 3600.0)
    assert found["came"] == 3
    assert found["unasked"] == []
    assert found["quiet_min"] == round((500.0 + 2600.0) / 60.0, 1)
    late = alarm_figures([*events, came(2000.0)], [600.0, 700.0], 100.0, 3600.0)
    assert late["unasked"] == ["coating.late"]


def test_one_by_chance_is_few_and_one_in_ten_minutes_and_chatter_is_not() -> None:
    hour = (0.0, 3600.0)
    assert few(alarm_figures([came(60.0 * k) for k in range(0, 54, 10)], [], *hour))
    assert not few(alarm_figures([came(60.0 * k) for k in range(0, 54, 7)], [], *hour))
    chatter = [came(1000.0 + 20.0 * k) for k in range(3)]
    assert not few(alarm_figures(chatter, [1000.0], *hour))
    assert few(alarm_figures([came(10.0)], [], 0.0, 60.0))


@pytest.mark.parametrize(
    ("load", "processors", "share"),
    [(0.0, 2, 1.0), (2.0, 2, 1.0), (2.1, 2, 0.5), (6.0, 2, 0.5), (6.1, 2, 0.25), (6.1, 8, 1.0)],
)
def test_a_busy_machine_plays_slower(load: float, processors: int, share: float) -> None:
    assert fitting_speed(load, processors) == share * QUICK
