"""The repository's own configuration, sealed once for all bench tests."""

from __future__ import annotations

import copy
import functools
from typing import Any

from hil.virtual_line import default_sealed


@functools.cache
def _sealed() -> dict[str, Any]:
    return default_sealed()


def sealed_line() -> dict[str, Any]:
    """A fresh copy: tests change ports and limits in it."""
    return copy.deepcopy(_sealed())
