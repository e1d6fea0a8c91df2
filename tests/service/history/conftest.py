"""The records of a line in miniature, followed into both kinds of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from service.history.day_files import DayFiles
from service.history.postgres import Postgres
from service.history.store import Store
from tests.service.history.world import make_records, programs, server


@pytest.fixture(scope="package")
def database() -> Iterator[str]:
    bin_ = programs()
    if bin_ is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    with server(bin_) as url:
        yield url


@pytest.fixture(scope="package")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    make_records(folder)
    return folder


@pytest.fixture(params=["day files", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "day files":
        made: Store = DayFiles(tmp_path / "history", write=True)
    else:
        made = Postgres(request.getfixturevalue("database"), f"line-{uuid4().hex[:8]}")
    yield made
    made.close()
