"""Every physical number in one kind of table: name, value, unit, source.

A model states its parameters once, as `Parameter` rows; a scenario file or `--set path=value`
overrides them by path. The plant and the control model keep tables of their own, so the plant
never takes a value from the controller by accident.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a model: `value` in SI `unit`; `source` says where it comes from."""

    path: str
    value: float
    unit: str
    source: str
    note: str = ""


class UnknownParameterError(KeyError):
    """An override names a parameter that no model has."""

    def __str__(self) -> str:
        return str(self.args[0])


class Parameters(dict[str, float]):
    """The values of a table after overrides, by path ('coater.pump.slip').

    A dict because a simulated hour reads it a million times; `set` is the only door for a change.
    """

    def __init__(
        self, table: Iterable[Parameter], overrides: Mapping[str, float] | None = None
    ) -> None:
        """Read the rows of `table`, then apply `overrides` (SI).

        Raises:
            UnknownParameterError: an override's path is not in the table.
            ValueError: a path stands twice, or a value is not finite.
        """
        super().__init__()
        self.table: dict[str, Parameter] = {}
        self.changes = 0  # how often a value was set: what is worked out from values looks here
        for row in table:
            if row.path in self.table:
                raise ValueError(f"parameter {row.path} stands twice in its table")
            self.table[row.path] = row
            self[row.path] = row.value
        for path, value in (overrides or {}).items():
            self.set(path, value)

    def set(self, path: str, value: float) -> None:
        """Override one value (SI)."""
        if path not in self.table:
            near = difflib.get_close_matches(path, self.table, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UnknownParameterError(f"no parameter is called {path}.{hint}")
        if not math.isfinite(value):
            raise ValueError(f"parameter {path} must be a finite number, not {value}")
        self[path] = float(value)
        self.changes += 1
