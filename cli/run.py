"""`./rheostat run`: the engine of one line."""

from __future__ import annotations

from pathlib import Path

from cli.places import DEFAULT_CONFIG, shown
from cli.starting import refusing
from cli.words import ConfigFile


def run(
    config: ConfigFile = DEFAULT_CONFIG, /, *, state: Path | None = None, speed: float = 1.0
) -> None:
    """Run the engine of a line; every loop starts OFF, and `mode` asks for more.

    The configuration is judged and sealed first; a bad one starts nothing.

    Parameters
    ----------
    config
        The line's file. Default: config/line.yaml.
    state
        Folder for records and command door. Default: var/ and the line's id.
    speed
        Bench only: plant seconds per second, the same as the virtual PLCs'.
    """
    from service.run import run as become_engine

    with refusing(config):
        become_engine(Path(shown(config)), state, speed)
