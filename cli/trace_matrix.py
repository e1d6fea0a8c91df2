"""The trace matrix: requirement -> risk -> test -> result, from the catalogue, the tests and JUnit.

A requirement is shown when it is not listed as open and every test linked to it has passed. One
that is neither shown nor open is an orphan, and the matrix says so.
"""

from __future__ import annotations

import ast
import html
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PASSED, FAILED, SKIPPED, NOT_RUN = "passed", "failed", "skipped", "not run"


@dataclass(frozen=True, slots=True)
class Linked:
    """A test that names a requirement, as pytest calls it, and how its last run ended."""

    test: str
    result: str


@dataclass(frozen=True, slots=True)
class Traced:
    """One requirement with its tests; `status` is shown, open, failed, not run or orphan."""

    id: str
    shall: str
    risk: str
    open: str
    status: str
    tests: tuple[Linked, ...]


class CatalogueError(ValueError):
    """The catalogue cannot be read; the text says why."""


def read_catalogue(path: Path) -> dict[str, dict[str, str]]:
    """Return the requirements of the catalogue file: id to shall, risk and, where so, open."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        tree = YAML(typ="safe", pure=True).load(path)
        rows = dict(tree["requirements"])
    except (OSError, YAMLError, KeyError, TypeError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error
    for name, row in rows.items():
        if not {"shall", "risk"} <= set(row) <= {"shall", "risk", "open"} or not all(row.values()):
            raise CatalogueError(f"{path}: {name} needs shall and risk, and may say open")
    return rows


def linked_tests(root: Path) -> dict[str, set[str]]:
    """Return the tests under `root`/tests that name a requirement: id to pytest names."""
    found: dict[str, set[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for name, ids in _marked(ast.parse(path.read_text("utf-8"))):
            for one in ids:
                found.setdefault(one, set()).add(f"{module}.{name}")
    return found


def results(junit: Path) -> dict[str, str]:
    """Return how each test of a JUnit file ended; a test with parameters by its worst case."""
    ended: dict[str, str] = {}
    worst = (PASSED, SKIPPED, FAILED)
    for case in ET.parse(junit).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{str(case.get('name')).partition('[')[0]}"
        kinds = {child.tag for child in case}
        result = FAILED if kinds & {"failure", "error"} else PASSED
        result = SKIPPED if "skipped" in kinds else result
        ended[name] = max(ended.get(name, PASSED), result, key=worst.index)
    return ended


def matrix(
    catalogue: Mapping[str, Mapping[str, str]],
    tests: Mapping[str, Iterable[str]],
    ended: Mapping[str, str],
) -> list[Traced]:
    """Return the whole matrix, in the catalogue's order; unknown requirements come last."""
    rows = []
    for name, row in catalogue.items():
        linked = _linked(tests.get(name, ()), ended)
        why = row.get("open", "")
        rows.append(Traced(name, row["shall"], row["risk"], why, _status(why, linked), linked))
    for name in sorted(set(tests) - set(catalogue)):
        linked = _linked(tests[name], ended)
        rows.append(Traced(name, "not in the catalogue", "", "", "orphan", linked))
    return rows


def as_json(rows: Iterable[Traced]) -> list[dict[str, Any]]:
    """Return the matrix as plain data."""
    return [asdict(row) for row in rows]


def as_html(rows: Iterable[Traced], heading: str) -> str:
    """Return the matrix as one page that needs nothing else."""
    body = []
    for row in rows:
        tests = "<br>".join(f"{_e(one.test)} <b>{_e(one.result)}</b>" for one in row.tests)
        cells = (row.id, row.shall, row.risk, row.status, row.open)
        body.append(f"<tr class='{_e(row.status.replace(' ', '-'))}'>"
                    + "".join(f"<td>{_e(cell)}</td>" for cell in cells)
                    + f"<td>{tests or '-'}</td></tr>")  # fmt: skip
    heads = "".join(
        f"<th>{head}</th>" for head in ("ID", "Shall", "Risk", "Status", "Open because", "Tests")
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_e(heading)}</title>"
        f"<style>{_STYLE}</style><h1>{_e(heading)}</h1><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></html>\n"
    )


_STYLE = (
    "body{font:14px/1.4 'Noto Sans','Segoe UI',sans-serif;margin:24px;color:#22262a}"
    "table{border-collapse:collapse}td,th{border:1px solid #c9ccce;padding:4px 8px;"
    "text-align:left;vertical-align:top}tr.orphan td,tr.failed td,tr.not-run td{color:#a30f1f}"
    "tr.open td{color:#50565c}"
)


def _status(why: str, linked: tuple[Linked, ...]) -> str:
    ends = {one.result for one in linked}
    if FAILED in ends:
        return "failed"
    if why:
        return "open"
    if not linked:
        return "orphan"
    return "shown" if ends == {PASSED} else "not run"


def _linked(names: Iterable[str], ended: Mapping[str, str]) -> tuple[Linked, ...]:
    return tuple(Linked(name, ended.get(name, NOT_RUN)) for name in sorted(names))


def _marked(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Yield every test function of a module with the requirements it names."""
    everywhere = {one for node in tree.body if isinstance(node, ast.Assign)
                  and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
                  for one in _named(node.value)}  # fmt: skip
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            shared = everywhere | {one for mark in node.decorator_list for one in _named(mark)}
            yield from ((f"{node.name}.{n}", ids) for n, ids in _functions(node.body, shared))
    yield from _functions(tree.body, everywhere)


def _functions(body: Iterable[ast.stmt], shared: set[str]) -> Iterator[tuple[str, set[str]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            yield node.name, shared | {one for d in node.decorator_list for one in _named(d)}


def _named(node: ast.expr) -> Iterator[str]:
    """Yield the requirements that a decorator names, also inside its parameters."""
    for call in ast.walk(node):
        match call:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=[ast.Constant(value=name)]):
                yield str(name)


def _e(text: str) -> str:
    return html.escape(text, quote=True)
