"""`./rheostat demo`: the whole line, an hour of production in about ninety seconds."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cli.places import DEFAULT_CONFIG, STATES
from cli.refusal import USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag

_IN_SECONDS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}


def demo(
    *,
    headless: Flag = False,
    seed: int = 7,
    duration: str = "1 h",
    speed: float | None = None,
    json: Flag = False,
    report: Path | None = None,
    trace: Path | None = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> int:
    """Play an hour of production on virtual PLCs, over real sockets, and judge it afterwards.

    Starts the plant, both PLCs, the engine and the operator page, plays a script of disturbances
    and faults, and ends everything it started. Needs loopback only; no root.

    Parameters
    ----------
    headless
        Nobody is there to look at the page: play, judge, end.
    seed
        Which plant is built: every seed is another one.
    duration
        Production time to play, for instance '45 min'.
    speed
        Plant seconds per second. Default: 40, and less on a machine that is busy already.
    json
        Print the result as JSON.
    report
        Folder for the HTML report.
    trace
        Folder for demo.mcap: records, predictions and the PLCs' own logs.
    config
        The line's file. A soft PLC that stands at its mixer's address is taken; everything else
        is started on free ports. Default: config/line.yaml.
    """
    duration_s = _seconds(duration)
    sealed = sealed_or_refused(config)
    from hil.bench import BenchError
    from hil.demo import QUICK, DemoOptions, fitting_speed, main
    from hil.soft_plc import standing

    if speed is None:
        load, processors = os.getloadavg()[0], os.cpu_count() or 1
        speed = fitting_speed(load, processors)
        if speed < QUICK:
            say(
                f"this machine is busy (load {load:.1f} on {processors} processors), so production "
                f"is played at {speed:g}x instead of {QUICK:g}x; --speed says otherwise"
            )
    target = None if report is None else report / "report.html"
    options = DemoOptions(
        seed=seed, duration_s=duration_s, speed=speed, headless=headless, report=target,
        trace=None if trace is None else trace / "demo.mcap",
        config=config, standing=standing(STATES, sealed),
    )  # fmt: skip
    try:
        code = main(options, as_json=json)
    except (BenchError, TimeoutError) as error:
        raise RefusalError(
            f"the demo did not come up: {error}",
            "every process of the line must stand before production is played",
            "look for what it says above; `./rheostat doctor` checks this machine",
        ) from error
    except ValueError as error:
        raise RefusalError(
            str(error), "the script's beats need their time", "./rheostat demo --help", USAGE
        ) from error
    if code:
        say("rheostat: the demo ran, but not every check held (the table above says which)")
    return code


def _seconds(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text)
    if match is None or match[2] not in _IN_SECONDS:
        raise RefusalError(
            f"--duration: cannot read '{text}' as a time",
            "the script is laid out over this time",
            "write seconds, or a time with its unit: '3600', '45 min', '1 h'",
            USAGE,
        )
    return float(match[1]) * _IN_SECONDS[match[2]]
