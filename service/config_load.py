"""The configuration door: files in, one sealed dictionary out, or every reason why not.

Nothing is started, connected or written here, and nothing but the files is looked at: no
environment variable and no command-line option can change a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from records.canonical import sha256_of
from service.config_controller import check_controllers
from service.config_desk import Desk, at
from service.config_limits import check_limits, check_targets, check_times
from service.config_model import LineFile, Recipe
from service.config_model_limits import Limits
from service.config_model_wire import Tags
from service.config_people import People, check_people
from service.config_problem import ConfigError, Problem, did_you_mean
from service.config_seal import seal
from service.config_shape import check_shape
from service.config_sources import check_sources
from service.config_wiring import check_loops, check_tags
from service.config_yaml import Document, read_document


@dataclass(frozen=True, slots=True)
class LoadedLine:
    """A line's configuration after every check: `sealed` (SI, JSON data) and its SHA-256.

    `files` are those it was read from.
    """

    sealed: dict[str, Any]
    sha256: str
    files: tuple[Path, ...]


def load_line(path: Path) -> LoadedLine:
    """Return the sealed configuration of the line described in `path`.

    Raises:
        ConfigError: something is wrong; it carries every problem of every file.
    """
    desk = _read(path)
    problems, sealed = _judge(desk)
    if problems or sealed is None:
        raise ConfigError(problems)
    files = tuple(Path(document.name) for document in desk.documents())
    return LoadedLine(sealed, sha256_of(sealed), files)


def check_line(path: Path) -> list[Problem]:
    """Return everything that is wrong with the line in `path`, in the order of the files."""
    return _judge(_read(path))[0]


def _judge(desk: Desk) -> tuple[list[Problem], dict[str, Any] | None]:
    line = cast("LineFile | None", check_shape(desk.line, LineFile))
    tags = cast("Tags | None", check_shape(desk.tags, Tags))
    limits = cast("Limits | None", check_shape(desk.limits, Limits))
    recipe = cast("Recipe | None", check_shape(desk.recipe, Recipe))
    people = None
    if desk.people is not None:
        people = cast("People | None", check_shape(desk.people, People))
    check_sources(desk)
    check_tags(desk)
    check_loops(desk)
    check_controllers(desk)
    check_limits(desk)
    check_targets(desk)
    check_times(desk)
    check_people(desk)
    problems = [
        problem
        for document in desk.documents()
        for problem in sorted(document.problems, key=lambda p: (p.line, p.column, p.code))
    ]
    if problems or line is None or tags is None or limits is None or recipe is None:
        return problems, None
    return [], seal(line, tags, limits, recipe, people)


def _read(path: Path) -> Desk:
    line = read_document(path, str(path), "")
    others = {key: _read_named(line, path, key) for key in ("recipe", "tags", "limits")}
    named = at(line, "people") is not None
    people = _read_named(line, path, "people") if named else None
    return Desk(line, others["recipe"], others["tags"], others["limits"], people)


def _read_named(line: Document, path: Path, key: str) -> Document:
    """Read the file that `key` in the line's file names; a missing one is reported there."""
    name = at(line, key)
    if not isinstance(name, str) or not name:
        return Document("", key)
    target = path.parent / name
    document = read_document(target, str(target), "" if key in ("tags", "people") else key)
    for problem in [p for p in document.problems if p.code == "RH-1001"]:
        document.problems.remove(problem)
        near = [str(p.relative_to(path.parent)) for p in path.parent.rglob("*.yaml")]
        line.report("RH-1001", (key,), f"{name}: {problem.what}.{did_you_mean(name, near)}",
                    problem.next)  # fmt: skip
    return document
