"""The line as Prometheus sees it, and the examples that build upon it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service.page.metrics import _Picture

EXAMPLES = Path(__file__).parents[2] / "docs" / "observability"
UTC = "2026-01-01T00:00:08.000Z"


def frame(**changes: Any) -> dict[str, Any]:
    return {
        "loop": "coating", "id": 7, "utc": UTC, "mode": "AUTO", "solve_ms": 12.5,
        "action": "CLAMP", "late": False,
        "cvs": [{"tag": "coater.dry_coat_weight", "value": 85.7, "target": 85.7},
                {"tag": "coater.film_to_gap", "value": None, "target": None}],
        "mvs": [{"tag": "coater.gap_sp", "applied": 280.0}],
    } | changes  # fmt: skip


def told(frames: list[dict[str, Any]], answer: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Return every sample as a scraper reads it: name and label values to value."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Picture(frames, answer))
    text = generate_latest(registry).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_last_cycle_of_each_loop_is_told_and_what_is_not_known_is_left_out() -> None:
    found = told([frame(mode="SHED"), frame(id=8)], {"ok": True, "alarms": []})
    assert found["rheostat_engine_up",] == 1.0
    assert found["rheostat_loop_mode", "coating", "AUTO"] == 1.0
    assert found["rheostat_loop_mode", "coating", "SHED"] == 0.0
    assert found["rheostat_cv", "coating", "coater.dry_coat_weight"] == 85.7
    assert ("rheostat_cv", "coating", "coater.film_to_gap") not in found
    assert found["rheostat_mv", "coating", "coater.gap_sp"] == 280.0
    assert found["rheostat_loop_gate_action", "coating"] == 1.0
    assert found["rheostat_loop_solve_seconds", "coating"] == 0.0125
    assert found["rheostat_loop_last_record", "coating"] == 8.0
    assert found["rheostat_loop_last_cycle_timestamp_seconds", "coating"] == 1767225608.0


def test_a_dead_engine_is_told_with_the_last_that_was_seen() -> None:
    found = told([frame(solve_ms=None, action=None)], {"ok": False, "text": "does not answer"})
    assert found["rheostat_engine_up",] == 0.0
    assert found["rheostat_loop_last_record", "coating"] == 7.0
    assert ("rheostat_loop_gate_action", "coating") not in found
    assert told([], {})["rheostat_engine_up",] == 0.0


def test_alarms_are_counted_while_they_are_in_view() -> None:
    rows = [{"active": True, "state": state, "priority": "high"} for state in
            ("UNACK", "ACKED", "SHELVED")]  # fmt: skip
    found = told([], {"ok": True, "alarms": rows})
    assert found["rheostat_alarms", "high"] == 2.0
    assert found["rheostat_alarms", "critical"] == 0.0


@pytest.mark.parametrize("name", ["alerts.yaml", "grafana.json"])
def test_the_examples_ask_for_nothing_that_is_not_told(name: str) -> None:
    known = {key[0] for key in told([frame()], {"ok": True})}
    text = (EXAMPLES / name).read_text("utf-8")
    if name.endswith(".json"):
        json.loads(text)
    asked = set(re.findall(r"rheostat_[a-z_]+", text))
    assert len(asked) > 4
    assert asked <= known


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian package prometheus) is not installed")
    checked = subprocess.run(
        [promtool, "check", "rules", str(EXAMPLES / "alerts.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
