"""What the screen calls things: signals, units, rules of the gate. English here, Korean in locales.

`N_` marks a text for the catalogue without translating it; the browser does that.
"""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Return `text` as it is; Babel finds it by this name."""
    return text


LABELS: Mapping[str, str] = {
    "coater.dry_coat_weight": N_("Dry coat weight"),
    "coater.film_to_gap": N_("Film to gap t/H"),
    "coater.die_pressure": N_("Die pressure"),
    "coater.residual_solvent": N_("Residual solvent"),
    "coater.web_temp": N_("Web temperature"),
    "coater.pump_ratio_sp": N_("Pump ratio"),
    "coater.gap_sp": N_("Coating gap"),
    "coater.oven_trim_sp": N_("Oven trim"),
    "coater.line_speed_sp": N_("Line speed setpoint"),
    "coater.profile_2sigma": N_("Profile, 2 sigma"),
    "coater.line_speed": N_("Line speed"),
    "coater.web_length": N_("Web length"),
    "coater.pump_speed": N_("Pump speed"),
    "coater.gap": N_("Gap, measured"),
    "coater.die_in": N_("Die engaged"),
    "coater.feed_temp": N_("Feed temperature"),
    "coater.feed_solids": N_("Feed solids"),
    "coater.feed_batch": N_("Feed batch"),
    "coater.gauge_scan": N_("Gauge scan"),
    "coater.gauge_scan_age": N_("Age of the gauge scan"),
    **{f"coater.oven_zone{zone}_temp": f"Oven zone {zone}" for zone in range(1, 13)},
    **{f"lip.bolt{number}_sp": f"Bolt {number}" for number in range(1, 401)},
    "mixer.viscosity_25c": N_("Viscosity at 25 °C"),
    "mixer.viscosity": N_("Viscosity, measured"),
    "mixer.temp": N_("Batch temperature"),
    "mixer.torque": N_("Anchor torque"),
    "mixer.anchor_sp": N_("Anchor speed"),
    "mixer.anchor_speed": N_("Anchor speed, measured"),
    "mixer.jacket_sp": N_("Jacket temperature"),
    "mixer.jacket_temp": N_("Jacket temperature, measured"),
    "mixer.solvent_sp": N_("Solvent trim"),
    "mixer.solvent_total": N_("Solvent added"),
    "mixer.ambient_temp": N_("Room temperature"),
    "mixer.phase": N_("Batch phase"),
    "mixer.batch": N_("Batch number"),
    "mixer.mass": N_("Batch mass"),
    "mixer.lab_viscosity": N_("Viscosity from the laboratory"),
    "mixer.lab_age": N_("Age of the laboratory sample"),
    "mixer.lab_number": N_("Number of the laboratory sample"),
}

TITLES = (
    N_("Coat weight"),
    N_("Profile across the web"),
    N_("Mixing viscosity"),
    N_("reference plant"),
    N_("Ketoprofen 5 % in solvent acrylic adhesive"),
    N_("Bolt"),
    N_("Oven zone"),
)
"""Texts of the shipped configuration, and the words before a number."""

PRETTY_UNITS: Mapping[str, str] = {
    "g/m2": "g/m²", "degC": "°C", "delta_degC": "K", "um": "µm", "N*m": "N·m", "Pa*s": "Pa·s",
}  # fmt: skip

RULES: Mapping[str, str] = {
    "IL-00": N_("Everything is understood"),
    "IL-20": N_("Limits are the sealed ones"),
    "IL-03": N_("Permissives are true and fresh"),
    "IL-04": N_("No trip is latched"),
    "IL-05": N_("Instruments agree"),
    "IL-07": N_("Critical readings are good"),
    "IL-08": N_("PLC heartbeat is alive"),
    "IL-09": N_("PLC in remote, a person asked"),
    "IL-10": N_("Recipe phase allows control"),
    "IL-13": N_("Last write landed"),
    "IL-15": N_("Guards in their return range"),
    "IL-18": N_("No foreign setpoint"),
    "IL-11": N_("Plan solved, fresh, feasible"),
    "IL-12": N_("Plant follows the model"),
    "IL-19": N_("Only listed setpoints"),
    "IL-01": N_("Inside the operating range"),
    "IL-02": N_("No faster than the rate"),
    "IL-14": N_("Dwell time and reversals"),
    "IL-17": N_("Travel in an hour"),
    "IL-06": N_("Allowed combinations"),
    "IL-16": N_("A hold ends in time"),
}
"""The gate's rules in the order in which they are judged, as a state that is well."""

PHASES = (
    N_("INERT"), N_("CHARGE_SOLVENT"), N_("CHARGE_ADHESIVE"), N_("ADD_ENHANCER"), N_("ADD_API"),
    N_("DISPERSE"), N_("HOMOGENISE"), N_("TRIM"), N_("DEAERATE"), N_("SAMPLE_HOLD"),
    N_("TRANSFER"), N_("CLEAN"),
)  # fmt: skip

WORDS = (
    N_("solved"), N_("not-asked"), N_("late"), N_("dead"), N_("busy"), N_("starting"),
    N_("entry"), N_("lot"), N_("lot-struck"),
    N_("request"), N_("signature"), N_("seal"), N_("event"), N_("start"), N_("stop"), N_("cycle"),
    N_("intent"), N_("root"), N_("written"), N_("refused"), N_("unknown"), N_("not-sent"),
    N_("software"), N_("model"), N_("config"), N_("commissioning"), N_("registration"),
    N_("change"), N_("critical"), N_("high"), N_("medium"), N_("low"), N_("UNACK"), N_("ACKED"),
    N_("RTNUN"), N_("LTUNK"), N_("LTACK"), N_("SHELVED"), N_("DSUPR"), N_("OOSRV"),
    N_("operator"), N_("engineer"), N_("qa-approver"), N_("admin"), N_("auditor"),
    N_("unregistered"), N_("nobody"), N_("active"), N_("invited"), N_("renew"), N_("locked"),
)  # fmt: skip
"""States and roles: words of the record that the screen shows in the reader's language."""
