"""The mixer's program in C on the interface of `hil.plc_mixer.MixerPlc`, for the tests of both."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.plc_program import Scan, Value, Words
from hil.plc_recipes import MixerRecipe
from hil.plc_station import Program
from hil.soft_plc import FLAGS, SOURCES
from plant_models.mixer_phases import Phase
from tests.hil.plc.rig import compiler

HERE = Path(__file__).parent
PARTS = (
    "block.c", "mixer.c", "mixer_batch.c", "mixer_lab.c", "mixer_words.c", "messages.c", "show.c",
)  # fmt: skip


def lines_program(folder: Path) -> Path:
    """Compile the program with its line reader into `folder`."""
    binary = folder / "mixer-lines"
    sources = [*(str(SOURCES / name) for name in PARTS), str(HERE / "mixer_lines.c")]
    done = subprocess.run(
        [compiler(), *FLAGS, f"-I{SOURCES}", *sources, "-o", str(binary), "-lm"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return binary


class SoftSequence:
    """Where the batch stands in the C program."""

    phase_s = 0.0
    held = False


class SoftMixer(Program):
    """A child process that scans when it is told; ends when `close` is called."""

    name = "mixer"

    def __init__(self, binary: Path, phase: Phase | None, batch: int) -> None:
        self.recipe = MixerRecipe()
        self.active: dict[str, float] = {}
        self.sequence = SoftSequence()
        self.lab_factor = 1.0
        self._child = subprocess.Popen(
            [str(binary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._tell(
            {"start": {"phase": int(phase or 0), "batch": batch,
                       "viscosity_pa_s": self.recipe.viscosity_pa_s, "temp_k": self.recipe.temp_k}}
        )  # fmt: skip

    def first_panel(self) -> dict[str, Value]:
        """The operator's panel as it stands at start."""
        words = ("reset", "hold", "restart", "abort", "start_batch", "release", "freeze_heartbeat")
        return {"key_remote": True, **dict.fromkeys(words, False)}

    def scan(self, dt_s: float, field: Words, wire: Words, panel: Words) -> Scan:
        """One scan, as the bench's program does it."""
        self._tell({"dt_s": dt_s, "sensors": field, "wire": on_the_wire(wire), "panel": panel})
        assert self._child.stdout is not None
        told = json.loads(self._child.stdout.readline())
        self.active, self.lab_factor = told["active"], told["lab_factor"]
        self.sequence.phase_s, self.sequence.held = told["phase_s"], told["held"]
        return Scan(told["drives"], told["image"], told["events"])

    def close(self) -> None:
        """End the child."""
        self._child.communicate(timeout=20)

    def _tell(self, message: Mapping[str, Any]) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(dict(message)) + "\n")
        self._child.stdin.flush()


def on_the_wire(wire: Words) -> dict[str, Value]:
    """Turn the words of a test from SI into the units of the registers."""
    units = {
        "mixer.anchor_sp": (60.0, 0.0),
        "mixer.jacket_sp": (1.0, -273.15),
        "mixer.solvent_sp": (60.0, 0.0),
    }
    return {
        name: value * units[name][0] + units[name][1] if name in units else value
        for name, value in wire.items()
    }
