"""Every word on the wire goes with an intent: whole frames, cut frames, frames that come late."""

from __future__ import annotations

from typing import Any

import pytest

from hil.fault_reaction import unlawful_course
from hil.virtual_line import default_sealed
from hil.wire_evidence import WireEvidence

MIXER = ("mixer.anchor_sp", "mixer.jacket_sp", "mixer.solvent_sp")


def intent(number: int, value: float = 0.5) -> dict[str, Any]:
    setpoints = dict(zip(MIXER, (value, 293.15 + value, 0.005), strict=True))
    return {"setpoints": setpoints, "remote": True, "sequence": number, "heartbeat": number + 100}


def words(of: dict[str, Any], **changed: Any) -> list[dict[str, Any]]:
    """Return what a PLC logs of an intent that lands whole."""
    rows = {
        **of["setpoints"],
        "mixer.remote_request": of["remote"],
        "mixer.engine_sequence": of["sequence"],
        "mixer.engine_heartbeat": of["heartbeat"],
    }
    rows |= {f"mixer.{name}": value for name, value in changed.items()}
    return [{"tag": tag, "value": value} for tag, value in rows.items()]


def orphans(log: list[dict[str, Any]], *intents: dict[str, Any]) -> list[str]:
    found = WireEvidence(default_sealed()).orphans(log, {"mixing": list(intents)})
    return [text.partition(" ")[0] for text in found]


ONE, TWO, THREE = intent(1), intent(2, 0.51), intent(3, 0.52)


def test_whole_frames_in_their_order_are_explained() -> None:
    assert orphans([*words(ONE), *words(TWO), *words(THREE)], ONE, TWO, THREE) == []
    assert orphans([*words(ONE), *words(THREE)], ONE, TWO, THREE) == [], "one never left"


@pytest.mark.parametrize("kept", range(6))
def test_a_frame_that_is_cut_off_is_explained_by_its_intent(kept: int) -> None:
    assert orphans([*words(ONE), *words(TWO)[:kept]], ONE, TWO) == []


def test_an_old_frame_that_comes_late_is_explained_whole() -> None:
    assert orphans([*words(ONE), *words(TWO), *words(ONE)], ONE, TWO) == []
    late = [*words(ONE), *words(TWO), *words(ONE, anchor_sp=0.51)]
    assert orphans(late, ONE, intent(2, 0.53)) != []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"anchor_sp": 0.6}, ["mixer.anchor_sp"]),
        ({"remote_request": False}, ["mixer.remote_request"]),
        ({"engine_heartbeat": 7}, ["mixer.engine_heartbeat"]),
    ],
)
def test_a_word_nobody_meant_is_an_orphan(changed: dict[str, Any], found: list[str]) -> None:
    assert orphans([*words(ONE), *words(TWO, **changed)], ONE, TWO) == found


def test_a_frame_with_an_unknown_number_is_an_orphan_and_the_one_before_is_not() -> None:
    assert orphans([*words(ONE), *words(TWO)], ONE) == [
        *MIXER[:2], "mixer.engine_sequence", "mixer.engine_heartbeat",
    ]  # fmt: skip


def test_a_plc_may_log_the_words_of_one_write_in_any_order() -> None:
    log = [*sorted(words(ONE), key=lambda row: row["tag"]), *reversed(words(TWO)), *words(THREE)]
    assert orphans(log, ONE, TWO, THREE) == []


def test_a_word_of_a_loop_without_intents_is_an_orphan() -> None:
    row = {"tag": "coater.engine_sequence", "value": 1}
    assert orphans([{"event": "trip"}, *words(ONE), row], ONE) == ["coater.engine_sequence"]


def test_a_trip_ends_by_a_reset_that_is_recorded_even_if_its_cycle_is_not() -> None:
    def cycle(mode: str) -> tuple[str, str, dict[str, Any]]:
        return "cycle", "coating", {"mode": mode, "sequence": 1, "request": {"reset": False}}

    reset = ("request", "coating", {"reset": True})
    tripped = [("start", "", {"loops": {"coating": "OFF"}}), cycle("SHADOW"), cycle("TRIPPED")]
    assert "without a reset" in unlawful_course([*tripped, cycle("OFF")])
    assert unlawful_course([*tripped, reset, cycle("OFF")]) == ""
    again = [*tripped, reset, cycle("TRIPPED"), cycle("OFF")]
    assert "without a reset" in unlawful_course(again)
