"""`./rheostat plc`: the virtual PLCs and the plant behind them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, ROOT, STATES, shown
from cli.refusal import OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.setting import plant_settings
from cli.words import ConfigFile, Flag

_MODULES = {"plant": "hil.plant_process", "coater": "hil.plc_opcua", "mixer": "hil.plc_modbus"}


def plc(
    which: Literal["all", "coater", "mixer", "plant"] = "all",
    /,
    *,
    config: ConfigFile = DEFAULT_CONFIG,
    sealed: Path | None = None,
    state: Path | None = None,
    speed: float = 1.0,
    seed: int = 0,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="", show_default=False)] = (),
    start: Literal["running", "cold"] = "running",
    field: int | None = None,
    soft: Flag = False,
) -> int:
    """Run the virtual PLCs at the addresses the configuration names, with a plant behind them.

    'all' starts the plant and both PLCs; one name starts that process alone (a PLC then needs
    --field, the port its plant told when it started). 'mixer --soft' is the mixer's PLC as a
    program in C: it waits at its address until a demo or 'all' with that address brings a plant.

    Parameters
    ----------
    which
        What to start.
    config
        The line's file: addresses and tag table. Default: config/line.yaml.
    sealed
        A sealed configuration instead (JSON, from a state folder).
    state
        Folder for sockets and logs. Default: var/bench.
    speed
        Plant seconds per second.
    seed
        Which plant is built.
    set_
        Override a plant parameter: PATH=VALUE, a unit may follow the value. Repeatable.
    start
        Start in the middle of production, or cold.
    field
        Port of the plant process (for 'coater' and 'mixer' alone).
    soft
        With 'mixer': the PLC in C, which needs a compiler and libmodbus.
    """
    document = _sealed(config, sealed)
    if soft:
        return _soft(which, document, state, waits=field is None)
    place = (state or STATES / "bench").resolve()
    overrides = plant_settings(set_)
    if which == "all":
        return _all(document, place, speed=speed, seed=seed, overrides=overrides, start=start)
    if which != "plant" and field is None:
        raise RefusalError(
            f"the {which}'s PLC alone needs --field",
            "a PLC without a plant measures nothing",
            "start `./rheostat plc plant`, then name the port it prints; or `./rheostat plc all`",
            USAGE,
        )
    _prepare(place, document)
    arguments = ["--sealed", str(place / "sealed.json"), "--state", str(place)]
    arguments += ["--speed", repr(speed), "--start", start]
    if which == "plant":
        arguments += ["--seed", str(seed)]
        for path, value in overrides.items():
            arguments += ["--set", f"{path}={value!r}"]
    else:
        arguments += ["--field", str(field)]
    command = [sys.executable, "-m", _MODULES[which], *arguments]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})


def _all(
    sealed: dict[str, Any],
    place: Path,
    *,
    speed: float,
    seed: int,
    overrides: dict[str, float],
    start: str,
) -> int:
    from hil.bench import Bench, BenchError
    from hil.soft_plc import standing

    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores SIGINT
        signal.signal(number, signal.default_int_handler)
    with Bench(
        sealed, place, speed=speed, seed=seed, overrides=overrides, start=start,
        standing=standing(STATES, sealed),
    ) as bench:  # fmt: skip
        try:
            bench.start_line()
            for name, source in sealed["sources"].items():
                say(f"{name}: {source.get('endpoint') or _address(source)}")
            say(f"logs and sockets in {shown(place)}; {speed:g} plant seconds per second")
            say("Ctrl-C ends plant and PLCs")
            while all(child.poll() is None for child in bench.children.values()):
                time.sleep(0.5)
        except BenchError as error:
            raise RefusalError(
                str(error),
                "the line is complete or it is not there",
                "often a port is taken: `./rheostat doctor` says by whom",
            ) from error
        except KeyboardInterrupt:
            return OK
        gone = [name for name, child in bench.children.items() if child.poll() is not None]
        raise RefusalError(
            f"the {gone[0]} ended by itself:\n{bench.log_tail(gone[0])}",
            "the line is complete or it is not there",
            "start it again; the log above says what happened",
        )


def _soft(which: str, sealed: dict[str, Any], state: Path | None, *, waits: bool) -> int:
    """Become the soft PLC at the mixer's address."""
    from hil.soft_plc import NotBuiltError, command, folder_of

    if which != "mixer" or not waits:
        raise RefusalError(
            "--soft goes with 'mixer' and without --field",
            "the PLC in C is the mixer's; it gets its plant from the demo or from `plc all`",
            "./rheostat plc mixer --soft",
            USAGE,
        )
    source = sealed["sources"]["mixer"]
    try:
        place = (folder_of(STATES, source) if state is None else state).resolve()
        words = command(source, place)
    except (NotBuiltError, OSError) as error:
        raise RefusalError(
            f"the soft PLC cannot be started: {error}",
            "it is compiled on this machine, from hil/plc",
            "install what is missing; the mixer's PLC in Python needs none of it",
        ) from error
    say(f"mixer: {_address(source)}, the soft PLC in C; its side door is in {shown(place)}")
    say("it waits for a plant; Ctrl-C ends it")
    os.execv(words[0], words)


def _address(source: dict[str, Any]) -> str:
    return f"{source['protocol']} {source['host']}:{source['port']}"


def _sealed(config: Path, sealed: Path | None) -> dict[str, Any]:
    if sealed is None:
        return sealed_or_refused(config)
    document: Any = None
    fault = "it has no sources and tags"
    try:
        document = json.loads(sealed.read_text("utf-8"))
    except (OSError, ValueError) as error:
        fault = str(error)
    if not isinstance(document, dict) or not {"sources", "tags"} <= document.keys():
        raise RefusalError(
            f"{shown(sealed)} is no sealed configuration: {fault}",
            "the PLCs take their addresses and tags from it",
            "name a sealed.json from a state folder, or a line's file with --config",
        )
    return document


def _prepare(place: Path, sealed: dict[str, Any]) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / "sealed.json").write_text(json.dumps(sealed), "utf-8")
    except OSError as error:
        raise RefusalError(
            f"{shown(place)} cannot be used: {error}",
            "sockets and logs need a folder",
            "name a folder you may write to with --state",
        ) from error
