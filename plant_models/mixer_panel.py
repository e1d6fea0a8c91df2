"""The mixer's instruments together: what the control room sees of the vessel."""

from __future__ import annotations

from plant_models.lab import Laboratory
from plant_models.mixer_instruments import SlowDrift, lagged, quantised, stream
from plant_models.mixer_vessel import MixerVessel
from plant_models.parameters import Parameters
from plant_models.viscometer import InlineViscometer

TEMP_STEP_K = 0.01
MASS_STEP_KG = 0.05
TORQUE_STEP_N_M = 0.1
SPEED_STEP_REV_S = 0.01 / 60.0


class MixerPanel:
    """Every instrument of one mixer, each with its own lag, noise and error."""

    def __init__(self, parameters: Parameters, seed: int, vessel: MixerVessel) -> None:
        """Show the vessel as it is now."""
        self._parameters = parameters
        self._thermometer = stream(seed, "thermometer")
        self._scales = stream(seed, "scales")
        self._torque_noise = stream(seed, "torque")
        self._meter = stream(seed, "meter")
        self._friction = SlowDrift(seed, "friction", 7200.0)
        self._well_k = vessel.temp_k
        self._batch = vessel.batch
        self._total_kg = 0.0
        self._shown: dict[str, float | int] = {}
        self.viscometer = InlineViscometer(parameters, seed)
        self.lab = Laboratory(parameters, seed)
        self.step(0.0, vessel, lab_asked=False)

    def step(self, dt_s: float, vessel: MixerVessel, *, lab_asked: bool) -> None:
        """Let every instrument follow the vessel for `dt_s`."""
        p = self._parameters
        if vessel.batch != self._batch:
            self._batch, self._total_kg = vessel.batch, 0.0
        flow = p["mixer.solvent.meter_gain"] * vessel.solvent_kg_s
        self._total_kg += flow * dt_s
        flow_noise = p["mixer.solvent.meter_noise"] * self._meter.gauss(0.0, 1.0)
        at_sensor = vessel.viscosity_pa_s(p["mixer.viscometer.shear_rate"])
        self.viscometer.step(dt_s, 0.0 if vessel.content.empty else at_sensor, vessel.air)
        self.lab.step(vessel.time_s, vessel.eta25_pa_s, lab_asked, not vessel.content.empty)
        self._shown = {
            "mixer.batch": vessel.batch,
            "mixer.mass": self._mass_kg(vessel.content.mass_kg),
            "mixer.temp": self._temp_k(vessel.temp_k, dt_s),
            "mixer.jacket_temp": quantised(vessel.jacket_k, TEMP_STEP_K),
            "mixer.ambient_temp": quantised(vessel.ambient_k, TEMP_STEP_K),
            "mixer.anchor_speed": quantised(vessel.anchor_rev_s, SPEED_STEP_REV_S),
            "mixer.disperser_speed": quantised(vessel.disperser_rev_s, SPEED_STEP_REV_S),
            "mixer.torque": self._torque_n_m(vessel, dt_s),
            "mixer.viscosity": self.viscometer.shown_pa_s,
            "mixer.solvent_flow": max(0.0, flow + (flow_noise if flow > 0.0 else 0.0)),
            "mixer.solvent_total": self._total_kg,
            "mixer.vacuum": vessel.pressure_pa,
            **self._lab(vessel.time_s),
        }

    def shown(self) -> dict[str, float | int]:
        """What the instruments show, by tag name, SI (lab age in seconds)."""
        return dict(self._shown)

    def show_a_past_sample(self, vessel: MixerVessel, taken_s_ago: float) -> None:
        """Begin with a result on the screen, as any mixer found running would have one."""
        self.lab.take(vessel.time_s - taken_s_ago, vessel.eta25_pa_s)
        self.lab.show_next()
        self._shown.update(self._lab(vessel.time_s))

    def friction_n_m(self, anchor_rev_s: float) -> float:
        """Torque [N m] lost in seal and gearbox now."""
        p = self._parameters
        if anchor_rev_s < 1e-3:
            return 0.0
        drift = p["mixer.torque.friction_drift"] * self._friction.value
        turning = p["mixer.torque.friction_per_speed"] * anchor_rev_s
        return max(0.0, p["mixer.torque.friction"] + turning + drift)

    def _mass_kg(self, mass_kg: float) -> float:
        p = self._parameters
        noise = p["mixer.mass.noise"] * self._scales.gauss(0.0, 1.0)
        return max(0.0, quantised(mass_kg + p["mixer.mass.bias"] + noise, MASS_STEP_KG))

    def _temp_k(self, temp_k: float, dt_s: float) -> float:
        p = self._parameters
        self._well_k = lagged(self._well_k, temp_k, p["mixer.temp.lag"], dt_s)
        noise = p["mixer.temp.noise"] * self._thermometer.gauss(0.0, 1.0)
        return quantised(self._well_k + noise, TEMP_STEP_K)

    def _torque_n_m(self, vessel: MixerVessel, dt_s: float) -> float:
        p = self._parameters
        self._friction.step(dt_s)
        full = p["mixer.torque.full_scale"]
        noise = p["mixer.torque.noise"] * full * self._torque_noise.gauss(0.0, 1.0)
        shaft = vessel.anchor_torque_n_m + self.friction_n_m(vessel.anchor_rev_s)
        shown = shaft + p["mixer.torque.bias"] + noise
        return min(1.1 * full, max(0.0, quantised(shown, TORQUE_STEP_N_M)))

    def _lab(self, now_s: float) -> dict[str, float | int]:
        result = self.lab.shown
        if result is None:
            return {"mixer.lab_viscosity": 0.0, "mixer.lab_age": 0.0, "mixer.lab_number": 0}
        return {
            "mixer.lab_viscosity": result.viscosity_25c_pa_s,
            "mixer.lab_age": now_s - result.taken_s,
            "mixer.lab_number": result.number,
        }
