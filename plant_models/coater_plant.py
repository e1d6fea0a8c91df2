"""The coater as a plant: what a controller meets, with everything its model leaves out.

Feed valve -> hose -> gear pump, filter, die (or knife) -> web -> five-zone oven -> scanning gauge.
Deterministic for a seed: the same drives give the same readings to the last bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from plant_models.cd_profile import BOLTS, CdProfile
from plant_models.coater_instruments import (
    NOISES,
    STEP_COAT_KG_M2,
    STEP_PUMP_REV_S,
    Instruments,
    quantised,
)
from plant_models.coater_parameters import COATER_PARAMETERS
from plant_models.coating_head import CoatingHead
from plant_models.dryer import ZONES, Oven
from plant_models.feed import REFERENCE_FEED, Feed
from plant_models.feed_hose import FeedHose
from plant_models.feed_state import FeedState
from plant_models.gauge_boxes import BOXES, FIRST, LAST
from plant_models.parameters import Parameters
from plant_models.scanning_gauge import ScanningGauge
from plant_models.web import Web, mean_of_layers, spread_of
from plant_models.web_drive import WebDrive

LONGEST_STEP_S = 0.5
OVEN_STEP_S = 1.0
GAUGE_NOISES = 3
WANDER_NOISES = 5

HEATERS = tuple(f"coater.heater{zone}" for zone in range(1, ZONES + 1))
ZONE_TEMPS = tuple(f"coater.oven_zone{zone}_temp" for zone in range(1, ZONES + 1))
GAUGE_BOXES = tuple(f"coater.gauge_box{number}" for number in range(1, BOXES + 1))

RESTING_KEPT = 4
_RESTING: dict[tuple[Any, ...], dict[str, Any]] = {}
"""States at rest, by numbers, seed and feed: a campaign begins a hundred times on one plant."""

Array = NDArray[np.float64]
Start = Literal["running", "cold"]


def coater_parameters(overrides: Mapping[str, float] | None = None) -> Parameters:
    """The plant's coater parameters with `overrides` (SI) applied."""
    return Parameters(COATER_PARAMETERS, overrides)


class CoaterPlant:
    """The coater. `step` it with drives, read `sensors`, and judge by `truth`."""

    def __init__(
        self,
        parameters: Parameters | None = None,
        seed: int = 0,
        *,
        start: Start = "running",
        feed: Feed = REFERENCE_FEED,
    ) -> None:
        """Build the plant for a seed; 'running' is near reference A at rest, 'cold' stands."""
        p = parameters if parameters is not None else coater_parameters()
        self.parameters = p
        self.time_s = 0.0
        self._rng = np.random.default_rng(seed)
        self._feed = FeedState(feed)
        self._hose = FeedHose(p["coater.feed.plug_volume"], p["coater.feed.cell_volume"], feed)
        self._drive = WebDrive()
        self._web = Web(
            p["coater.gauge.distance"],
            p["coater.web.cell"],
            p["coater.web.width"],
            p["coater.oven.ambient"],
        )
        self._head = CoatingHead(p, CdProfile(p, self._rng), self._rng)
        self._oven = Oven(p, np.zeros(ZONES) + p["coater.oven.ambient"])
        self._gauge = ScanningGauge(p, self._rng)
        self._instruments = Instruments(p, self._rng, feed.temp_k)
        self._oven_wait_s = 0.0
        self._splice_m = 0.0
        self._die_in = False
        self._traverse: dict[str, float | bool | int] = {
            "coater.gauge_scan": 0,
            "coater.gauge_forward": self._gauge.boxes.forward,
            **dict.fromkeys(GAUGE_BOXES, 0.0),
        }
        if start == "running":
            self._be_at_rest(seed, feed)

    # -- driving ---------------------------------------------------------------------------------

    def step(self, dt_s: float, drives: Mapping[str, float], feed: Feed) -> None:
        """Advance the plant by `dt_s` [s, any length] under `drives` (SI) fed with `feed`."""
        steps = max(1, math.ceil(dt_s / LONGEST_STEP_S - 1e-9))
        for _ in range(steps):
            self._advance(dt_s / steps, drives, feed)

    def event(self, kind: str, **details: float) -> None:
        """Let something happen: gauge_outage(duration_s), splice(gap_m), filter_change(air_m3).

        A splice lifts the die before the joint and lowers it behind, `gap_m` of web in all; a fresh
        filter brings the air in its housing into the line.

        Raises:
            ValueError: there is no such event.
        """
        if kind == "gauge_outage":
            self._gauge.interrupt(details.get("duration_s", 60.0))
        elif kind == "splice":
            self._splice_m = details.get("gap_m", self.parameters["coater.web.splice_gap"])
        elif kind == "filter_change":
            self._head.line.filtered_m3 = 0.0
            air = self.parameters["coater.hose.trapped_air"] + details.get("air_m3", 0.0)
            self.set_parameter("coater.hose.trapped_air", air)
        else:
            raise ValueError(
                f"the coater knows no event {kind!r}; it knows gauge_outage, splice, filter_change"
            )

    def set_parameter(self, path: str, value: float) -> None:
        """Change a parameter (SI) while the plant runs; 'at start' rows act on the next plant."""
        self.parameters.set(path, value)

    def reference_drives(
        self,
        coat_kg_m2: float | None = None,
        line_speed_m_s: float | None = None,
    ) -> dict[str, float]:
        """Drives that hold a dry coat weight at the gauge, at the present feed and oven load.

        Coat weight and speed default to the 'coater.reference' rows of the table.
        """
        p = self.parameters
        speed = p["coater.reference.speed"] if line_speed_m_s is None else line_speed_m_s
        wanted = p["coater.reference.coat"] if coat_kg_m2 is None else coat_kg_m2
        feed = self._hose.at_die()
        coat = wanted * (1.0 + p["coater.web.draw"])
        drives = self._head.drives_for(coat, speed, feed)
        drives["coater.line_speed_cmd"] = speed
        drives["coater.die_engaged"] = 1.0
        heaters = self._oven.heaters_for(self._reference_zones_k())
        drives.update(zip(HEATERS, heaters.tolist(), strict=True))
        for bolt in range(1, BOLTS + 1):
            drives[f"coater.bolt{bolt}"] = 0.0
        return drives

    # -- one step --------------------------------------------------------------------------------

    def _be_at_rest(self, seed: int, feed: Feed) -> None:
        """Settle, or be as the last plant of the same numbers and seed was when it had."""
        p = self.parameters
        same = (seed, feed, tuple(p.items()))
        if same in _RESTING:
            rested = _RESTING[same]
            self.__dict__.update(copy.deepcopy(rested, {id(rested["parameters"]): p}))
            return
        self._settle(feed)
        while len(_RESTING) >= RESTING_KEPT:
            del _RESTING[next(iter(_RESTING))]
        _RESTING[same] = copy.deepcopy(self.__dict__)

    def _settle(self, feed: Feed) -> None:
        """Run at the reference with the zones held, so web, oven and gauge are at rest at t = 0."""
        self._drive.smooth_m_s = self.parameters["coater.reference.speed"]
        zones_k = self._reference_zones_k()
        self._oven.air_k[:] = zones_k
        drives = self.reference_drives()
        self._head.start(drives)
        passage_s = (
            self.parameters["coater.gauge.distance"] / self.parameters["coater.reference.speed"]
        )
        self.time_s = -2.0 * passage_s
        while self.time_s < -1e-6:
            self.step(LONGEST_STEP_S, drives, feed)
            self._oven.air_k[:] = zones_k
        self.time_s = 0.0

    def _reference_zones_k(self) -> Array:
        rows = [f"coater.reference.zone{zone}" for zone in range(1, ZONES + 1)]
        return np.array([self.parameters[row] for row in rows])

    def _advance(self, dt_s: float, drives: Mapping[str, float], feed: Feed) -> None:
        p = self.parameters
        noise = self._rng.standard_normal(NOISES + GAUGE_NOISES + WANDER_NOISES).tolist()
        wander = noise[NOISES + GAUGE_NOISES :]
        self.time_s += dt_s
        inlet = self._feed.at_inlet(dt_s, feed, wander, p, drifting=self.time_s > 0.0)
        speed = self._drive.step(dt_s, drives.get("coater.line_speed_cmd", 0.0), wander, p)
        pumped = self._head.line.pumped_m3_s * dt_s
        at_die = self._hose.pump(max(pumped, 0.0), inlet, p["coater.feed.mixed_volume"])
        metres = speed * dt_s
        engaged = drives.get("coater.die_engaged", 0.0) > 0.5 and self._splice_m <= 0.0
        self._die_in = engaged
        self._splice_m = max(0.0, self._splice_m - metres)
        gain = self._feed.flow_gain * (1.0 + p["coater.pump.speed_noise"] * wander[4])
        self._head.coat(dt_s, drives, at_die, gain, self._web, metres, engaged)
        self._oven_wait_s += dt_s
        if self._oven_wait_s >= OVEN_STEP_S - 1e-9:
            heaters = [min(max(drives.get(heater, 0.0), 0.0), 1.0) for heater in HEATERS]
            self._oven.heat(self._oven_wait_s, np.array(heaters))
            self._oven.dry(self._oven_wait_s, self._web)
            self._oven_wait_s = 0.0
        self._gauge.scan(dt_s, self.time_s, self._web, speed, noise[NOISES : NOISES + GAUGE_NOISES])
        self._instruments.step(dt_s, inlet.temp_k, self._exit_residual(), noise[:NOISES])

    def _exit_cell(self) -> int:
        """The last cell whose centre is still in the oven: one outside has begun to cool."""
        p = self.parameters
        exit_m = p["coater.oven.start"] + ZONES * p["coater.oven.zone_length"]
        return self._web.index_at(exit_m - 0.5 * self._web.cell_m)

    def _exit_residual(self) -> float:
        ratio = mean_of_layers(self._web.solvent[self._exit_cell()])
        return ratio / (1.0 + ratio)

    # -- reading ---------------------------------------------------------------------------------

    def sensors(self) -> dict[str, float | bool | int]:
        """What the instruments show now, by tag, SI."""
        show, head, drive, inlet = self._instruments, self._head, self._drive, self._feed.inlet
        readings: dict[str, float | bool | int] = {
            "coater.dry_coat_weight": quantised(self._gauge.value_kg_m2, STEP_COAT_KG_M2),
            "coater.gauge_valid": self._gauge.valid,
            "coater.gauge_position": self._gauge.position_m,
            "coater.gauge_point": quantised(self._gauge.point_kg_m2, STEP_COAT_KG_M2),
            "coater.line_speed": show.speed(drive.speed_m_s),
            "coater.web_length": self._web.length_m,
            "coater.pump_speed": quantised(head.line.speed_rev_s, STEP_PUMP_REV_S),
            "coater.die_pressure": show.pressure(head.pressure_pa(self._hose.at_die())),
            "coater.gap": show.gap(head.gap_shown_m),
            "coater.feed_temp": show.temperature(inlet.temp_k, 2),
            "coater.feed_solids": show.solids(inlet.solids, inlet.temp_k),
            "coater.feed_batch": inlet.batch,
            "coater.residual_solvent": show.residual(),
            "coater.web_temp": show.infrared(float(self._web.temp[self._exit_cell()])),
            "coater.lel": self._oven.lel(),
            "coater.web_tension": drive.tension_n_m,
            "coater.die_in": self._die_in,
        }
        for lane, (tag, air_k) in enumerate(
            zip(ZONE_TEMPS, self._oven.air_k.tolist(), strict=True)
        ):
            readings[tag] = show.temperature(air_k, 3 + lane)
        readings.update(self._last_traverse())
        return readings

    def _last_traverse(self) -> dict[str, float | bool | int]:
        """The last whole traverse as the gauge's computer shows it."""
        boxes = self._gauge.boxes
        if boxes.scans != self._traverse["coater.gauge_scan"]:
            shown = [quantised(box, STEP_COAT_KG_M2) for box in boxes.boxes_kg_m2.tolist()]
            self._traverse = {
                "coater.gauge_scan": boxes.scans,
                "coater.gauge_forward": boxes.forward,
                **dict(zip(GAUGE_BOXES, shown, strict=True)),
            }
        self._traverse["coater.gauge_scan_age"] = self.time_s - boxes.finished_s
        return self._traverse

    def truth(self) -> dict[str, float]:
        """What is really so, for judges and tests; no instrument shows it. SI."""
        p, web, head, die = self.parameters, self._web, self._head, self._hose.at_die()
        at_gauge = self._gauge.coat_at_gauge(web)
        profile = web.profile[web.index_at(p["coater.gauge.distance"])]
        facts = {
            "coater.dry_coat_weight_at_die": head.coat_kg_m2 / (1.0 + p["coater.web.draw"]),
            "coater.dry_coat_weight_at_gauge": at_gauge,
            "coater.gauge_error": self._gauge.error_kg_m2(at_gauge),
            "coater.residual_solvent": self._exit_residual(),
            "coater.web_temp": float(web.temp[self._exit_cell()]),
            "coater.lel": self._oven.lel(),
            "coater.solids_at_inlet": self._feed.inlet.solids,
            "coater.solids_at_die": die.solids,
            "coater.temp_at_die": die.temp_k,
            "coater.viscosity_at_die": head.viscosity_in_gap(die, self._drive.speed_m_s),
            "coater.batch_at_die": float(die.batch),
            "coater.line_speed": self._drive.speed_m_s,
            "coater.pump_flow": head.line.pumped_m3_s,
            "coater.pump_slip": head.line.slip_m3_s,
            "coater.pump_pressure": head.line.pump_pressure_pa,
            "coater.die_flow": head.flow_m3_s,
            "coater.die_pressure": head.pressure_pa(die),
            "coater.gap": head.gap_m,
            "coater.cd_sigma": spread_of(profile),
            "coater.cd_sigma_scanned": spread_of(profile[FIRST : LAST + 1]),
            "coater.solids_laid": head.laid_kg,
            "coater.solids_spilled": head.spilled_kg,
            "coater.solids_on_web": web.solids_on_web_kg(),
            "coater.solids_left": web.left_kg,
            "coater.web_length": web.length_m,
        }
        facts.update(head.window(die, self._drive.speed_m_s))
        return facts
