from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from records.canonical import canonical_json, sha256_of
from safety.rules import loop_rules
from service.config_load import load_line
from service.config_schema import schema_text
from service.limits_change import changes
from tests.config.conftest import CONFIG, Copy


def test_the_projects_own_line_is_in_order() -> None:
    loaded = load_line(CONFIG / "line.yaml")
    assert loaded.sha256 == sha256_of(loaded.sealed)
    assert json.loads(canonical_json(loaded.sealed)) == loaded.sealed


def test_the_sealed_form_is_si() -> None:
    sealed = load_line(CONFIG / "line.yaml").sealed
    assert sealed["recipe"]["targets"]["coater.dry_coat_weight"] == 0.0857
    assert sealed["recipe"]["targets"]["mixer.temp"] == 298.15
    gap = sealed["limits"]["setpoints"]["coater.gap_sp"]
    assert gap["operating"] == [2.4e-4, 3.4e-4]
    assert gap["rate"] == 1e-6
    trim = sealed["limits"]["setpoints"]["coater.oven_trim_sp"]
    assert trim["operating"] == [-8.0, 8.0]
    jacket = sealed["limits"]["setpoints"]["mixer.jacket_sp"]
    assert jacket["equipment"] == [278.15, 338.15]
    assert jacket["rate"] == 0.05
    temp = sealed["tags"]["mixer.temp"]
    assert (temp["gain"], temp["offset"], temp["low"], temp["unit"]) == (
        1.0,
        273.15,
        273.15,
        "degC",
    )
    assert sealed["tags"]["mixer.anchor_sp"]["max_age"] is None
    assert (
        sealed["loops"]["coating"]["controller"]["cvs"]["coater.dry_coat_weight"]["target"]
        == "recipe"
    )


@pytest.mark.parametrize("loop", ["coating", "mixing"])
def test_the_gate_accepts_what_the_door_lets_through(loop: str) -> None:
    rules = loop_rules(load_line(CONFIG / "line.yaml").sealed, loop)
    assert rules.critical


def test_a_scaled_register_reads_in_si(copy: Copy) -> None:
    copy.replace(
        "tags.yaml",
        "register: 24, type: float32, unit: degC",
        "register: 24, type: int16, gain: 0.1, offset: -40, unit: degC",
    )
    row = load_line(copy.line).sealed["tags"]["mixer.ambient_temp"]
    assert 652 * row["gain"] + row["offset"] == pytest.approx(25.2 + 273.15)


def test_the_hash_tells_values_apart_and_not_spellings(copy: Copy) -> None:
    first = load_line(copy.line).sha256
    copy.replace(
        "limits.yaml", "operating: [240 um, 340 um]", "operating: [0.24 mm, 340 um] # same"
    )
    assert load_line(copy.line).sha256 == first
    copy.replace("limits.yaml", "[0.24 mm, 340 um]", "[0.24 mm, 341 um]")
    assert load_line(copy.line).sha256 != first


def test_controller_settings_are_sealed_in_si(copy: Copy) -> None:
    copy.replace(
        "line.yaml",
        "      horizon: 20",
        "      horizon: 20\n      model: { coating.pump.lag: 0.05 min }\n"
        "      solver: do-mpc\n      pi: { lag: 3 }",
    )
    controller = load_line(copy.line).sealed["loops"]["coating"]["controller"]
    assert (controller["model"], controller["pi"]) == ({"coating.pump.lag": 3.0}, {"lag": 3.0})
    assert controller["solver"] == "do-mpc"


@pytest.mark.requirement("GMP-12")
def test_no_environment_variable_changes_what_is_sealed() -> None:
    script = "from pathlib import Path; from service.config_load import load_line; " + (
        f"print(load_line(Path({str(CONFIG / 'line.yaml')!r})).sha256)"
    )
    hostile = {
        **os.environ, "LIMITS": "{}", "RHEOSTAT_LIMITS": "other.yaml", "SETPOINTS": "{}",
        "RHEOSTAT_LIMITS__SETPOINTS__COATER__GAP_SP__OPERATING": "[0 um, 9999 um]",
        "LC_ALL": "C", "TZ": "Asia/Seoul", "PYTHONHASHSEED": "3",
    }  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", script], env=hostile, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == load_line(CONFIG / "line.yaml").sha256


def test_the_committed_schema_is_current() -> None:
    committed = (CONFIG / "schema.json").read_text("utf-8")
    assert committed == schema_text(), "run: python -m service.config_schema > config/schema.json"


def test_every_file_names_its_schema() -> None:
    known = json.loads(schema_text())["$defs"]
    for path in CONFIG.rglob("*.yaml"):
        first = path.read_text("utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema="), path
        target, _, pointer = first.partition("=")[2].partition("#")
        assert (path.parent / target).resolve() == CONFIG / "schema.json"
        assert not pointer or pointer.removeprefix("/$defs/") in known


def test_config_is_data_only() -> None:
    assert not list(Path(CONFIG).rglob("*.py"))


@pytest.mark.requirement("REC-09")
def test_how_long_history_is_kept_is_sealed_and_changes_by_signature(copy: Copy) -> None:
    before = load_line(copy.line).sealed
    assert "history" not in before
    rules = "{ days: 3650, shelf_life_days: 1095, after_expiry_days: 365 }"
    kept = f"people: people.yaml\nhistory:\n  store: {{ days: 400 }}\n  archive: {rules}"
    copy.replace("line.yaml", "people: people.yaml", kept)
    after = load_line(copy.line).sealed
    assert after["history"]["store"] == {"days": 400}
    assert after["history"]["archive"]["after_expiry_days"] == 365
    assert {change.ring for change in changes(before, after)} == {"history"}
    copy.replace("line.yaml", "after_expiry_days: 365", "after_expiry_days: 364")
    assert "after_expiry_days" in copy.only_problem().path
