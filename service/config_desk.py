"""The files side by side, read tolerantly, so that one mistake never hides another.

Every judgement that looks at more than one value asks here. What is missing or of the wrong type
has been reported by the shape check already; it comes back from here as None and is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.config_problem import did_you_mean
from service.config_quantity import QuantityError, read_quantity, read_unit, si_value
from service.config_yaml import Document, Path_

CALCULATED: dict[str, str] = {
    "coater.film_to_gap": "",
    "coater.profile_2sigma": "%",
    "mixer.viscosity_25c": "Pa*s",
}
"""Controlled variables the controllers calculate; no tag shows them. Name to unit."""

_ALREADY_SAID = ("RH-1012", "RH-1021", "RH-1024")


@dataclass(slots=True)
class Desk:
    """The files of one line."""

    line: Document
    recipe: Document
    tags: Document
    limits: Document
    people: Document | None = None

    def documents(self) -> tuple[Document, ...]:
        """Return the files in the order they are judged."""
        files = (self.line, self.tags, self.limits, self.recipe)
        return files if self.people is None else (*files, self.people)

    def tag(self, name: object) -> Mapping[str, Any] | None:
        """Return the row of the tag table, or None."""
        return mapping(self.tags, "tags").get(name) if isinstance(name, str) else None

    def tag_table_stands(self) -> bool:
        """Say whether the tag table could be read at all."""
        return bool(mapping(self.tags, "tags"))

    def unit_of(self, name: str) -> str | None:
        """Return the unit of a tag or calculated variable ('' is a plain number), or None."""
        row = self.tag(name)
        if row is None:
            return CALCULATED.get(name)
        unit = row.get("unit") or ""
        try:
            read_unit(unit)
        except (QuantityError, AttributeError, TypeError):
            return None
        return str(unit)

    def known(self, direction: str = "") -> list[str]:
        """Return the names of all tags of `direction` ('': both)."""
        rows = mapping(self.tags, "tags")
        return [
            name
            for name, row in rows.items()
            if not direction or (isinstance(row, dict) and row.get("direction") == direction)
        ]

    def must_know(
        self, document: Document, path: Path_, name: object, direction: str, *, at_key: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the row of tag `name`, or report why it cannot stand at `path`."""
        if not isinstance(name, str) or not self.tag_table_stands():
            return None
        row = self.tag(name)
        if row is None:
            hint = did_you_mean(name, self.known(direction))
            document.report(
                "RH-1040",
                path,
                f"the tag table has no tag `{name}`.{hint}",
                "correct the name, or add the tag to the tag table",
                at_key=at_key,
            )
            return None
        if not isinstance(row, dict):
            return None
        if row.get("direction") in ("read", "write") and row["direction"] != direction:
            is_, due = ("written", "read") if direction == "read" else ("read", "written")
            document.report(
                "RH-1042",
                path,
                f"`{name}` is {is_} by the engine, but a tag that is {due} belongs here",
                f"name a tag with 'direction: {direction}'",
                at_key=at_key,
            )
            return None
        return row

    def si(
        self,
        document: Document,
        path: Path_,
        unit: str | None,
        *,
        difference: bool = False,
        per_second: bool = False,
    ) -> float | None:
        """Return the quantity at `path` in SI; None where it is missing or wrong (reported)."""
        value = at(document, *path)
        if value is None or unit is None:
            return None
        try:
            quantity = read_quantity(value)
            return si_value(quantity, unit, difference=difference, per_second=per_second)
        except QuantityError as error:
            if error.code not in _ALREADY_SAID:
                document.report(error.code, path, error.what, error.next_step)
            return None

    def span(
        self, document: Document, path: Path_, unit: str | None, *, difference: bool = False
    ) -> tuple[float, float] | None:
        """Return the pair at `path` in SI, low below high; None where it is not one (reported)."""
        pair = at(document, *path)
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        low = self.si(document, (*path, 0), unit, difference=difference)
        high = self.si(document, (*path, 1), unit, difference=difference)
        if low is None or high is None:
            return None
        if not low < high:
            document.report(
                "RH-1030",
                path,
                f"the low end ({pair[0]}) must be below the high end ({pair[1]})",
                f"write [{pair[1]}, {pair[0]}] if they were swapped"
                if low > high
                else "give the range a width",
            )
            return None
        return low, high


def at(document: Document, *path: str | int) -> Any:  # noqa: ANN401 - raw file data
    """Return what stands at `path`, or None."""
    node = document.tree
    for step in path:
        if isinstance(node, dict) and isinstance(step, str):
            node = node.get(step)
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node


def mapping(document: Document, *path: str | int) -> dict[str, Any]:
    """Return the mapping at `path`, or an empty one."""
    node = at(document, *path)
    return node if isinstance(node, dict) else {}


def texts(document: Document, *path: str | int) -> Iterator[tuple[int, str]]:
    """Yield the texts of the list at `path` with their positions."""
    node = at(document, *path)
    for number, item in enumerate(node if isinstance(node, list) else []):
        if isinstance(item, str):
            yield number, item
