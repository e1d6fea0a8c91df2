"""`./rheostat demo`: an hour of production on a whole virtual line, in about a minute and a half.

Starts plant, PLCs, engine and page as processes that talk over real sockets, plays the script,
ends what it started, and then says what happened: every beat judged, figures beside the tuned PI
on the same plant and disturbances, an HTML report, and JSON for machines.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hil.bench import Bench, on_free_ports
from hil.demo_alarms import alarm_figures, few
from hil.demo_people import introduce
from hil.demo_report import demo_report, demo_table
from hil.demo_script import SCRIPT, Stage, baseline_events
from hil.demo_trace import DemoTrace, gather, trace_demo
from hil.demo_verdict import Outcome, figures, outcomes
from hil.proc import listener, mapped, tcp_connections
from hil.report import render
from hil.scenario import Event, Scenario, load_scenario
from hil.simulate import run_scenario
from hil.timing import footprint
from plant_models.mismatch import mismatch
from service.config_load import load_line

CONFIG = Path(__file__).parents[1] / "config" / "line.yaml"
SHORTEST_S = 1800.0
SCORED_AFTER_START_S = 420.0
WARM_WITHIN_S = 60.0
QUICK = 40.0
"""Plant seconds per second on a machine with nothing else to do."""
NUMERICAL = ("numpy", "casadi", "do_mpc", "scipy")


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo is played: `duration_s` plant seconds at `speed` of them per second.

    `standing` are the side doors of PLCs that stand at their address in `config` already.
    """

    seed: int = 7
    duration_s: float = 3600.0
    speed: float = QUICK
    headless: bool = False
    page_port: int = 0
    report: Path | None = None
    trace: Path | None = None
    state: Path | None = None
    config: Path = CONFIG
    standing: Mapping[str, Path] = field(default_factory=dict)


def fitting_speed(load: float, processors: int) -> float:
    """Return how many plant seconds per second a machine of this load average keeps up with.

    At 40x a PLC takes its loop back after 0.6 s without our heartbeat, and a process that waits
    its turn behind others waits for tenths of a second.
    """
    waiting = load / processors
    if waiting <= 1.0:
        return QUICK
    return QUICK / 2.0 if waiting <= 3.0 else QUICK / 4.0


Say = Callable[[str], None]
Shown = Callable[[dict[str, Any]], None]


def play(options: DemoOptions, say: Say, shown: Shown) -> dict[str, Any]:
    """Play the demo; return everything it found as plain data ('ok' first).

    `shown` gets the result while the line still stands; everything ends when it returns.

    Raises:
        ValueError: an option makes no sense.
        hil.bench.BenchError: a process did not come up.
    """
    _check(options)
    state = options.state or Path(tempfile.mkdtemp(prefix="rheostat-demo-"))
    sealed = on_free_ports(load_line(options.config).sealed, keep=options.standing)
    sealed["page"] = {**sealed["page"], "read": "open"}  # a demo is there to be looked at
    started_s = time.monotonic()
    plant = mismatch(options.seed)
    with Bench(
        sealed, state, speed=options.speed, seed=options.seed, overrides=plant,
        standing=options.standing,
    ) as bench:  # fmt: skip
        live = _play_live(bench, options, say)
        say("reading the records back, playing the tuned PI on the same plant ...")
        trace = gather(state, sealed, live.offset_s)
        if options.trace is not None:
            trace_demo(options.trace, state, sealed, live.offset_s)
        result = _score(options, live, trace)
        report = options.report or state / "report.html"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(render(demo_report(result, trace, live.baseline)), "utf-8")
        result["wall_s"] = round(time.monotonic() - started_s, 1)
        result["report"], result["state"] = str(report), str(state)
        shown(result)
    return result


def _check(options: DemoOptions) -> None:
    if not options.duration_s >= SHORTEST_S:
        raise ValueError(
            f"--duration {options.duration_s:g}: at least {SHORTEST_S:g} s of production, because "
            "the web needs 150 s from die to gauge and every event must be able to pass"
        )
    if not (math.isfinite(options.speed) and 1.0 <= options.speed <= 100.0):
        raise ValueError(f"--speed {options.speed:g}: between 1 and 100 plant seconds per second")


@dataclass(slots=True)
class Live:
    """What only the running line could tell."""

    stage: Stage
    start_s: float
    end_s: float
    offset_s: float
    evidence: dict[str, Any]
    baseline: dict[str, Any]


def _play_live(bench: Bench, options: DemoOptions, say: Say) -> Live:
    say("starting plant, two PLCs (OPC UA, Modbus/TCP), engine and page ...")
    for name in options.standing:
        source = bench.sealed["sources"][name]
        say(f"the {name}'s PLC stands at {source['host']}:{source['port']} already: it is taken")
    bench.start_line()
    bench.start_engine()
    address = bench.start_page(options.page_port)
    _wait_warm(bench)
    stage = Stage(bench)
    start_s = float(bench.truth()["time_s"])
    offset_s = time.monotonic() * options.speed - float(bench.truth()["time_s"])
    say(f"the operator page: {address}")
    if not options.headless:
        for name, password in introduce(bench.state).items():
            say(f"  sign in as {name}, password {password}   (made for this run)")
    say(f"{options.duration_s / 60:.0f} min of production at {options.speed:g}x:")
    evidence: dict[str, Any] = {}
    for beat in SCRIPT:
        _wait_until(bench, start_s + beat.at * options.duration_s, options.speed)
        if beat.key == "lot":  # by now all loops have long been in AUTO
            evidence = _evidence(bench)
        stage.happened_s[beat.key] = float(bench.truth()["time_s"])
        beat.act(stage)
        say(f"  {_clock(stage.happened_s[beat.key] - start_s)}  {beat.title}")
    _wait_until(bench, start_s + options.duration_s, options.speed)
    end_s = float(bench.truth()["time_s"])
    evidence["engine_footprint"].append(footprint(bench.children["engine"].pid))
    evidence["standing"] = {name: _scans(bench, name) for name in options.standing}
    bench.ask_engine(do="mode", loop="all", mode="OFF", who="demo operator")
    say(f"  {_clock(end_s - start_s)}  the hour is over: OFF, the PLCs have all loops")
    time.sleep(1.0)
    return Live(stage, start_s, end_s, offset_s, evidence, {})


def _wait_warm(bench: Bench) -> None:
    """Wait until both solvers stand (worker and spare) and both sources are connected."""
    until_s = time.monotonic() + WARM_WITHIN_S
    while time.monotonic() < until_s:
        status = bench.ask_engine(do="status")
        workers = all(len(pids) == 2 for pids in status["workers"].values())
        if workers and all(s.get("connected") for s in status["sources"].values()):
            return
        time.sleep(0.2)
    raise TimeoutError(
        f"the engine was not ready within {WARM_WITHIN_S:g} s: its workers or PLCs are missing. "
        f"Its log says:\n{bench.log_tail('engine')}"
    )


def _wait_until(bench: Bench, plant_s: float, speed: float) -> None:
    while (left_s := plant_s - float(bench.truth()["time_s"])) > 0.0:
        time.sleep(min(max(left_s / speed, 0.01), 0.5))


def _evidence(bench: Bench) -> dict[str, Any]:
    """Look at the engine from outside: its sockets, its libraries, its status."""
    pid = bench.children["engine"].pid
    status = bench.ask_engine(do="status")
    ports = {
        name: int(str(source.get("endpoint") or source["port"]).rsplit(":")[-1].split("/")[0])
        for name, source in bench.sealed["sources"].items()
    }
    links = tcp_connections(pid)
    return {
        "sockets": {
            name: [f"{a} -> {b}" for a, b in links if b.endswith(f":{port}")]
            for name, port in ports.items()
        },
        "plcs": {name: _program(listener(port)) for name, port in ports.items()},
        "modes": {name: loop["mode"] for name, loop in status["loops"].items()},
        "engine_forbidden_modules": status["forbidden_modules"],
        "engine_footprint": [footprint(pid)],
        "engine_mapped_numerical_libraries": mapped(pid, NUMERICAL),
        "worker_maps_casadi": bool(mapped(status["workers"]["coating"][0], ("casadi",))),
    }


def _program(words: list[str]) -> str:
    """Return what a process runs: its module when it is Python's, else its file."""
    if "service.leash" in words:
        return words[words.index("service.leash") + 2]
    return Path(words[0]).name if words else "nobody"


def _scans(bench: Bench, name: str) -> dict[str, Any]:
    """Return how well a PLC that stood already has kept its time."""
    status = bench.plc(name)
    return {key: status[key] for key in ("program", "scans", "missed", "late_mean_ms",
                                         "late_most_ms")}  # fmt: skip


def _score(options: DemoOptions, live: Live, trace: DemoTrace) -> dict[str, Any]:
    happened = live.stage.happened_s
    scenario = _scenario(options, live)
    live.baseline = run_scenario(scenario, options.seed, "pi", trace.sealed, trace=True)
    from_s = happened["start"] + SCORED_AFTER_START_S
    ours = figures(trace.courses(), trace.sealed, scenario, from_s, live.end_s)
    theirs = figures(live.baseline["trace"], trace.sealed, scenario, from_s, live.end_s)
    judged = outcomes(trace, live.stage, scenario)
    alarms = alarm_figures(trace.events, list(happened.values()), live.start_s, live.end_s)
    checks = {
        "real_sockets": all(live.evidence["sockets"].values()),
        "both_in_auto": set(live.evidence["modes"].values()) == {"AUTO"},
        "every_event_survived": all(outcome.survived for outcome in judged),
        "no_gate_escape": trace.judgement.clean,
        "few_alarms": few(alarms),
        "chain_verified": trace.chain.ok,
        "engine_has_no_numerics": not live.evidence["engine_forbidden_modules"]
        and not live.evidence["engine_mapped_numerical_libraries"],
    }
    return {
        "ok": all(checks.values()),
        "checks": checks,
        "seed": options.seed,
        "speed": options.speed,
        "production_s": round(live.end_s - live.start_s, 1),
        "start_s": live.start_s,
        "events": [_plain(outcome, live.start_s) for outcome in judged],
        "figures": {"mpc": ours, "pi": theirs},
        "cycles": {loop: _cycles(trace, loop) for loop in trace.cycles},
        "alarms": alarms,
        "judge": trace.judgement.to_json(),
        "chain": asdict(trace.chain),
        "hashes": dict(trace.hashes),
        **live.evidence,
    }


def _scenario(options: DemoOptions, live: Live) -> Scenario:
    """Return the same hour as a scenario, for the baseline: same plant, same disturbances."""
    nominal = load_scenario("nominal")
    end_min = live.end_s / 60.0
    return nominal.model_copy(
        update={
            "name": "demo",
            "duration_min": end_min,
            "settle_min": (live.stage.happened_s["start"] + SCORED_AFTER_START_S) / 60.0,
            "seeds": [options.seed],
            "events": [Event.model_validate(e) for e in baseline_events(live.stage.happened_s)],
        }
    )


def _cycles(trace: DemoTrace, loop: str) -> dict[str, Any]:
    bodies = [cycle.body for cycle in trace.cycles[loop]]
    actions: dict[str, int] = {}
    for body in bodies:
        action = str(body["verdict"]["action"])
        actions[action] = actions.get(action, 0) + 1
    timings = [body["timing"] for body in bodies if "timing" in body]
    solves = [b["plan"]["solve_ms"] for b in bodies if b.get("plan", {}).get("status") == "solved"]
    return {
        "count": len(bodies),
        "gate_actions": actions,
        "late": sum(1 for timing in timings if timing.get("late")),
        "solve_ms": _spread(solves),
        "cycle_ms": _spread([timing["total_ms"] for timing in timings]),
        "gate_ms": _spread([timing["gate_ms"] for timing in timings]),
        "gate_cpu_ms": _spread([timing["gate_cpu_ms"] for timing in timings]),
    }


def _spread(values: list[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p99": None, "max": None}
    at = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99)]
    return {"p50": at[0], "p99": at[1], "max": ordered[-1]}


def _plain(outcome: Outcome, start_s: float) -> dict[str, Any]:
    return {**asdict(outcome), "at_s": round(outcome.at_s - start_s, 1)}


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60):3d}:{int(seconds % 60):02d}"


def main(options: DemoOptions, *, as_json: bool) -> int:
    """Play the demo for the command line; exit code 0 only when every check held.

    With a person at the terminal the page stays up at the end, until they press Ctrl-C.
    """

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def show(result: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(result, indent=2) + "\n" if as_json else demo_table(result))
        sys.stdout.flush()
        say(f"report: {result['report']}")
        if not options.headless and sys.stdin.isatty():
            say("the page stays up, all loops OFF; Ctrl-C ends everything")
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()

    return 0 if play(options, say, show)["ok"] else 1
