"""The C program beside the Python one, scan by scan on one plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.plc_mixer import GUARDS, MixerPlc
from hil.plc_program import Value
from plant_models.line_plant import LinePlant
from plant_models.mixer_phases import Phase
from tests.hil.plc.soft_mixer import SoftMixer, lines_program

SCANS = 2400
WIRE: dict[str, Value] = {
    "mixer.anchor_sp": 40.0 / 60.0, "mixer.jacket_sp": 293.15, "mixer.solvent_sp": 0.4 / 60.0,
}  # fmt: skip


def engine(scan: int) -> dict[str, Value]:
    """An engine that asks in scan 600, moves every 20 s, dies in scan 1000 and asks again."""
    dead = 1000 <= scan < 1200
    request = 600 <= scan < 1200 or scan >= 1240
    beat = (1000 if dead else scan) // 20
    return {
        **WIRE,
        "mixer.remote_request": request,
        "mixer.engine_heartbeat": beat,
    }


def people(scan: int) -> dict[str, bool]:
    """The key, the hold button, and an emergency stop with its reset."""
    return {
        "key_remote": not 1500 <= scan < 1510,
        "hold": 1700 <= scan < 1702,
        "restart": 1800 <= scan < 1802,
        "emergency_stop": 1900 <= scan < 1905,
        "reset": 1950 <= scan < 1952,
    }


@pytest.mark.slow
@pytest.mark.requirement("HIL-02")
def test_the_c_program_and_the_python_program_are_one_machine(tmp_path: Path) -> None:
    plant = LinePlant({}, 11, start="running")
    ours = MixerPlc(phase=Phase.TRIM, batch=1)
    theirs = SoftMixer(lines_program(tmp_path), Phase.TRIM, 1)
    tags = [*GUARDS]
    paces = {tag: guard.rate_per_s for tag, guard in GUARDS.items()}
    worst = dict.fromkeys(tags, 0.0)
    heard: tuple[list[str], list[str]] = ([], [])
    for scan in range(SCANS):
        field = dict(plant.sensors())
        one = ours.scan(1.0, field, engine(scan), people(scan))
        other = theirs.scan(1.0, field, engine(scan), people(scan))
        heard[0].extend(_kinds(one.events))
        heard[1].extend(_kinds(other.events))
        for word in ("running", "interlocks_ok", "remote_ready", "remote_active", "phase"):
            a, b = one.image[f"mixer.{word}"], other.image[f"mixer.{word}"]
            if scan not in (1900, 1950):  # a trip and its reset are latched one scan apart
                assert a == b, f"scan {scan}: {word} is {a} in Python, {b} in C"
        for tag in tags:
            worst[tag] = max(worst[tag], abs(ours.active[tag] - theirs.active[tag]) / paces[tag])
        plant.step(1.0, one.drives)
    theirs.close()
    assert heard[0] == heard[1]
    assert [event for event in heard[0] if event in ("remote", "local", "trip")] == [
        "remote", "local", "remote", "local", "trip"
    ]  # fmt: skip
    # The C takes a group one scan after the commit word moved, and is some paces behind then.
    assert max(worst.values()) < 2.5, worst


def _kinds(events: list[dict[str, Any]]) -> list[str]:
    return [str(event["event"]).split(":")[0] for event in events]
