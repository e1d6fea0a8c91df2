"""The mixer as a plant: a vessel with everything the control model lacks, and its instruments.

Step it with drives in SI, read `sensors()` as the control room does and `truth()` as nobody can.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from plant_models.feed import Feed
from plant_models.mixer_mass import cross_time_s
from plant_models.mixer_panel import MixerPanel
from plant_models.mixer_vessel import LONGEST_STEP_S, MixerVessel
from plant_models.parameters import Parameters

PAST_SAMPLE_S = 1500.0


class MixerPlant:
    """One mixer. `start`: 'running' (a batch late in HOMOGENISE) or 'cold' (empty, inerted).

    Drives, all optional and zero (or left as they are) when absent: mixer.anchor_speed_cmd and
    mixer.disperser_speed_cmd [rev/s], mixer.jacket_temp_cmd [K], mixer.solvent_flow_cmd,
    mixer.charge_solvent, mixer.charge_adhesive, mixer.add_enhancer, mixer.add_api and
    mixer.transfer_flow [kg/s], mixer.vacuum [Pa absolute], mixer.lab_sample [0/1, rising edge].
    """

    def __init__(self, parameters: Parameters, seed: int, start: str = "running") -> None:
        """Build the mixer in its start state.

        Raises:
            ValueError: `start` is neither 'running' nor 'cold'.
        """
        if start not in ("running", "cold"):
            raise ValueError(f"a mixer starts 'running' or 'cold', not {start!r}")
        self.parameters = parameters
        self.vessel = MixerVessel(parameters, seed)
        if start == "running":
            self.vessel.fill()
        self.panel = MixerPanel(parameters, seed, self.vessel)
        if start == "running":
            self.panel.show_a_past_sample(self.vessel, PAST_SAMPLE_S)

    def step(self, dt_s: float, drives: Mapping[str, float]) -> float:
        """Advance `dt_s` seconds; returns what left through the transfer valve [kg]."""
        parts = max(1, math.ceil(dt_s / LONGEST_STEP_S - 1e-9))
        left_kg = sum(self.vessel.advance(dt_s / parts, drives) for _ in range(parts))
        asked = drives.get("mixer.lab_sample", 0.0) > 0.5
        self.panel.step(dt_s, self.vessel, lab_asked=asked)
        return left_kg

    def sensors(self) -> dict[str, float | bool | int]:
        """What the instruments show, by tag name, SI."""
        return {**self.panel.shown()}

    def truth(self) -> dict[str, float]:
        """What is really so; nobody in the plant can read this. Keys end in `_true`."""
        v = self.vessel
        return {
            "mixer.viscosity_25c_true": v.eta25_pa_s,
            "mixer.solids_true": v.content.solids,
            "mixer.dissolved_true": v.content.dissolved,
            "mixer.temp_true": v.temp_k,
            "mixer.mass_true": v.content.mass_kg,
            "mixer.solids_mass_true": v.content.solids_kg,
            "mixer.unblended_true": v.content.unblended_kg,
            "mixer.lumps_true": v.content.lumps_kg,
            "mixer.torque_true": v.anchor_torque_n_m,
            "mixer.friction_true": self.panel.friction_n_m(v.anchor_rev_s),
            "mixer.reynolds_true": v.anchor_reynolds,
            "mixer.evaporation_true": v.evaporation_kg_s,
            "mixer.evaporated_true": v.evaporated_kg,
            "mixer.solvent_total_true": v.trimmed_kg,
            "mixer.mw_ratio_true": v.mw_ratio,
            "mixer.air_true": v.air,
            "mixer.gel_conversion_true": v.gelation.conversion,
            "mixer.gel_age_true": v.gelation.age_s,
        }

    def event(self, kind: str, **details: float) -> None:
        """Let something happen: viscosity_lot(mw_factor) or clean_viscometer().

        Raises:
            ValueError: no such event.
        """
        if kind == "viscosity_lot":
            self.vessel.ln_mw_coming += math.log(details["mw_factor"])
        elif kind == "clean_viscometer":
            self.panel.viscometer.clean()
        else:
            raise ValueError(
                f"the mixer knows no event {kind!r}; it knows viscosity_lot and clean_viscometer"
            )

    def set_parameter(self, path: str, value: float) -> None:
        """Change one number while running: a fault, a hot day, another instrument."""
        self.parameters.set(path, value)

    def feed(self) -> Feed:
        """The mass at the outlet, as the coater will meet it."""
        p, vessel = self.parameters, self.vessel
        dries = p["mixer.solvent.dries_off"] > 0.5
        return Feed(
            solids=vessel.content.solids if dries else 1.0,
            temp_k=vessel.temp_k,
            eta0_ref_pa_s=vessel.eta25_pa_s,
            lam_s=cross_time_s(p, vessel.mw_ratio),
            n=p["mixer.viscosity.cross_exponent"],
            density_kg_m3=vessel.density_kg_m3,
            batch=vessel.batch,
            activation_j_mol=p["mixer.viscosity.activation"],
        )
