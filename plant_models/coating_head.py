"""The coating head: pump and line, die or knife, gap, and what they lay on the web.

symbol  meaning                               unit
H       gap between die lips (knife) and web  m
t       wet film thickness                    m
Ca      capillary number in the gap           1
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from plant_models.cd_profile import BOLTS, CdProfile
from plant_models.coating_parameters import COMMA, SLOT
from plant_models.coating_window import (
    capillary_number,
    low_flow_limit_in_practice,
    viscous_limits,
)
from plant_models.feed import Feed
from plant_models.knife import Bank, comma_thickness_m, knife_thickness_m
from plant_models.parameters import Parameters
from plant_models.pump_line import PumpLine
from plant_models.rheology import local_power_law
from plant_models.web import LANES, Web

Array = NDArray[np.float64]

BOLT_DRIVES = tuple(f"coater.bolt{bolt}" for bolt in range(1, BOLTS + 1))

CREEP_M = 1.0e-4  # web that moves less than this in a step carries nothing away
RIBS_PER_OUTSIDE = 0.3  # ribbing amplitude per t/H outside the window, an estimate
RIBS = np.cos(math.pi * np.arange(LANES, dtype=np.float64))  # the finest ribs the lanes can show


class CoatingHead:
    """State of everything between the hose and the web."""

    def __init__(self, p: Parameters, profile: CdProfile, rng: np.random.Generator) -> None:
        """A head at rest, its gap at the reference."""
        self._p = p
        self._rng = rng
        self._profile = profile
        self._gap_error = float(rng.standard_normal())
        self._roll_rev = 0.0
        self._lanes: Array = np.ones(LANES)
        self._lanes_age_s = 0.0
        self._bank = Bank()
        self.line = PumpLine()
        self.gap_shown_m = p["coater.reference.gap"]
        self.flow_m3_s = 0.0
        self.film_m = 0.0
        self.coat_kg_m2 = 0.0
        self.laid_kg = 0.0
        self.spilled_kg = 0.0

    @property
    def slot(self) -> bool:
        """Whether the head is pre-metered (a slot die)."""
        return self._p["coater.type"] == SLOT

    @property
    def gap_m(self) -> float:
        """The gap as it really is [m]: its sensor sees neither thermal offset nor runout."""
        p = self._p
        runout = p["coater.gap.runout"] * math.sin(2.0 * math.pi * self._roll_rev)
        return self.gap_shown_m + p["coater.gap.offset"] * self._gap_error + runout

    def pressure_pa(self, feed: Feed) -> float:
        """What the die's pressure transmitter feels; before a knife, the bank's head [Pa]."""
        if self.slot:
            return self.line.die_pressure_pa
        return self._bank.pressure_pa(feed.density_kg_m3, self._p)

    def viscosity_in_gap(self, feed: Feed, speed_m_s: float) -> float:
        """Viscosity [Pa s] at the shear rate v/H between lips and web."""
        return feed.viscosity_pa_s(speed_m_s / self.gap_m)

    # -- one step --------------------------------------------------------------------------------

    def coat(
        self,
        dt_s: float,
        drives: Mapping[str, float],
        feed: Feed,
        flow_gain: float,
        web: Web,
        metres: float,
        engaged: bool,
    ) -> None:
        """Advance `dt_s` while `metres` of web pass; lay the film on them if `engaged`."""
        p = self._p
        self._position_gap(dt_s, drives.get("coater.gap_cmd", self.gap_shown_m))
        self._roll_rev += metres / (math.pi * p["coater.web.roll_diameter"])
        pumped = self.line.step(dt_s, drives.get("coater.pump_speed_cmd", 0.0), feed, flow_gain, p)
        moving = engaged and metres > CREEP_M
        self.flow_m3_s = pumped
        if not self.slot:
            film = self._metered_film_m(feed, metres / dt_s) if moving else 0.0
            self.flow_m3_s = self._bank.meter(dt_s, pumped, film, metres / dt_s, p)
        mass = feed.density_kg_m3 * self.flow_m3_s * dt_s
        solids = mass * feed.solids
        if moving:
            area = p["coater.web.width"] * metres
            self.film_m = self.flow_m3_s * dt_s / area
            self.coat_kg_m2 = solids / area
            self.laid_kg += solids
        else:
            self.film_m = self.coat_kg_m2 = 0.0
            self.spilled_kg += solids
        self._lanes_age_s += dt_s
        laid = (solids, mass - solids) if moving else (0.0, 0.0)
        if web.lay(metres, *laid, self._lanes, feed.temp_k):
            self._lanes = self._next_lanes(drives, feed, metres / dt_s)

    def _position_gap(self, dt_s: float, command_m: float) -> None:
        p = self._p
        error = command_m - self.gap_shown_m
        if abs(error) < p["coater.gap.stiction"]:
            return
        move = (1.0 - math.exp(-dt_s / p["coater.gap.lag"])) * error
        most = p["coater.gap.rate"] * dt_s
        self.gap_shown_m += min(max(move, -most), most)

    def _metered_film_m(self, feed: Feed, speed_m_s: float) -> float:
        p, gap = self._p, self.gap_m
        if p["coater.type"] == COMMA:
            _, n = self._local_law(feed, speed_m_s / gap)
            bank_ratio = self._bank.height_m(p) / p["coater.bank.height"]
            return comma_thickness_m(gap, p["coater.comma.factor"], n, bank_ratio)
        head_pa = self._bank.pressure_pa(feed.density_kg_m3, p)
        mu = self.viscosity_in_gap(feed, speed_m_s)
        return knife_thickness_m(gap, p["coater.knife.land"], head_pa, mu, speed_m_s)

    def _local_law(self, feed: Feed, shear_rate_1_s: float) -> tuple[float, float]:
        return local_power_law(shear_rate_1_s, feed.eta0_pa_s(), feed.lam_s, feed.n)

    def _next_lanes(self, drives: Mapping[str, float], feed: Feed, speed_m_s: float) -> Array:
        """The profile of the next cell: lips, bolts, ribs outside the window, a bubble."""
        p = self._p
        bolts = [drives.get(bolt, 0.0) for bolt in BOLT_DRIVES]
        self._profile.move(self._lanes_age_s, np.array(bolts))
        opening = p["coater.die.slot_height"] if self.slot else self.gap_m
        lanes = self._profile.now(self.slot, opening, self.line.exponent)
        _, ratio, low, high = self._window(feed, speed_m_s)
        outside = max(low - ratio, ratio - high, 0.0)
        if self.slot and outside > 0.0 and self.film_m > 0.0:
            lanes = lanes + RIBS_PER_OUTSIDE * outside * RIBS
        if self._rng.random() < p["coater.die.bubbles"] * self._lanes_age_s:
            lanes[self._rng.integers(LANES)] *= 1.0 - p["coater.die.bubble_depth"]
        self._lanes_age_s = 0.0
        return lanes

    # -- what a judge or a start needs -------------------------------------------------------------

    def window(self, feed: Feed, speed_m_s: float) -> dict[str, float]:
        """The bead in its coating window: Ca, t/H, its two limits, and whether it is inside."""
        Ca, ratio, low, high = self._window(feed, speed_m_s)
        return {
            "coater.capillary_number": Ca,
            "coater.film_to_gap": ratio,
            "coater.film_to_gap_low": low,
            "coater.film_to_gap_high": high,
            "coater.in_window": float(low <= ratio <= high),
        }

    def _window(self, feed: Feed, speed_m_s: float) -> tuple[float, float, float, float]:
        p, gap = self._p, self.gap_m
        mu = feed.viscosity_pa_s(speed_m_s / gap)
        Ca = capillary_number(mu, max(speed_m_s, 1e-4), p["coater.die.surface_tension"])
        low = low_flow_limit_in_practice(Ca)
        _, high = viscous_limits(p["coater.die.lip_upstream"], p["coater.die.lip_downstream"])
        return Ca, self.film_m / gap, low, high

    def drives_for(self, coat_kg_m2: float, speed_m_s: float, feed: Feed) -> dict[str, float]:
        """Pump speed and gap that lay `coat_kg_m2` at `speed_m_s` once everything is at rest."""
        p = self._p
        film = coat_kg_m2 / (feed.density_kg_m3 * feed.solids)
        flow = film * p["coater.web.width"] * speed_m_s
        if self.slot:
            slip = self.line.slip_at(flow, feed, p)
            speed = (flow + slip) / p["coater.pump.displacement"]
            return {"coater.pump_speed_cmd": speed, "coater.gap_cmd": p["coater.reference.gap"]}
        brim = p["coater.bank.height"] * p["coater.bank.depth"] * p["coater.web.width"]
        self._bank.volume_m3 = max(self._bank.volume_m3, 0.98 * brim)
        low, high = 0.5 * film, 4.0 * film
        shown = self.gap_shown_m
        for _ in range(50):
            self.gap_shown_m = 0.5 * (low + high)
            thick = self._metered_film_m(feed, speed_m_s) > film
            low, high = (low, self.gap_shown_m) if thick else (self.gap_shown_m, high)
        gap, self.gap_shown_m = self.gap_shown_m, shown
        surplus = 1.10 * flow / p["coater.pump.displacement"]  # the weir returns what is too much
        return {"coater.pump_speed_cmd": surplus, "coater.gap_cmd": gap}

    def start(self, drives: Mapping[str, float]) -> None:
        """Take the drives as reached: pump turning, line full, gap in place."""
        self.line.speed_rev_s = drives["coater.pump_speed_cmd"]
        self.line.flow_m3_s = self.line.speed_rev_s * self._p["coater.pump.displacement"]
        self.gap_shown_m = drives["coater.gap_cmd"]
