"""What keeps a line from starting, in words: for every verb that starts one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.places import shown
from cli.refusal import FINDINGS, RefusalError


@contextmanager
def refusing(config: Path) -> Iterator[None]:
    """Refuse in words when the line of `config` or its state folder cannot be used.

    Raises:
        RefusalError: problems of the configuration, which are printed, or of the folder.
    """
    from service.config_problem import ConfigError

    try:
        yield
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
