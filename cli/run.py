"""`./rheostat run`: the engine of one line."""

from __future__ import annotations

from pathlib import Path

from cli.places import DEFAULT_CONFIG, shown
from cli.refusal import FINDINGS, RefusalError
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
    from service.config_problem import ConfigError
    from service.run import run as become_engine

    try:
        become_engine(Path(shown(config)), state, speed)
    except ConfigError as error:
        print("\n\n".join(problem.as_text() for problem in error.problems))
        raise RefusalError(
            f"the configuration has {len(error.problems)} problem(s), listed above",
            "an engine with a doubtful limit is worse than none; nothing was started",
            f"correct the file, then ./rheostat check {shown(config)}",
            FINDINGS,
        ) from error
    except OSError as error:
        raise RefusalError(
            f"the state folder cannot be used: {error}",
            "without a place for its records the engine may not start",
            "name a folder you may write to with --state",
        ) from error
