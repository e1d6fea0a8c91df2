"""The mixer's PLC program: batch sequence, jacket and trim loops, torque limit, remote door.

symbol   meaning                                             unit
T        batch temperature                                   K
eta25    viscosity corrected to 25 C                         Pa s
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hil.plc_lab import LabCorrection
from hil.plc_phases import CONTROLLED, Sequence
from hil.plc_program import (
    Counter,
    Delay,
    Handshake,
    Scan,
    SetpointGuard,
    TripLatch,
    Value,
    VelocityPi,
    Words,
    clamp,
    number,
    truth,
)
from hil.plc_recipes import MixerRecipe
from plant_models.mixer_phases import Phase

RPM, KG_MIN = 1.0 / 60.0, 1.0 / 60.0

# The PLC's own box and pace, commissioned with the machine; wider and quicker than the engine's.
GUARDS: Mapping[str, SetpointGuard] = {
    "mixer.anchor_sp": SetpointGuard(low=5 * RPM, high=60 * RPM, rate_per_s=0.5 * RPM),
    "mixer.jacket_sp": SetpointGuard(low=281.15, high=323.15, rate_per_s=0.1),
    "mixer.solvent_sp": SetpointGuard(low=0.0, high=2.0 * KG_MIN, rate_per_s=0.1 * KG_MIN),
}
ACTIVE: Mapping[str, str] = {tag: f"{tag}_active" for tag in GUARDS}
WATCHDOG_S = 60.0  # three cycles of the engine's mixing loop
TORQUE_LIMIT_N_M, TORQUE_TRIP_N_M = 420.0, 520.0
BATCH_TRIP_K = 313.15
ANCHOR_REST = 30 * RPM
DISPERSER_REV_S = 1200 * RPM
ATMOSPHERE_PA, DEAERATE_PA = 101_325.0, 25_000.0
LAB_EVERY_S = 1800.0

CHARGING = (Phase.CHARGE_SOLVENT, Phase.CHARGE_ADHESIVE, Phase.ADD_ENHANCER, Phase.ADD_API)
WAITS_S: Mapping[Phase, float] = {
    Phase.INERT: 300.0,
    Phase.DISPERSE: 1800.0,
    Phase.HOMOGENISE: 1800.0,
    Phase.DEAERATE: 1800.0,
    Phase.CLEAN: 1200.0,
}

# Jacket loop, lambda-tuned: tau 57 min, lag 5 min, lambda 10 min, gain about 1 (Rivera 1986).
JACKET_GAIN, JACKET_INTEGRAL_S = 3.8, 3420.0
# Trim loop: integrating, -0.07 Pa s per kg of solvent, 10 min of blending and viscometer.
TRIM_GAIN_KG_S_PER_PA_S, TRIM_INTEGRAL_S, TRIM_FADE_S = 0.012, 7200.0, 600.0


class MixerPlc:
    """One scan at a time: `scan` takes sensors, engine words and panel; gives drives and image."""

    name = "mixer"
    watchdog_s = WATCHDOG_S

    def __init__(
        self, recipe: MixerRecipe | None = None, phase: Phase | None = None, batch: int = 0
    ) -> None:
        self.recipe = recipe or MixerRecipe()
        self.active: dict[str, float] = {}
        self.sequence = Sequence(phase, batch)
        self._handshake = Handshake(WATCHDOG_S)
        self._latch = TripLatch()
        self._torque_high, self._hot = Delay(1.0), Delay(5.0)
        self._steady = Delay(1200.0)
        self._counter = Counter(bits=16)
        self._jacket = VelocityPi(JACKET_GAIN, JACKET_INTEGRAL_S)
        self._trim_integral_pa_s = 0.0
        self._trim_head_kg_s = 0.0
        self._lab = LabCorrection()
        self._eta25 = math.nan
        self._torque_cut_rev_s = 0.0
        self._was_tripped = False
        self._mass_at_phase_kg = 0.0
        self._lab_at_phase = 0
        self._lab_due_s = 0.0

    def first_panel(self) -> dict[str, Value]:
        """The operator's panel as it stands at start."""
        words = ("reset", "hold", "restart", "abort", "start_batch", "release", "freeze_heartbeat")
        return {"key_remote": True, **dict.fromkeys(words, False)}

    def scan(self, dt_s: float, field: Words, wire: Words, panel: Words) -> Scan:
        """Run one scan of `dt_s` plant seconds."""
        if not self.active:
            self._wake(field)
        events: list[dict[str, Any]] = []
        self._eta25 = self._lab.scan(dt_s, field, learn=self._in_control)
        tripped = self._interlocks(dt_s, field, panel, events)
        self._sequence(dt_s, field, panel, events, tripped=tripped)
        before = dict(self.active)
        change = self._handshake.scan(
            dt_s,
            request=truth(wire, "mixer.remote_request"),
            heartbeat=int(number(wire, "mixer.engine_heartbeat", 0.0)),
            allowed=truth(panel, "key_remote") and not tripped and self._in_control,
        )
        if change:
            self._jacket.rest()
            self._trim_integral_pa_s = 0.0
            self._trim_head_kg_s = self.active["mixer.solvent_sp"] - self._trim_wish()
        if self._handshake.remote:
            for tag, guard in GUARDS.items():
                self.active[tag] = guard.follow(self.active[tag], number(wire, tag), dt_s)
        else:
            self._local(dt_s, field)
        if number(field, "mixer.solvent_total", 0.0) >= self.recipe.max_solvent_kg:
            self.active["mixer.solvent_sp"] = 0.0  # this PLC's own cap on the batch
        if change:
            events.append({"event": change, "before": before, "after": dict(self.active)})
        drives = self._drive(dt_s, field, tripped=tripped)
        return Scan(drives, self._image(field, panel, tripped=tripped), events)

    @property
    def lab_factor(self) -> float:
        """What the viscometer is multiplied by to read like the laboratory."""
        return self._lab.factor

    @property
    def _in_control(self) -> bool:
        return self.sequence.phase in CONTROLLED and not self.sequence.held

    def _wake(self, field: Words) -> None:
        """Start from what the machine does, not from what a table says."""
        anchor = number(field, "mixer.anchor_speed", 0.0)
        self.active = {
            "mixer.anchor_sp": anchor if anchor > 5 * RPM else ANCHOR_REST,
            "mixer.jacket_sp": number(field, "mixer.jacket_temp", self.recipe.temp_k),
            "mixer.solvent_sp": 0.0,
        }
        self._note_phase(field)

    def _note_phase(self, field: Words) -> None:
        self._mass_at_phase_kg = number(field, "mixer.mass", 0.0)
        self._lab_at_phase = int(number(field, "mixer.lab_number", 0.0))
        self._lab_due_s = 0.0

    def _interlocks(
        self, dt_s: float, field: Words, panel: Words, events: list[dict[str, Any]]
    ) -> bool:
        causes = set()
        if self._torque_high.scan(dt_s, on=number(field, "mixer.torque", 0.0) > TORQUE_TRIP_N_M):
            causes.add("anchor torque above its trip")
        if self._hot.scan(dt_s, on=number(field, "mixer.temp", 0.0) > BATCH_TRIP_K):
            causes.add("batch above 40 degC")
        if truth(panel, "emergency_stop"):
            causes.add("emergency stop")
        tripped = self._latch.scan(causes, reset=truth(panel, "reset"))
        if tripped != self._was_tripped:
            text = "trip: " + ", ".join(sorted(self._latch.causes)) if tripped else "trip reset"
            events.append({"event": text})
        self._was_tripped = tripped
        return tripped

    def _sequence(
        self,
        dt_s: float,
        field: Words,
        panel: Words,
        events: list[dict[str, Any]],
        *,
        tripped: bool,
    ) -> None:
        told = self.sequence.command(panel)
        moved = ""
        if not tripped:
            moved = self.sequence.advance(dt_s, done=self._phase_done(dt_s, field, panel))
        for text in (told, moved):
            if text:
                self._note_phase(field)
                events.append({"event": text})

    def _phase_done(self, dt_s: float, field: Words, panel: Words) -> bool:
        phase, elapsed_s = self.sequence.phase, self.sequence.phase_s
        if phase in CHARGING:
            charged_kg = number(field, "mixer.mass", 0.0) - self._mass_at_phase_kg
            return charged_kg >= self._charges()[phase]
        if phase is Phase.TRIM:
            near = abs(self._eta25 / self.recipe.viscosity_pa_s - 1.0) < 0.10
            warm = abs(number(field, "mixer.temp") - self.recipe.temp_k) < 1.0
            return self._steady.scan(dt_s, on=near and warm)
        self._steady.scan(dt_s, on=False)
        if phase is Phase.SAMPLE_HOLD:
            told = number(field, "mixer.lab_number", 0.0) > self._lab_at_phase
            return told and truth(panel, "release")
        if phase is Phase.TRANSFER:
            return number(field, "mixer.mass", 0.0) < 5.0
        return phase is not None and elapsed_s >= WAITS_S.get(phase, math.inf)

    def _charges(self) -> dict[Phase, float]:
        recipe = self.recipe
        return {
            Phase.CHARGE_SOLVENT: recipe.solvent_kg,
            Phase.CHARGE_ADHESIVE: recipe.adhesive_kg,
            Phase.ADD_ENHANCER: recipe.enhancer_kg,
            Phase.ADD_API: recipe.api_kg,
        }

    def _local(self, dt_s: float, field: Words) -> None:
        """Local loops: jacket on T, one-way solvent on eta25; the anchor keeps its speed."""
        jacket, solvent = GUARDS["mixer.jacket_sp"], GUARDS["mixer.solvent_sp"]
        active = self.active
        temp = number(field, "mixer.temp")
        if temp == temp:
            wanted = active["mixer.jacket_sp"] + self._jacket.move(self.recipe.temp_k - temp, dt_s)
            active["mixer.jacket_sp"] = jacket.follow(active["mixer.jacket_sp"], wanted, dt_s)
        dose = self._trim_dose(dt_s) if self._in_control else 0.0
        active["mixer.solvent_sp"] = solvent.follow(active["mixer.solvent_sp"], dose, dt_s)

    def _trim_dose(self, dt_s: float) -> float:
        """Solvent [kg/s] from a PI that can only thin; positional, or it would dose on the way.

        What the dose was when this loop took over fades out, so that taking over is no bump.
        """
        if self.sequence.phase is Phase.HOMOGENISE or not math.isfinite(self._eta25):
            return 0.0
        error = self._eta25 - self.recipe.viscosity_pa_s
        self._trim_head_kg_s *= math.exp(-dt_s / TRIM_FADE_S)
        dose = self._trim_wish() + self._trim_head_kg_s
        if 0.0 < dose < GUARDS["mixer.solvent_sp"].high or error * dose < 0.0:
            self._trim_integral_pa_s += error * dt_s / TRIM_INTEGRAL_S
        self._trim_integral_pa_s = max(self._trim_integral_pa_s, 0.0)
        return max(dose, 0.0)

    def _trim_wish(self) -> float:
        """What the PI itself would dose [kg/s], before it is cut at zero."""
        error = self._eta25 - self.recipe.viscosity_pa_s
        if not math.isfinite(error):
            return 0.0
        return TRIM_GAIN_KG_S_PER_PA_S * (error + self._trim_integral_pa_s)

    def _drive(self, dt_s: float, field: Words, *, tripped: bool) -> dict[str, float]:
        phase = None if tripped or self.sequence.held else self.sequence.phase
        torque = number(field, "mixer.torque", 0.0)
        cut = (
            self._torque_cut_rev_s + (0.2 * RPM if torque > TORQUE_LIMIT_N_M else -0.1 * RPM) * dt_s
        )
        self._torque_cut_rev_s = clamp(cut, 0.0, 50 * RPM)
        turning = self.sequence.phase not in (None, Phase.INERT, Phase.CLEAN) and not tripped
        solvent = self.active["mixer.solvent_sp"] if phase in CONTROLLED else 0.0
        self._lab_due_s -= dt_s
        sample = phase in (Phase.TRIM, Phase.SAMPLE_HOLD) and self._lab_due_s <= 0.0
        if sample:
            self._lab_due_s = LAB_EVERY_S
        return {
            "mixer.anchor_speed_cmd": self._anchor_speed() if turning else 0.0,
            "mixer.disperser_speed_cmd": DISPERSER_REV_S
            if phase in (Phase.ADD_API, Phase.DISPERSE)
            else 0.0,
            "mixer.jacket_temp_cmd": self.active["mixer.jacket_sp"],
            "mixer.solvent_flow_cmd": solvent,
            "mixer.charge_solvent": 30 * KG_MIN if phase is Phase.CHARGE_SOLVENT else 0.0,
            "mixer.charge_adhesive": 30 * KG_MIN if phase is Phase.CHARGE_ADHESIVE else 0.0,
            "mixer.add_enhancer": 5 * KG_MIN if phase is Phase.ADD_ENHANCER else 0.0,
            "mixer.add_api": 1.5 * KG_MIN if phase is Phase.ADD_API else 0.0,
            "mixer.vacuum": DEAERATE_PA if phase is Phase.DEAERATE else ATMOSPHERE_PA,
            "mixer.transfer_flow": 30 * KG_MIN if phase is Phase.TRANSFER else 0.0,
            "mixer.lab_sample": float(sample),
        }

    def _anchor_speed(self) -> float:
        """The anchor speed really used [rev/s]: the torque limit takes some away when it must."""
        return max(self.active["mixer.anchor_sp"] - self._torque_cut_rev_s, 0.0)

    def _image(self, field: Words, panel: Words, *, tripped: bool) -> dict[str, Value]:
        image = dict(field)
        frozen = truth(panel, "freeze_heartbeat")
        image["mixer.heartbeat"] = self._counter.scan(frozen=frozen)
        image["mixer.running"] = self._in_control and not tripped
        image["mixer.interlocks_ok"] = not tripped
        image["mixer.remote_ready"] = self._handshake.ready
        image["mixer.remote_active"] = self._handshake.remote
        image["mixer.phase"] = int(self.sequence.phase or 0)
        image["mixer.batch"] = self.sequence.batch
        for tag, word in ACTIVE.items():
            image[word] = self.active[tag]
        image["mixer.anchor_sp_active"] = self._anchor_speed()
        return image
