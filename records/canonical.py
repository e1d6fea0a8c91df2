r"""Canonical JSON: one value, one spelling, so that a hash of the text is a hash of the value.

The rule, in full, so that anyone can write it again in another language:

* object keys are strings, sorted by Unicode code point; no spaces anywhere;
* text is ASCII; every other character is written as ``\uXXXX`` (surrogate pairs beyond the BMP);
* a float is the shortest text that reads back to the same IEEE double, always with a point or an
  exponent (``1.0``, ``1e+16``, ``-0.0``); an int has neither, so 1 and 1.0 stay distinguishable;
* JSON has no NaN: a non-finite float is written as the string ``"NaN"``, ``"Infinity"`` or
  ``"-Infinity"``. Where a number is due, a reader turns these three strings back into floats
  (`as_float`); a text that really says "NaN" is not mistaken, because the tag's type is known;
* enumerations are written as their value, tuples as arrays, dataclasses are not accepted (whoever
  records them says which fields).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any


def canonical_json(value: object) -> str:
    """Return the one canonical text of `value`.

    Raises TypeError for anything that is not None, bool, int, float, str, a sequence or a mapping
    with string keys: a record is made on purpose, never by accident of a default encoder.
    """
    return json.dumps(_spell(value), sort_keys=True, separators=(",", ":"))


def sha256_of(value: object) -> str:
    """Return the SHA-256 (64 hex digits) of the canonical text of `value`."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def in_canonical_order(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return `value` as it would be read back: its keys in canonical order at every depth.

    A sum of floats depends on its order, so a controller built from a configuration decides the
    same to the last bit only when the configuration comes in the same order.
    """
    ordered: dict[str, Any] = json.loads(canonical_json(value))
    return ordered


def as_float(written: object) -> float:
    """Return the float that was written, the three non-finite spellings included."""
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise TypeError(f"{written!r} is not a written number")
    if isinstance(written, str) and written not in ("NaN", "Infinity", "-Infinity"):
        raise ValueError(f"{written!r} is a text, not one of the three non-finite numbers")
    return float(written)


def _spell(value: object) -> object:
    """Return `value` made of plain JSON types only."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _spell_non_finite(value)
    if isinstance(value, Mapping):
        return {_key(key): _spell(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spell(item) for item in value]
    raise TypeError(f"a record cannot hold a {type(value).__name__}: {value!r}")


def _spell_non_finite(value: float) -> str:
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a record's key must be text, not {key!r}")
    return str(key)
