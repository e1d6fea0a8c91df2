"""A plant of a few lines for testing PLC logic: mass balance, delay by metres, first-order heat."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any


class StandInPlant:
    """Slot mass balance with 25 m of web to the gauge; oven zones and vessel of first order."""

    def __init__(self, *, gain: float = 85.7e-3 / 2.6, noise: float = 0.0) -> None:
        self.gain = gain
        self.time_s = 0.0
        self.gauge_valid = True
        self.solids_factor = 1.0
        self.speed = 10.0 / 60.0
        self.pump = 2.6 * self.speed
        self.web_m = 0.0
        self.gap = 280e-6
        self.zones = [318.15, 333.15, 348.15, 363.15, 368.15]
        self.heaters = [(zone - 293.15) / 150.0 for zone in self.zones]
        self.weight = 85.7e-3
        self._laid: deque[tuple[float, float]] = deque()
        self.pressure = 2e5
        self.temp, self.jacket, self.eta25, self.anchor = 298.15, 298.15, 6.3, 0.5
        self.mass, self.solvent = 500.0, 0.0

    def step(self, dt_s: float, drives: Mapping[str, float]) -> None:
        self.time_s += dt_s
        self.speed = drives["coater.line_speed_cmd"]
        self.pump = drives["coater.pump_speed_cmd"]
        self.gap = drives["coater.gap_cmd"]
        self.pressure = 2e5 + 500.0 * math.sin(
            self.time_s
        )  # a pump's pulse: no real one stands still
        self.web_m += self.speed * dt_s
        if self.speed > 0.0:
            laid = self.gain * self.solids_factor * self.pump / self.speed
            self._laid.append((self.web_m, laid))
        while self._laid and self._laid[0][0] <= self.web_m - 25.0:
            self.weight = self._laid.popleft()[1]
        for i in range(5):
            self.heaters[i] = drives[f"coater.heater{i + 1}"]
            rest = 293.15 + 150.0 * self.heaters[i]
            self.zones[i] += (rest - self.zones[i]) * dt_s / 300.0
        self.anchor = drives["mixer.anchor_speed_cmd"]
        self.jacket += (drives["mixer.jacket_temp_cmd"] - self.jacket) * dt_s / 300.0
        self.temp += (self.jacket - self.temp) * dt_s / 3420.0
        self.solvent += drives["mixer.solvent_flow_cmd"] * dt_s
        self.eta25 -= 0.07 * drives["mixer.solvent_flow_cmd"] * dt_s
        self.mass += drives["mixer.solvent_flow_cmd"] * dt_s

    def sensors(self) -> dict[str, float | int | bool]:
        return {
            "coater.line_speed": self.speed,
            "coater.pump_speed": self.pump,
            "coater.web_length": self.web_m,
            "coater.dry_coat_weight": self.weight,
            "coater.gauge_valid": self.gauge_valid,
            "coater.gap": self.gap,
            "coater.die_pressure": self.pressure,
            "coater.feed_batch": 3,
            **{f"coater.oven_zone{i + 1}_temp": zone for i, zone in enumerate(self.zones)},
            "mixer.temp": self.temp,
            "mixer.jacket_temp": self.jacket,
            "mixer.anchor_speed": self.anchor,
            "mixer.torque": 54.0,
            "mixer.viscosity": self.eta25,
            "mixer.mass": self.mass,
            "mixer.solvent_total": self.solvent,
        }

    def truth(self) -> dict[str, float]:
        return {"coater.dry_coat_weight_at_gauge": self.weight, "mixer.viscosity_25c": self.eta25}

    def event(self, kind: str, **details: Any) -> None:
        if kind == "solids":
            self.solids_factor = details["factor"]
