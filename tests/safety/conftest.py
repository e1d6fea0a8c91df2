"""Fixtures of the gate's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.safety.builders import Drive
from tests.safety.said import Ear, Writer, ears_on, is_unheard, name_of, reference


@pytest.fixture
def drive() -> Drive:
    """A loop in AUTO, one quiet cycle in."""
    loop = Drive()
    loop.to_auto()
    return loop


@pytest.fixture(autouse=True)
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compare whatever the gate says during a test with what it said before (tests.safety.said)."""
    if is_unheard(request.node):
        yield
        return
    ear = Ear()
    ears_on(request.module, ear, monkeypatch)
    yield
    name = name_of(request.node)
    for plugin in request.config.pluginmanager.get_plugins():
        if type(plugin).__name__ == Writer.__name__:  # run as a module, it is another class
            plugin.ears[name] = ear
            return
    said_before = reference().get(name)
    assert (ear.told() if ear.lines else None) == said_before, (
        f"{name}: the gate says something else than before. If that is meant: "
        "python -m tests.safety.said, and look at the difference"
    )
