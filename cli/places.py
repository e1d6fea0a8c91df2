"""Where things are: the project, its default configuration, the state of a running engine."""

from __future__ import annotations

from pathlib import Path

from cli.refusal import RefusalError

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_CONFIG = ROOT / "config" / "line.yaml"
STATES = ROOT / "var"


def shown(path: Path) -> str:
    """Return `path` as a person would type it here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def state_of_running_engine(state: Path | None) -> Path:
    """Return `state`, or the one state directory in which an engine's door stands open.

    Reads no configuration: a person must be able to switch OFF whatever the files say.

    Raises:
        RefusalError: there is none, or more than one.
    """
    if state is not None:
        return state
    running = sorted(door.parent for door in STATES.glob("*/engine.sock"))
    if len(running) == 1:
        return running[0]
    if not running:
        raise RefusalError(
            f"no engine is running: there is no open door under {shown(STATES)}",
            "a request can only be made to an engine that runs",
            "start one with `./rheostat run`, or name its directory with --state",
        )
    raise RefusalError(
        "several engines are running: " + ", ".join(shown(path) for path in running),
        "a request goes to one line only, and it must be the right one",
        "name the directory with --state",
    )
