"""The whole line as one plant: mixer -> transfer -> two feed tanks -> coater.

Drives go in, sensors come out, both under the tag names of the line and in SI; `truth()` is for
judges only. Nothing here decides anything: that is the PLCs' work.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from plant_models.coater_parameters import COATER_PARAMETERS
from plant_models.coater_plant import CoaterPlant
from plant_models.feed import Feed
from plant_models.feed_tanks import FeedTanks
from plant_models.line_parameters import LINE_PARAMETERS
from plant_models.mixer_heat import vapour_pressure_pa
from plant_models.mixer_instruments import stream
from plant_models.mixer_mass import REFERENCE_K, cross_time_s, density_kg_m3, viscosity_25c_pa_s
from plant_models.mixer_parameters import MIXER_PARAMETERS, RECIPE_B
from plant_models.mixer_plant import MixerPlant
from plant_models.parameters import Parameter, Parameters, UnknownParameterError

TABLES: Mapping[str, tuple[Parameter, ...]] = {
    "coater": COATER_PARAMETERS,
    "mixer": MIXER_PARAMETERS,
    "line": LINE_PARAMETERS,
}
TABLE_OF: Mapping[str, str] = {row.path: name for name, rows in TABLES.items() for row in rows}
USUAL_ROOM_K = 295.65
RECIPES: Mapping[str, Mapping[str, float]] = {
    "A": {},
    "B": {**RECIPE_B, "coater.drift.solids": 0.0, "line.tank.batch": 240.0},
}
"""Overrides that make the plant the plant of a recipe; A is the default of every table."""
EVENTS = (
    "batch_change(solids_offset, mw_factor)",
    "viscosity_lot(mw_factor)",
    "clean_viscometer()",
    "gauge_outage(duration_s)",
    "splice(gap_m)",
    "filter_change(air_m3)",
    "hot_day(kelvin)",
    "set(path, value)",
)


def vapour_share(molar_heat_j_mol: float, temp_k: float) -> float:
    """Vapour pressure over that at 25 C (Clausius and Clapeyron)."""
    return vapour_pressure_pa(temp_k, 1.0, REFERENCE_K, molar_heat_j_mol)


def all_parameters() -> tuple[Parameter, ...]:
    """Every number of the plant, for the manual and for `--set path=value`."""
    return tuple(row for table in TABLES.values() for row in table)


def table_of(path: str) -> str:
    """Which table ('coater', 'mixer', 'line') a parameter stands in.

    Raises:
        UnknownParameterError: in none of them; the message suggests the nearest name.
    """
    if path in TABLE_OF:
        return TABLE_OF[path]
    near = difflib.get_close_matches(path, TABLE_OF, n=1)
    hint = f" Did you mean {near[0]}?" if near else " Paths begin with coater., mixer. or line."
    if path.startswith(("coating.", "mixing.")):
        hint = " It looks like a number of the control model, which the configuration sets."
    raise UnknownParameterError(f"no parameter of the plant is called {path}.{hint}")


class LinePlant:
    """One plaster line. `overrides` are plant parameters by path (SI).

    `seed` makes every noise and disturbance; equal seeds and drives give equal bits. `start` is
    'running' (coating at speed, a batch late in HOMOGENISE) or 'cold' (web standing, mixer empty).
    """

    def __init__(
        self,
        overrides: Mapping[str, float] | None = None,
        seed: int = 0,
        start: str = "running",
    ) -> None:
        """Build the line.

        Raises:
            UnknownParameterError: an override names a parameter that no part of the line has.
            ValueError: `start` is neither 'running' nor 'cold'.
        """
        by_table: dict[str, dict[str, float]] = {name: {} for name in TABLES}
        for path, value in (overrides or {}).items():
            by_table[table_of(path)][path] = value
        self.parameters = {name: Parameters(TABLES[name], by_table[name]) for name in TABLES}
        self.time_s = 0.0
        self.mixer = MixerPlant(self.parameters["mixer"], seed, start=start)
        self._random = stream(seed, "batches")
        self._batches = 1
        feed = self._fresh_feed(0.0, 1.0)
        self.tanks = FeedTanks(self.parameters["line"]["line.tank.mass"], feed)
        self.coater = CoaterPlant(
            self.parameters["coater"],
            seed,
            start="cold" if start == "cold" else "running",
            feed=feed,
        )

    def step(self, dt_s: float, drives: Mapping[str, float]) -> None:
        """Advance `dt_s` seconds under `drives` (SI, by name)."""
        self.time_s += dt_s
        transferred_kg = self.mixer.step(dt_s, drives)
        if transferred_kg > 0.0:
            self._take_over(transferred_kg)
        self._follow_room(dt_s)
        self._lose_solvent(dt_s)
        self._draw(dt_s, drives)
        self.coater.step(dt_s, drives, self.tanks.active.feed)

    def reference_drives(self) -> dict[str, float]:
        """Drives that hold the whole line near its reference: on target coat, 30 rpm, 25 C."""
        return {
            **self.coater.reference_drives(),
            "mixer.anchor_speed_cmd": 0.5,
            "mixer.jacket_temp_cmd": 298.15,
        }

    def sensors(self) -> dict[str, float | bool | int]:
        """What all instruments show, by tag name, SI."""
        return {
            **self.mixer.sensors(),
            **self.coater.sensors(),
            "line.tank_mass": self.tanks.active.mass_kg,
            "line.standby_mass": self.tanks.standby.mass_kg,
        }

    def truth(self) -> dict[str, float]:
        """What is really so, by name (SI): for judging, never for control."""
        feed = self.tanks.active.feed
        return {
            **self.mixer.truth(),
            **self.coater.truth(),
            "line.feed_solids_true": feed.solids,
            "line.feed_viscosity_25c_true": feed.eta0_ref_pa_s,
            "line.feed_temp_true": feed.temp_k,
            "line.feed_batch_true": float(feed.batch),
            "line.time": self.time_s,
        }

    def event(self, kind: str, **details: float | str | bool) -> None:
        """Let something happen (see EVENTS).

        Raises:
            ValueError: no such event.
        """
        if kind == "set":
            self.set_parameter(str(details["path"]), float(details["value"]))
            return
        numbers = {name: float(value) for name, value in details.items()}
        if kind == "batch_change":
            self._change_batch(numbers.get("solids_offset", 0.0), numbers.get("mw_factor", 1.0))
        elif kind in ("viscosity_lot", "clean_viscometer"):
            self.mixer.event(kind, **numbers)
        elif kind in ("gauge_outage", "splice", "filter_change"):
            self.coater.event(kind, **numbers)
        elif kind == "hot_day":
            self._warm_the_rooms(numbers["kelvin"])
        else:
            raise ValueError(f"the line knows no event {kind!r}; it knows {', '.join(EVENTS)}")

    def set_parameter(self, path: str, value: float) -> None:
        """Change one number of the plant while it runs.

        Raises:
            UnknownParameterError: no part of the line has it.
        """
        table = table_of(path)
        if table == "mixer":
            self.mixer.set_parameter(path, value)
        elif table == "coater":
            self.coater.set_parameter(path, value)
        else:
            self.parameters["line"].set(path, value)

    def _fresh_feed(self, solids_offset: float, mw_factor: float) -> Feed:
        """A batch as labelled, but for its true solids and its polymer lot."""
        p = self.parameters["mixer"]
        solids = p["mixer.viscosity.solids_reference"] + solids_offset
        temp_k = self.parameters["line"]["line.tank.temp"]
        return Feed(
            solids=solids if p["mixer.solvent.dries_off"] > 0.5 else 1.0,
            temp_k=temp_k,
            eta0_ref_pa_s=viscosity_25c_pa_s(p, solids, mw_factor),
            lam_s=cross_time_s(p, mw_factor),
            n=p["mixer.viscosity.cross_exponent"],
            density_kg_m3=density_kg_m3(p, solids, temp_k, 0.0),
            batch=self._batches,
            activation_j_mol=p["mixer.viscosity.activation"],
        )

    def _change_batch(self, solids_offset: float, mw_factor: float) -> None:
        """Turn the coater's feed to a fresh batch from the other mixer."""
        self._batches += 1
        feed = self._fresh_feed(solids_offset, mw_factor)
        self.tanks.standby.mass_kg = 0.0
        self.tanks.standby.receive(self.parameters["line"]["line.tank.batch"], feed)
        self.tanks.change_over()

    def _take_over(self, mass_kg: float) -> None:
        """Let the mixer's transfer run into the standby tank."""
        if self.tanks.standby.mass_kg <= 0.0:
            self._batches += 1
        feed = self.mixer.feed()._replace(batch=self._batches)
        self.tanks.standby.receive(mass_kg, feed)

    def _warm_the_rooms(self, kelvin: float) -> None:
        """Mixing room and coating hall get warmer; tanks, solvent losses and oven follow."""
        mixer, coater = self.parameters["mixer"], self.parameters["coater"]
        mixer.set("mixer.ambient.hot_day", mixer["mixer.ambient.hot_day"] + kelvin)
        coater.set("coater.oven.ambient", coater["coater.oven.ambient"] + kelvin)

    def _lose_solvent(self, dt_s: float) -> None:
        """The feed tanks breathe: solvent leaves with the vapour pressure, solids stay."""
        p, mixer = self.parameters["line"], self.parameters["mixer"]
        if p["line.tank.evaporation"] <= 0.0 or mixer["mixer.solvent.dries_off"] < 0.5:
            return
        for tank in (self.tanks.active, self.tanks.standby):
            warm = vapour_share(mixer["mixer.evaporation.molar_heat"], tank.feed.temp_k)
            tank.evaporate(
                p["line.tank.evaporation"] * warm * dt_s, mixer["mixer.viscosity.solids_exponent"]
            )

    def _follow_room(self, dt_s: float) -> None:
        p = self.parameters["line"]
        room_k = self.mixer.vessel.ambient_k - USUAL_ROOM_K
        wanted_k = p["line.tank.temp"] + p["line.tank.room_share"] * room_k
        per_k = self.parameters["mixer"]["mixer.density.per_kelvin"]
        for tank in (self.tanks.active, self.tanks.standby):
            tank.follow_temperature(wanted_k, p["line.tank.temp_lag"], per_k, dt_s)

    def _draw(self, dt_s: float, drives: Mapping[str, float]) -> None:
        """Take what the pump takes; change over when the tank runs low."""
        p, active = self.parameters["line"], self.tanks.active
        turning = max(0.0, drives.get("coater.pump_speed_cmd", 0.0))
        per_rev_m3 = self.parameters["coater"]["coater.pump.displacement"]
        active.draw(turning * per_rev_m3 * active.feed.density_kg_m3 * dt_s)
        if active.mass_kg > p["line.tank.low"]:
            return
        if self.tanks.standby.mass_kg >= p["line.tank.ready"]:
            self.tanks.change_over()
        else:
            offset = p["line.batch.solids_spread"] * self._random.gauss(0.0, 1.0)
            lot = math.exp(p["line.batch.mw_spread"] * self._random.gauss(0.0, 1.0))
            self._change_batch(offset, lot)
