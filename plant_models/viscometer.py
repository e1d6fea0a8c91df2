"""The inline viscometer: a resonator in the vessel wall, at process temperature."""

from __future__ import annotations

from plant_models.mixer_instruments import lagged, quantised, stream
from plant_models.parameters import Parameters

RESOLUTION_PA_S = 0.005


class InlineViscometer:
    """Shows the viscosity at a shear rate of its own, late, noisy and lower as it fouls.

    Commissioning scaled it to show the zero-shear viscosity of the reference mass. It still
    disagrees with the laboratory on purpose: process temperature, a shear rate that sees less of a
    new polymer lot, a film of dried mass on the sensor. Air in the mass makes it noisier.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self._parameters = parameters
        self._random = stream(seed, "viscometer")
        self._followed_pa_s: float | None = None
        self._age_s = 0.0
        self.shown_pa_s = 0.0

    def step(self, dt_s: float, at_sensor_pa_s: float, air: float) -> None:
        """Follow the viscosity at the sensor (its temperature and shear rate) for `dt_s`."""
        p = self._parameters
        before = at_sensor_pa_s if self._followed_pa_s is None else self._followed_pa_s
        self._followed_pa_s = lagged(before, at_sensor_pa_s, p["mixer.viscometer.lag"], dt_s)
        self._age_s += dt_s
        hours = self._age_s / 3600.0
        fouling = p["mixer.viscometer.fouling"] + p["mixer.viscometer.fouling_per_hour"] * hours
        noise = p["mixer.viscometer.noise"] + p["mixer.viscometer.air_noise"] * air**2
        factor = (
            p["mixer.viscometer.calibration"]
            * (1.0 - min(0.9, fouling))
            * (1.0 + noise * self._random.gauss(0.0, 1.0))
        )
        self.shown_pa_s = max(0.0, quantised(self._followed_pa_s * factor, RESOLUTION_PA_S))

    def clean(self) -> None:
        """Take the film off."""
        self._age_s = 0.0
