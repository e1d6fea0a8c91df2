"""Simulated power cuts and kills, in small; the campaigns are verbs of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.disk_diary import Platter, Step
from hil.kill_campaign import KillCampaign, summary
from hil.power_cuts import PowerCuts, cut_power
from hil.wire_evidence import WireEvidence
from hil.writer_kills import kill_writers
from tests.hil.sealed_line import sealed_line


@pytest.mark.requirement("REC-13")
def test_after_a_power_cut_the_file_is_whole_or_refused() -> None:
    """A hundred thousand of them: ./rheostat audit power-cuts."""
    result = cut_power(400, 5, lambda _: None)
    assert result["ok"], result["first_faults"]
    outcomes = result["outcomes"]
    assert outcomes["lawful: whole"] > 100
    assert "lawful: refused" not in outcomes
    assert outcomes["lying: refused"] > 0
    assert outcomes["lying: a shorter prefix"] > 0


def test_a_writer_that_does_not_sync_is_caught(tmp_path: Path) -> None:
    result = PowerCuts(tmp_path, 5, careless=True).run(200, lambda _: None)
    assert result["faults"] > 10, "the campaign can see a loss"


def test_a_platter_keeps_what_was_synced_and_only_that() -> None:
    platter = Platter()
    for step in (
        Step("write", "a", 0, b"one"), Step("sync", "a"), Step("write", "a", 4, b"two"),
        Step("ack", offset=7),
    ):  # fmt: skip
        platter.follow(step)
    assert platter.acknowledged == 7
    assert platter.everything() == {"a": b"one\0two"}

    class Unlucky:
        def choice(self, ways: tuple[str, ...]) -> str:
            return "nothing"

    unlucky: Any = Unlucky()
    assert platter.after_a_cut(unlucky) == {"a": b"one"}


@pytest.mark.slow
@pytest.mark.requirement("SVC-04")
@pytest.mark.requirement("REC-03")
def test_a_killed_engine_loses_nothing_and_writes_nothing_unrecorded(tmp_path: Path) -> None:
    """A thousand kills: ./rheostat audit kills."""
    kills = KillCampaign(tmp_path / "k", seed=2, speed=60.0, longest_s=1.5).run(3, lambda _: None)
    result = summary(kills)
    assert result["ok"], result["faults"]
    assert result["kills"] == 3
    assert result["rows"] > 0


@pytest.mark.requirement("REC-13")
def test_a_killed_writer_keeps_what_it_promised(tmp_path: Path) -> None:
    result = kill_writers(tmp_path / "records.sqlite", 12, 3, lambda _: None)
    assert result["ok"], result["faults"]
    assert result["rows"] >= result["acknowledged"] > 12


def test_a_word_that_no_intent_explains_is_an_orphan() -> None:
    sealed = sealed_line()
    ratio, gap = "coater.pump_ratio_sp", "coater.gap_sp"
    intents = {
        "coating": [
            {"sequence": n, "setpoints": {ratio: 2.5 + n / 100, gap: 2.8e-4}, "remote": True,
             "heartbeat": n}
            for n in (1, 2)
        ]
    }  # fmt: skip

    def orphans(*rows: tuple[str, Any]) -> list[str]:
        log = [{"tag": tag, "value": value} for tag, value in rows]
        return WireEvidence(sealed).orphans([*log, {"event": "local"}], intents)

    frame = [(ratio, 2.51), (gap, 2.8e-4), ("coater.remote_request", True),
             ("coater.engine_sequence", 1), ("coater.engine_heartbeat", 1)]  # fmt: skip
    assert orphans(*frame, (ratio, 2.52)) == [], "a frame that a kill cut off"
    assert orphans((ratio, 2.53)) == [f"{ratio} = 2.53: no intent of this run says so"]
    assert len(orphans(*frame, ("coater.engine_sequence", 3))) == 1
    assert len(orphans(*frame[:3], ("coater.engine_sequence", 2), frame[4])) == 1, "too late"
    assert len(orphans(("coater.nobody", 1.0))) == 1
