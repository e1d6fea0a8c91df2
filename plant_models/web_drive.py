"""The web's drive and its tension: lag, flutter and the pull of an acceleration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from plant_models.parameters import Parameters


@dataclass(slots=True)
class WebDrive:
    """`speed_m_s` is the real web speed with its flutter; tension in N per metre of width."""

    speed_m_s: float = 0.0
    tension_n_m: float = 0.0
    smooth_m_s: float = 0.0
    flutter: float = 0.0

    def step(self, dt_s: float, command_m_s: float, noise: Sequence[float], p: Parameters) -> float:
        """Follow the speed command for `dt_s`; return the web speed [m/s]."""
        before = self.smooth_m_s
        follow = 1.0 - math.exp(-dt_s / p["coater.web.lag"])
        self.smooth_m_s += follow * (max(command_m_s, 0.0) - before)
        if self.smooth_m_s < 1e-6:
            self.smooth_m_s = 0.0
        keep = math.exp(-dt_s / p["coater.web.flutter_time"])
        fresh = math.sqrt(1.0 - keep * keep) * noise[0]
        self.flutter = keep * self.flutter + fresh * p["coater.web.flutter"]
        self.speed_m_s = self.smooth_m_s * (1.0 + self.flutter)
        pull = p["coater.web.tension_per_accel"] * (self.smooth_m_s - before) / dt_s
        goal = p["coater.web.tension"] + pull
        self.tension_n_m += (1.0 - math.exp(-dt_s / p["coater.web.tension_lag"])) * (
            goal - self.tension_n_m
        )
        return self.speed_m_s
