from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.page_security.world import World


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A signed line with five registered people, fresh for one test."""
    world = World(tmp_path_factory.mktemp("page") / "s")
    yield world
    world.close()
