"""The scenarios that a verb was asked for, by name or file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.refusal import USAGE, RefusalError

if TYPE_CHECKING:
    from hil.scenario import Scenario


def chosen(scenario: Sequence[str]) -> list[Scenario]:
    """Return the scenarios named; nothing is 'nominal', and 'all' is every one of the bench.

    Raises:
        RefusalError: one of them is none.
    """
    from hil.scenario import ScenarioError, load_scenario, scenario_names

    names = scenario_names() if "all" in scenario else list(scenario or ("nominal",))
    try:
        return [load_scenario(name) for name in names]
    except ScenarioError as error:
        raise RefusalError(
            str(error),
            "a run is judged by what its scenario says",
            "./rheostat simulate --list shows the scenarios that come with the bench",
            USAGE,
        ) from error
