"""From the gear pump through filter and hose to the slot: flow, slip, pressure, compliance.

C dP/dt = Q_pump - Q_die(P), written for Q_die and advanced exactly over a step, so a stiff line
(0.1 s) and one with trapped air (some seconds) are both stable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from plant_models.feed import Feed
from plant_models.parameters import Parameters
from plant_models.slot_die import (
    compliance_m3_pa,
    cross_pressure_pa,
    newtonian_wall_shear_1_s,
    pipe_pressure_pa,
    slip_m3_s,
)

LEAST_FLOW_M3_S = 2.0e-7  # keeps d ln P / d ln Q finite when the pump stands
STANDING_M3_S = 1.0e-12
FULL_TURN = 2.0 * math.pi


def _mean_sine(start: float, end: float) -> float:
    """Mean of sin over the angle from `start` to `end`."""
    swept = end - start
    if swept < 1e-6:
        return math.sin(start)
    return (math.cos(start) - math.cos(end)) / swept


@dataclass(slots=True)
class PumpLine:
    """State of the pump and the line; `flow_m3_s` is what leaves the die.

    `exponent` is the local power-law exponent d ln P / d ln Q in the slot.
    """

    speed_rev_s: float = 0.0
    angle_rev: float = 0.0
    flow_m3_s: float = 0.0
    pumped_m3_s: float = 0.0
    slip_m3_s: float = 0.0
    die_pressure_pa: float = 0.0
    pump_pressure_pa: float = 0.0
    filtered_m3: float = 0.0
    exponent: float = 1.0

    def slip_at(self, flow: float, feed: Feed, p: Parameters) -> float:
        """Slip [m3/s] of the pump while `flow` [m3/s] leaves the die at rest."""
        pressure = self._die_pressure(flow, feed, p)[0] + self._line_pressure(flow, feed, p)
        return self._slip(pressure, feed, p)

    def step(
        self, dt_s: float, command_rev_s: float, feed: Feed, flow_gain: float, p: Parameters
    ) -> float:
        """Advance `dt_s`; `flow_gain` is the pump's slow loss or gain. Returns the die flow."""
        follow = 1.0 - math.exp(-dt_s / p["coater.pump.lag"])
        self.speed_rev_s += follow * (max(command_rev_s, 0.0) - self.speed_rev_s)
        slip = self._slip(self.pump_pressure_pa, feed, p)
        geared = p["coater.pump.displacement"] * self.speed_rev_s * flow_gain
        geared *= 1.0 + self._pulsation(dt_s, p)
        self.slip_m3_s = min(slip, geared)
        self.pumped_m3_s = geared - self.slip_m3_s
        self._fill_line(dt_s, feed, p)
        self.filtered_m3 += self.flow_m3_s * dt_s
        return self.flow_m3_s

    def _pulsation(self, dt_s: float, p: Parameters) -> float:
        """Relative flow ripple, averaged over the step (the tooth passes several times in it)."""
        start = self.angle_rev
        end = start + self.speed_rev_s * dt_s
        self.angle_rev = end % 1.0
        teeth = p["coater.pump.teeth"]
        shaft = _mean_sine(FULL_TURN * start, FULL_TURN * end)
        tooth = _mean_sine(FULL_TURN * teeth * start, FULL_TURN * teeth * end)
        return math.sqrt(2.0) * (
            p["coater.pump.shaft_pulsation"] * shaft + p["coater.pump.tooth_pulsation"] * tooth
        )

    def _fill_line(self, dt_s: float, feed: Feed, p: Parameters) -> None:
        """Let the stored volume and the die flow settle towards what the pump delivers."""
        flow = max(self.flow_m3_s, LEAST_FLOW_M3_S)
        pressure, self.exponent = self._die_pressure(flow, feed, p)
        air, rigid = p["coater.hose.trapped_air"], p["coater.hose.compliance"]
        lag = compliance_m3_pa(rigid, air, pressure) * self.exponent * pressure / flow
        self.flow_m3_s += (1.0 - math.exp(-dt_s / lag)) * (self.pumped_m3_s - self.flow_m3_s)
        if self.flow_m3_s < STANDING_M3_S:
            self.flow_m3_s = 0.0
        running = min(1.0, self.flow_m3_s / LEAST_FLOW_M3_S)  # nothing left when the line stands
        self.die_pressure_pa = pressure * running
        self.pump_pressure_pa = running * (pressure + self._line_pressure(flow, feed, p))

    @staticmethod
    def _slip(pressure: float, feed: Feed, p: Parameters) -> float:
        mu = feed.viscosity_pa_s(p["coater.pump.clearance_shear"])
        return slip_m3_s(pressure, mu, p["coater.pump.slip"], p["coater.pump.slip_curvature"])

    @staticmethod
    def _die_pressure(flow: float, feed: Feed, p: Parameters) -> tuple[float, float]:
        """Pressure over the slot [Pa] and its exponent d ln P / d ln Q."""
        return cross_pressure_pa(
            flow / p["coater.web.width"],
            p["coater.die.slot_height"],
            p["coater.die.land"],
            feed.eta0_pa_s(),
            feed.lam_s,
            feed.n,
        )

    def _line_pressure(self, flow: float, feed: Feed, p: Parameters) -> float:
        """Pressure over hose and (clogging) filter [Pa]."""
        hose = pipe_pressure_pa(
            flow,
            p["coater.hose.diameter"],
            p["coater.hose.length"],
            feed.eta0_pa_s(),
            feed.lam_s,
            feed.n,
        )
        shear = newtonian_wall_shear_1_s(flow / p["coater.web.width"], p["coater.die.slot_height"])
        clogged = 1.0 + p["coater.filter.clogging"] * self.filtered_m3
        resistance = p["coater.filter.resistance"] * clogged
        return hose + resistance * flow * feed.viscosity_pa_s(shear)
