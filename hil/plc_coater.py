"""The coater's PLC program: gearing, line ramp, oven loops, local coat-weight loop, remote door.

symbol     meaning                                             unit
ratio      pump revolutions per metre of web                   rev/m
gap        die-to-web gap setpoint                             m
trim       added to all five oven zone setpoints               K
W          dry coat weight at the gauge                        kg/m2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.plc_lip import LipPlc
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
from hil.plc_recipes import CoaterRecipe

M_MIN = 1.0 / 60.0
ZONES = (1, 2, 3, 4, 5)
ZONE_TEMPS = tuple(f"coater.oven_zone{zone}_temp" for zone in ZONES)
HEATERS = tuple(f"coater.heater{zone}" for zone in ZONES)
SPEED_RAMP_M_S2 = 0.05 * M_MIN

# The PLC's own box and pace, commissioned with the machine; wider and quicker than the engine's.
GUARDS: Mapping[str, SetpointGuard] = {
    "coater.pump_ratio_sp": SetpointGuard(low=1.5, high=4.0, rate_per_s=0.02),
    "coater.gap_sp": SetpointGuard(low=200e-6, high=600e-6, rate_per_s=2e-6),
    "coater.oven_trim_sp": SetpointGuard(low=-12.0, high=12.0, rate_per_s=0.1),
    "coater.line_speed_sp": SetpointGuard(
        low=2.0 * M_MIN, high=16.0 * M_MIN, rate_per_s=SPEED_RAMP_M_S2
    ),
}
ACTIVE: Mapping[str, str] = {tag: f"{tag}_active" for tag in GUARDS}
WATCHDOG_S = 24.0  # three cycles of the engine's coating loop
PUMP_MAX_REV_S = 1.0
SPEED_MAX_M_S = 20.0 * M_MIN
STOP_RAMP_M_S2 = 0.5 * M_MIN  # Cat-1 stop
DIE_IN_M_S, DIE_OUT_M_S = 1.5 * M_MIN, 1.0 * M_MIN
OVEN_READY_K = 8.0  # below setpoint
DIE_PRESSURE_TRIP_PA, OVEN_TRIP_K, LEL_TRIP = 12e5, 273.15 + 115.0, 0.45
TENSION_N_M = 150.0
OVEN_GAIN_PER_K, OVEN_INTEGRAL_S = 0.02, 400.0
HEATERS_AS_COMMISSIONED = (0.45, 0.48, 0.48, 0.48, 0.48)  # at the reference speed and load

# Local coat-weight loop, lambda-tuned for the dead time from die to gauge (lambda = theta):
# Kc K = (tau + theta/2) / (lambda + theta/2), Ti = tau + theta/2 (Rivera, Morari & Skogestad 1986,
# with a first-order Pade approximation of the delay). In metres of web, so it follows the speed.
GAUGE_METRES = 25.0
COAT_TAU_S = 10.0


class CoaterPlc:
    """One scan at a time: `scan` takes sensors, engine words and panel; gives drives and image."""

    name = "coater"
    watchdog_s = WATCHDOG_S

    def __init__(self, recipe: CoaterRecipe | None = None) -> None:
        self.recipe = recipe or CoaterRecipe()
        self.active: dict[str, float] = {}
        self._handshake = Handshake(WATCHDOG_S)
        self._lip = LipPlc()
        self._latch = TripLatch()
        self._pressure_high, self._oven_high = Delay(1.0), Delay(2.0)
        self._web_broken = Delay(0.2)
        self._counter = Counter(bits=32)
        self._coat = VelocityPi(gain=1.0, integral_s=1.0)
        self._ovens = {zone: VelocityPi(OVEN_GAIN_PER_K, OVEN_INTEGRAL_S) for zone in ZONES}
        self._heaters: dict[int, float] = {}
        self._speed_m_s = 0.0
        self._engaged = False
        self._was_tripped = False
        self._coated_m = 0.0

    def first_panel(self) -> dict[str, Value]:
        """The operator's panel as it stands at start."""
        return {
            "key_remote": True,
            "run": True,
            "reset": False,
            "freeze_heartbeat": False,
            "speed_remote": False,
            "line_speed_sp": self.recipe.line_speed_m_s,
        }

    def scan(self, dt_s: float, field: Words, wire: Words, panel: Words) -> Scan:
        """Run one scan of `dt_s` plant seconds."""
        if not self.active:
            self._wake(field)
        events: list[dict[str, Any]] = []
        tripped = self._interlocks(dt_s, field, panel, events)
        before = self._own()
        allowed = truth(panel, "key_remote") and not tripped
        change = self._handshake.scan(
            dt_s,
            request=truth(wire, "coater.remote_request"),
            heartbeat=int(number(wire, "coater.engine_heartbeat", 0.0)),
            allowed=allowed,
        )
        if change:
            self._coat.rest()
        if self._handshake.remote:
            self._follow(dt_s, wire, panel)
        else:
            self._hold_coat_weight(dt_s, field)
        if change:
            events.append({"event": change, "before": before, "after": self._own()})
        lip = self._lip.scan(dt_s, wire, panel, allowed=allowed)
        self.active.update(self._lip.active)
        drives = self._drive(dt_s, field, panel, tripped=tripped) | lip.drives
        image = self._image(field, panel, tripped=tripped) | lip.image
        return Scan(drives, image, events + lip.events)

    def _own(self) -> dict[str, float]:
        """The setpoints in use that are not the lip's."""
        return {tag: self.active[tag] for tag in GUARDS}

    def _wake(self, field: Words) -> None:
        """Start from what the machine does, not from what a table says."""
        speed = number(field, "coater.line_speed", 0.0)
        pump = number(field, "coater.pump_speed", 0.0)
        moving = speed > DIE_OUT_M_S and pump > 0.0
        self.active = {
            "coater.pump_ratio_sp": pump / speed if moving else self.recipe.ratio_rev_m,
            "coater.gap_sp": number(field, "coater.gap", self.recipe.gap_m),
            "coater.oven_trim_sp": 0.0,
            "coater.line_speed_sp": speed if moving else self.recipe.line_speed_m_s,
        }
        self._speed_m_s = speed
        self._engaged = moving
        self._coated_m = 1e6 if moving else 0.0
        warm = HEATERS_AS_COMMISSIONED if moving else (0.0,) * len(ZONES)
        self._heaters = dict(zip(ZONES, warm, strict=True))

    def _interlocks(
        self, dt_s: float, field: Words, panel: Words, events: list[dict[str, Any]]
    ) -> bool:
        pressure = number(field, "coater.die_pressure", 0.0)
        hottest = max(number(field, tag, 0.0) for tag in ZONE_TEMPS)
        causes = set()
        if self._pressure_high.scan(dt_s, on=pressure > DIE_PRESSURE_TRIP_PA):
            causes.add("die pressure above 12 bar")
        if self._oven_high.scan(dt_s, on=hottest > OVEN_TRIP_K):
            causes.add("an oven zone above 115 degC")
        speed = number(field, "coater.line_speed", 0.0)
        slack = number(field, "coater.web_tension", TENSION_N_M) < 0.2 * TENSION_N_M
        if self._web_broken.scan(dt_s, on=slack and speed > DIE_OUT_M_S):
            causes.add("web break: tension below 20 %")
        if number(field, "coater.lel", 0.0) > LEL_TRIP:
            causes.add("oven solvent above 45 % LEL")
        if truth(panel, "emergency_stop"):
            causes.add("emergency stop")
        tripped = self._latch.scan(causes, reset=truth(panel, "reset"))
        if tripped != self._was_tripped:
            text = "trip: " + ", ".join(sorted(self._latch.causes)) if tripped else "trip reset"
            events.append({"event": text})
        self._was_tripped = tripped
        return tripped

    def _follow(self, dt_s: float, wire: Words, panel: Words) -> None:
        for tag, guard in GUARDS.items():
            if tag == "coater.line_speed_sp" and not truth(panel, "speed_remote"):
                continue  # the operator keeps the speed, whatever is written
            self.active[tag] = guard.follow(self.active[tag], number(wire, tag), dt_s)

    def _hold_coat_weight(self, dt_s: float, field: Words) -> None:
        """Local loop: PI on the gauge moves the ratio; gap and trim stay where they are."""
        weight = number(field, "coater.dry_coat_weight")
        speed = number(field, "coater.line_speed", 0.0)
        seen = truth(field, "coater.gauge_valid") and weight == weight
        if not (seen and self._engaged and speed > DIE_OUT_M_S and self._coated_m > GAUGE_METRES):
            self._coat.rest()
            return
        theta_s = GAUGE_METRES / speed
        integral_s = COAT_TAU_S + theta_s / 2.0
        ratio = self.active["coater.pump_ratio_sp"]
        per_error = ratio / self.recipe.coat_weight_kg_m2  # 1 / process gain
        gain = per_error * integral_s / (1.5 * theta_s)
        move = self._coat.move(
            self.recipe.coat_weight_kg_m2 - weight, dt_s, gain=gain, stretch=integral_s
        )
        guard = GUARDS["coater.pump_ratio_sp"]
        self.active["coater.pump_ratio_sp"] = guard.follow(ratio, ratio + move, dt_s)

    def _drive(self, dt_s: float, field: Words, panel: Words, *, tripped: bool) -> dict[str, float]:
        run = truth(panel, "run") and not tripped
        from_engine = self._handshake.remote and truth(panel, "speed_remote")
        if not from_engine:
            self.active["coater.line_speed_sp"] = number(panel, "line_speed_sp", 0.0)
        asked = self.active["coater.line_speed_sp"]
        wanted = clamp(asked, 0.0, SPEED_MAX_M_S) if run else 0.0
        pace = (SPEED_RAMP_M_S2 if run else STOP_RAMP_M_S2) * dt_s
        self._speed_m_s += clamp(wanted - self._speed_m_s, -pace, pace)
        speed = number(field, "coater.line_speed", self._speed_m_s)
        self._engaged = run and (
            speed > DIE_OUT_M_S if self._engaged else speed > DIE_IN_M_S and self._oven_ready(field)
        )
        self._coated_m = self._coated_m + speed * dt_s if self._engaged else 0.0
        ratio = self.active["coater.pump_ratio_sp"]
        pump = clamp(ratio * speed, 0.0, PUMP_MAX_REV_S) if self._engaged else 0.0
        drives = {
            "coater.pump_speed_cmd": pump,
            "coater.line_speed_cmd": self._speed_m_s,
            "coater.gap_cmd": self.active["coater.gap_sp"],
            "coater.die_engaged": float(self._engaged),
        }
        for zone, heater in zip(ZONES, HEATERS, strict=True):
            drives[heater] = self._heat(zone, dt_s, field) if run else 0.0
        return drives

    def _oven_ready(self, field: Words) -> bool:
        return all(
            number(field, tag, 0.0) > setpoint - OVEN_READY_K
            for tag, setpoint in zip(ZONE_TEMPS, self.recipe.zones_k, strict=True)
        )

    def _heat(self, zone: int, dt_s: float, field: Words) -> float:
        setpoint = self.recipe.zones_k[zone - 1] + self.active["coater.oven_trim_sp"]
        temp = number(field, ZONE_TEMPS[zone - 1])
        if temp == temp:
            move = self._ovens[zone].move(setpoint - temp, dt_s)
            self._heaters[zone] = clamp(self._heaters[zone] + move, 0.0, 1.0)
        return self._heaters[zone]

    def _image(self, field: Words, panel: Words, *, tripped: bool) -> dict[str, Value]:
        image = dict(field)
        speed = number(field, "coater.line_speed", 0.0)
        frozen = truth(panel, "freeze_heartbeat")
        image["coater.heartbeat"] = self._counter.scan(frozen=frozen)
        image["coater.running"] = self._engaged and speed > DIE_OUT_M_S
        image["coater.interlocks_ok"] = not tripped
        image["coater.remote_ready"] = self._handshake.ready
        image["coater.remote_active"] = self._handshake.remote
        for tag, word in ACTIVE.items():
            image[word] = self.active[tag]
        return image
