"""A copy of the project's configuration that a test may spoil."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.config_load import check_line
from service.config_problem import Problem

CONFIG = Path(__file__).resolve().parents[2] / "config"


@dataclass(frozen=True)
class Copy:
    """The copied files, and how to spoil them."""

    folder: Path

    @property
    def line(self) -> Path:
        return self.folder / "line.yaml"

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} no longer says {old!r}"
        path.write_text(text.replace(old, new, 1), "utf-8")

    def problems(self) -> list[Problem]:
        return check_line(self.line)

    def only_problem(self) -> Problem:
        found = self.problems()
        assert len(found) == 1, "\n".join(problem.as_text() for problem in found)
        return found[0]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    shutil.copytree(CONFIG, tmp_path / "config")
    return Copy(tmp_path / "config")
