"""Reading the sealed dict strictly: what is not there, or not what it should be, raises.

No reader has a default, and every refusal is a sentence that names the place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Span = tuple[float, float]
"""A closed range (low, high) with low < high, both finite."""

LARGEST_INTEGER = 2**53
"""Beyond this a float cannot hold every integer: such a number was never meant."""


class RuleError(ValueError):
    """The sealed configuration does not say enough, or contradicts itself; nothing may start."""


def section(whole: object, key: str, where: str) -> Mapping[str, Any]:
    """Return the section `key` of `whole`."""
    part = whole.get(key) if isinstance(whole, Mapping) else None
    if not isinstance(part, Mapping):
        raise RuleError(f"{where} has no section {key!r}.")
    return part


def name_at(spec: Mapping[str, Any], key: str, where: str) -> str:
    """Return the name under `key`."""
    word = spec.get(key)
    if not isinstance(word, str) or not word:
        raise RuleError(f"{where}.{key} must be a name, not {word!r}.")
    return word


def names_at(spec: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return the list of names under `key`."""
    names = spec.get(key)
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n for n in names):
        raise RuleError(f"{where}.{key} must be a list of names, not {names!r}.")
    return tuple(names)


def number_from(value: object, place: str) -> float:
    """Return a finite number; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, float | int) or not _finite(value):
        raise RuleError(f"{place} must be a finite number, not {value!r}.")
    return float(value)


def _finite(value: float) -> bool:
    return abs(value) <= LARGEST_INTEGER if isinstance(value, int) else math.isfinite(value)


def positive_at(spec: Mapping[str, Any], key: str, where: str) -> float:
    """Return the number above zero under `key`."""
    number = number_from(spec.get(key), f"{where}.{key}")
    if number <= 0.0:
        raise RuleError(f"{where}.{key} must be above zero, not {number!r}.")
    return number


def not_negative_at(spec: Mapping[str, Any], key: str, where: str) -> float:
    """Return the number from zero under `key`."""
    number = number_from(spec.get(key), f"{where}.{key}")
    if number < 0.0:
        raise RuleError(f"{where}.{key} must not be below zero, but is {number!r}.")
    return number


def count_at(spec: Mapping[str, Any], key: str, where: str, least: int) -> int:
    """Return the whole number under `key`, at least `least`."""
    count = spec.get(key)
    if isinstance(count, bool) or not isinstance(count, int) or not least <= count < 2**31:
        raise RuleError(f"{where}.{key} must be a whole number from {least}, not {count!r}.")
    return count


def span_at(spec: Mapping[str, Any], key: str, where: str) -> Span:
    """Return the range under `key`: two finite numbers, the first below the second."""
    pair = spec.get(key)
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise RuleError(f"{where}.{key} must be a pair [low, high], not {pair!r}.")
    low, high = (
        number_from(pair[0], f"{where}.{key} low"),
        number_from(pair[1], f"{where}.{key} high"),
    )
    if not low < high:
        raise RuleError(f"{where}.{key} is inverted or has no width: [{low!r}, {high!r}].")
    return (low, high)
