"""Fixtures of the gate's tests."""

from __future__ import annotations

import pytest

from tests.safety.builders import Drive


@pytest.fixture
def drive() -> Drive:
    """A loop in AUTO, one quiet cycle in."""
    loop = Drive()
    loop.to_auto()
    return loop
