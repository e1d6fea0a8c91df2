"""A configuration for a verb that needs one: sealed, or a refusal that lists every problem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.places import shown
from cli.refusal import FINDINGS, RefusalError

if TYPE_CHECKING:
    from service.config_load import LoadedLine


def sealed_or_refused(config: Path) -> dict[str, Any]:
    """Return the sealed configuration in `config`.

    Raises:
        RefusalError: it has problems; they have been printed.
    """
    return loaded_or_refused(config).sealed


def loaded_or_refused(config: Path) -> LoadedLine:
    """Return the sealed configuration in `config` with its hash and files.

    Raises:
        RefusalError: it has problems; they have been printed.
    """
    from service.config_load import load_line
    from service.config_problem import ConfigError

    try:
        return load_line(Path(shown(config)))
    except ConfigError as error:
        print("\n\n".join(problem.as_text() for problem in error.problems))
        raise RefusalError(
            f"the configuration has {len(error.problems)} problem(s), listed above",
            "nothing is started from a configuration that contradicts itself",
            f"correct the file, then ./rheostat check {shown(config)}",
            FINDINGS,
        ) from error
