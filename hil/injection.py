"""One fault made ready for one world: how it begins, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _nothing() -> None:
    """Nothing ends by itself."""


@dataclass(frozen=True, slots=True)
class Injection:
    """`begin` happens at the moment the catalogue names, `end` when the fault is over."""

    begin: Callable[[], None]
    end: Callable[[], None] = _nothing
