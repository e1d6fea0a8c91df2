"""`./rheostat service install|status|logs|uninstall`: a line's processes under systemd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

from cli.places import DEFAULT_CONFIG, STATES, shown
from cli.refusal import FINDINGS, OK, RefusalError, say
from cli.sealing import loaded_or_refused
from cli.words import ConfigFile, Flag, Text

_RELOAD = ("systemctl", "daemon-reload")


def install(
    config: ConfigFile = DEFAULT_CONFIG, /, *, root: Path = Path("/"), page_port: int = 8470
) -> int:
    """Write systemd units, accounts and folders for a line; nothing is started.

    Needs root for this machine. Refused while a loop of the line is not OFF.

    Parameters
    ----------
    config
        The line's file; it stays where it is. Default: config/line.yaml.
    root
        Write into this folder instead of this machine, for an image or to look at.
    page_port
        Port of the page on 127.0.0.1.
    """
    from service.units import Installed, UnitError, files, state_dir_of

    line = loaded_or_refused(config)
    followers = tuple(name for name in ("page", "history") if _exists(f"service.{name}"))
    what = Installed(line.sealed, config.resolve(), page_port, followers)
    _may_change(root)
    if _is_machine(root):
        all_off(state_dir_of(what.line))
    try:
        texts = files(what)
    except UnitError as error:
        raise RefusalError(
            str(error).partition(" Next: ")[0],
            "a unit that names the wrong thing would not start, or reach what it should not",
            str(error).partition(" Next: ")[2],
        ) from error
    for path, text in texts.items():
        _write(_below(root, path), text)
    if _is_machine(root):
        _tell(("systemd-sysusers",), ("systemd-tmpfiles", "--create"), _RELOAD)
    say(f"installed {len(texts)} files for {what.line} under {root}")
    say(f"next: systemctl enable --now rheostat@{what.line}.target")
    return OK


def uninstall(*, line: Text = "line-1", root: Path = Path("/")) -> int:
    """Stop a line and take its units away; its records and accounts stay.

    Refused while a loop of the line is not OFF.

    Parameters
    ----------
    line
        Which line, by its id.
    root
        The folder `install` was told.
    """
    from service.units import own_files, shared_files, state_dir_of

    _may_change(root)
    if _is_machine(root):
        all_off(state_dir_of(line))
        _tell(
            ("systemctl", "disable", "--now", f"rheostat@{line}.target"),
            ("systemctl", "stop", *_units_of(line)),  # waits until each has given its loops back
        )
    paths = own_files(line)
    for path in paths:
        _below(root, path).unlink(missing_ok=True)
        if path.parent.name.endswith(".d") and "@" in path.parent.name:
            shutil.rmtree(_below(root, path).parent, ignore_errors=True)
    if not list(_below(root, PurePosixPath("/etc/tmpfiles.d")).glob("rheostat-*.conf")):
        for path in shared_files():
            _below(root, path).unlink(missing_ok=True)
    if _is_machine(root):
        _tell(_RELOAD)
    say(f"{line} is uninstalled. Its records stay in {state_dir_of(line)}")
    return OK


def status(*, line: Text = "line-1", state: Path | None = None, json: Flag = False) -> int:
    """Say how the processes of a line are: by systemd, or by `service run`.

    Exit code 1 when one is down or nothing supervises the line.

    Parameters
    ----------
    line
        Which line, by its id.
    state
        State folder of the line. Default: where `install` put it, else var/ and the line's id.
    json
        Print it as JSON.
    """
    place = _state_of(line, state)
    found = _own(place)
    if found is None:
        if shutil.which("systemctl") and _units_of(line):
            command = ["systemctl", "--no-pager", "status", *_wanted_of(line)]
            return subprocess.run(command, check=False).returncode and FINDINGS
        raise RefusalError(
            f"nothing supervises {line}: no unit is installed and no `service run` stands",
            "a line that nobody watches stays down when it falls",
            "./rheostat service run, or as root ./rheostat service install",
            FINDINGS,
        )
    if json:
        print(_as_json(found))
    else:
        for name, one in found["processes"].items():
            last = f"; before: {one['last_end']}" if one["last_end"] else ""
            print(f"{name:8} {one['state']:9} pid {one['pid']:7} starts {one['starts']:3}  "
                  f"{one['says']}{last}")  # fmt: skip
    bad = [name for name, one in found["processes"].items() if one["state"] == "down"]
    if bad:
        say(f"rheostat: {', '.join(bad)} stays down until a person starts the service again")
    return FINDINGS if bad else OK


def logs(*, line: Text = "line-1", lines: int = 100, follow: Flag = False) -> int:
    """Show what the processes of an installed line have said, from systemd's journal.

    Parameters
    ----------
    line
        Which line, by its id.
    lines
        How many of the last lines.
    follow
        Go on showing what they say.
    """
    if not shutil.which("journalctl"):
        raise RefusalError(
            "there is no journal on this machine",
            "the processes of `service run` speak on its own terminal, or into the container's log",
            "look there",
        )
    units = [word for name in ("engine", "page", "history", "outward")
             for word in ("-u", f"rheostat-{name}@{line}.service")]  # fmt: skip
    command = ["journalctl", "--no-pager", "-n", str(lines), *units, *(["-f"] if follow else [])]
    return subprocess.run(command, check=False).returncode and FINDINGS


def _own(place: Path) -> dict[str, dict[str, dict[str, str]]] | None:
    """Return what a supervisor of our own says, unless it has died."""
    try:
        found: dict[str, dict[str, dict[str, str]]] = json.loads(
            (place / "supervision.json").read_text("utf-8")
        )
    except (OSError, ValueError):
        return None
    return found if Path(f"/proc/{found['pid']}").exists() else None


def _as_json(found: object) -> str:
    return json.dumps(found, indent=2)


def _state_of(line: str, state: Path | None) -> Path:
    from service.units import state_dir_of

    installed = state_dir_of(line)
    return state or (installed if installed.exists() else STATES / line)


def _units_of(line: str) -> list[str]:
    here = Path("/etc/systemd/system")
    names = [f"rheostat-{name}@" for name in ("engine", "page", "history", "outward")]
    installed = (here / f"rheostat@{line}.target.d").exists()
    return [f"{name}{line}.service" for name in names] if installed else []


def _wanted_of(line: str) -> list[str]:
    """Return the units that belong to a running line: those its target pulls in."""
    command = ["systemctl", "show", "--property=Wants", "--value", f"rheostat@{line}.target"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return [unit for unit in _units_of(line) if unit in found]


def all_off(place: Path) -> None:
    """Refuse while the line's engine holds a loop, or might."""
    from service.commands import EngineUnreachableError, ask

    try:
        loops = ask(place, {"do": "status"})["loops"]
    except EngineUnreachableError as error:
        if _engine_runs(place):
            raise RefusalError(
                f"the engine of {shown(place)} runs and does not answer",
                "an update while a loop may be closed would cut it off",
                "stop it first, or wait for its watchdog",
            ) from error
        return
    closed = [name for name, loop in loops.items() if {loop["mode"], loop["requested"]} != {"OFF"}]
    if closed:
        raise RefusalError(
            f"not every loop is OFF: {', '.join(closed)}",
            "the program of a line is changed only while its PLCs have every loop",
            f"./rheostat mode OFF --state {shown(place)}",
        )


def _engine_runs(place: Path) -> bool:
    try:
        pid = int((place / "engine.pid").read_text("ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    return b"service.engine" in words


def _may_change(root: Path) -> None:
    if _is_machine(root) and os.geteuid() != 0:
        raise RefusalError(
            "units and accounts of this machine are written by root only",
            "the engine's account must not be able to change what starts it",
            "sudo ./rheostat service install, or look at the files with --root FOLDER",
        )


def _tell(*commands: tuple[str, ...]) -> None:
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise RefusalError(
                f"{command[0]} is not on this machine",
                "the files are written, and systemd has to take them in",
                "use ./rheostat service run where there is no systemd",
            ) from error
        if done.returncode:
            raise RefusalError(
                f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}",
                "the files are written, and systemd has not taken them in",
                "see what it says, then run the same command again",
            )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o644)


def _below(root: Path, path: PurePosixPath) -> Path:
    return root / path.relative_to("/")


def _is_machine(root: Path) -> bool:
    return root.resolve() == Path("/")


def _exists(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None
