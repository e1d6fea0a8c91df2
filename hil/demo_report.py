"""What the demo says at its end: a table for the terminal, and the same with plots as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hil.demo_trace import DemoTrace
from hil.report import Chart, Curve, Report, Table
from hil.scenario_run import TARGET
from service.page.view import Shown, shown

CHECKS = {
    "real_sockets": "established TCP connections to both PLCs",
    "both_in_auto": "all loops in AUTO",
    "every_event_survived": "every scripted event survived",
    "no_gate_escape": "no setpoint outside limits or rate, as the PLCs' own logs show",
    "few_alarms": "at most one alarm in ten minutes outside the script, none that chatters",
    "chain_verified": "record chain verified from the first row to the last",
    "engine_has_no_numerics": "no numerical library in the engine's memory",
}
NAMES = {
    "sigma_percent": "sigma of the truth [% of target]",
    "mean_error_percent": "mean error [% of target]",
    "off_spec_m": "off specification [m of web]",
    "off_spec_min": "off specification [min]",
}
GOOD, BAD = "✓", "✗"


def demo_table(result: Mapping[str, Any]) -> str:
    """Return the end of the demo as text for a terminal."""
    parts = [_text(table) for table in _tables(result)]
    verdict = "all checks held" if result["ok"] else "NOT all checks held, see ✗ above"
    return "\n".join(["", *parts, f"Rheostat demo: {verdict}.", ""])


def demo_report(result: Mapping[str, Any], trace: DemoTrace, baseline: Mapping[str, Any]) -> Report:
    """Return the demo's report: verdict, events, figures, courses, evidence."""
    lead = (
        f"{result['production_s'] / 60:.0f} minutes of production at {result['speed']:g} times "
        f"real time on plant number {result['seed']}, over OPC UA and Modbus/TCP on loopback. "
        "The plant differs from the controller's model in gain, delay, rheology and heat transfer."
    )
    tables = _tables(result)
    return Report(
        "Rheostat demo: one plaster line in closed loop",
        lead,
        tables[:3],
        _charts(result, trace, baseline),
        [*tables[3:], _evidence(result)],
    )


def _tables(result: Mapping[str, Any]) -> list[Table]:
    checks = [
        [f"{GOOD if held else BAD} {CHECKS[name]}", "yes" if held else "✗ no"]
        for name, held in result["checks"].items()
    ]
    events = [
        [
            f"{event['at_s'] / 60:.1f} min",
            event["title"],
            f"{GOOD if event['survived'] else BAD} {event['text']}",
        ]
        for event in result["events"]
    ]
    return [
        Table("What was to be shown", ["check", "held"], checks),
        Table("What happened", ["when", "what", "how it ended"], events),
        _figures(result["figures"]),
        _cycle_table(result["cycles"]),
    ]


def _figures(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    rows = [
        [loop, _name(name), f"{value:.3f}", f"{found['pi'][loop][name]:.3f}"]
        for loop, figures in found["mpc"].items()
        for name, value in figures.items()
    ]
    note = (
        "Same plant, same disturbances at the same times. The PI run is without the solver kill "
        "and the frozen heartbeat, and without a wire; ours is with all of them."
    )
    return Table(
        "Figures from the truth", ["loop", "figure", "Rheostat", "tuned PI with ratio"], rows, note
    )


def _name(name: str) -> str:
    if name.startswith("travel "):
        return f"{name} [operating ranges per hour]"
    return NAMES[name]


def _cycle_table(cycles: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = []
    for loop, row in cycles.items():
        actions = ", ".join(f"{name} {count}" for name, count in row["gate_actions"].items())
        keys = ("solve_ms", "gate_ms", "gate_cpu_ms", "cycle_ms")
        spreads = [_spread(row[key]) for key in keys]
        rows.append([loop, str(row["count"]), actions, *spreads, str(row["late"])])
    head = ["loop", "cycles", "gate", "solve ms", "gate ms", "gate CPU ms", "cycle ms", "late"]
    return Table("Cycles", head, rows, "Times are median / 99th percentile / worst.")


def _spread(found: Mapping[str, float | None]) -> str:
    return " / ".join("–" if v is None else f"{v:.3g}" for v in found.values())


def _evidence(result: Mapping[str, Any]) -> Table:
    rows = [[f"socket to {name}", ", ".join(links)] for name, links in result["sockets"].items()]
    rows += [[f"program of the {name}'s PLC", what] for name, what in result["plcs"].items()]
    rows += [[f"hash of {name}", str(value)] for name, value in result["hashes"].items()]
    rows += [[f"record chain: {key}", str(value)] for key, value in result["chain"].items()]
    alarms = result["alarms"]
    rows += [
        ["alarms", str(alarms["came"])],
        [
            f"alarms in {alarms['quiet_min']:.1f} min outside the script",
            ", ".join(alarms["unasked"]) or "none",
        ],
        ["setpoints judged", str(result["judge"]["setpoints"])],
        ["escapes", str(len(result["judge"]["escapes"]))],
    ]
    return Table("Evidence", ["what", "value"], rows)


def _charts(
    result: Mapping[str, Any], trace: DemoTrace, baseline: Mapping[str, Any]
) -> list[Chart]:
    courses, other = trace.courses(), baseline["trace"]
    start_s = float(result["start_s"])
    marks = [(event["at_s"] / 60.0, event["key"]) for event in result["events"]]
    charts = []
    for loop, target_tag in TARGET.items():
        show = shown(trace.sealed, target_tag)
        target = show.value(trace.sealed["recipe"]["targets"][target_tag])
        curves = [
            _curve("Rheostat", courses["time_s"], courses[f"{loop}.cv"], show, start_s),
            _curve("tuned PI", other["time_s"], other[f"{loop}.cv"], show, start_s, "other"),
        ]
        charts.append(Chart(f"{show.label} (truth)", show.unit, curves, target, None, marks))
        for tag in trace.sealed["loops"][loop]["mvs"]:
            mv = shown(trace.sealed, tag)
            curves = [
                _curve("Rheostat", courses[f"{tag} time_s"], courses[tag], mv, start_s),
                _curve("tuned PI", other["time_s"], other[tag], mv, start_s, "other"),
            ]
            charts.append(Chart(f"{mv.label} (confirmed setpoint)", mv.unit, curves, marks=marks))
    return charts


def _curve(
    label: str,
    times_s: Sequence[float],
    values: Sequence[float],
    show: Shown,
    start_s: float,
    look: str = "main",
) -> Curve:
    kept = [(t, v) for t, v in zip(times_s, values, strict=True) if t >= start_s]
    minutes = [(t - start_s) / 60.0 for t, _ in kept]
    return Curve(label, minutes, [show.value(v) for _, v in kept], look)


def _text(table: Table) -> str:
    widths = [
        max(len(str(row[i])) for row in (table.header, *table.rows))
        for i in range(len(table.header))
    ]
    line = "  ".join("{:<" + str(width) + "}" for width in widths)
    rows = [line.format(*row).rstrip() for row in table.rows]
    return "\n".join([table.title, line.format(*table.header).rstrip(), *rows, ""])
