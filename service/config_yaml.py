"""YAML 1.2 files into plain data that remembers line and column of every key and value.

Everything that could make a person and the machine read different things is refused here:
duplicate keys, anchors and aliases, merge keys, explicit tags, directives, several documents.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from service.config_problem import WHY, Problem

Path_ = tuple[str | int, ...]
"""The way to a value: keys and list positions."""

_PREFIX = "tag:yaml.org,2002:"
_LARGEST_FILE = 4_000_000


@dataclass(slots=True)
class Document:
    """One file: its data (`tree`, None when unreadable), the places, and what was wrong."""

    name: str
    root: str
    tree: Any = None
    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    keys: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path_, tuple[int, int]] = field(default_factory=dict)

    def report(
        self, code: str, path: Path_, what: str, next_step: str, *, at_key: bool = False
    ) -> None:
        """Add a problem at the value of `path`, or at its key; else at the nearest parent."""
        line, column = self._place(path, at_key=at_key)
        self.report_at(code, path, line, column, what, next_step)

    def _place(self, path: Path_, *, at_key: bool) -> tuple[int, int]:
        first, second = (self.keys, self.values) if at_key else (self.values, self.keys)
        for length in range(len(path), 0, -1):
            part = path[:length]
            place = first.get(part) or second.get(part)
            if place is not None:
                return place
            first = self.keys  # a missing thing is shown at the name of what it is missing from
        return self.values.get((), (1, 1))

    def report_at(
        self, code: str, path: Path_, line: int, column: int, what: str, next_step: str
    ) -> None:
        """Add a problem at a place that is known."""
        parts = ([self.root] if self.root else []) + [str(part) for part in path]
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        problem = Problem(
            code, self.name, line, column, ".".join(parts), what, WHY[code], next_step, source
        )
        if problem not in self.problems:
            self.problems.append(problem)


def read_document(path: Path, name: str, root: str) -> Document:
    """Read `path`; whatever is wrong with it is in the answer's `problems`, never raised."""
    document = Document(name, root)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            document.report("RH-1001", (), "the file is far too large", "check the path")
            return document
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        document.report("RH-1001", (), "no such file", "check the path, or put the file there")
        return document
    except IsADirectoryError:
        document.report("RH-1001", (), "this is a folder, not a file", "name the file inside it")
        return document
    except (OSError, ValueError) as error:
        text_of = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        document.report("RH-1001", (), f"cannot be read: {text_of}", "make it a readable text file")
        return document
    document.lines = text.splitlines()
    root_node = _compose(text, document)
    if root_node is not None:
        document.tree = _build(root_node, (), document)
    return document


def _compose(text: str, document: Document) -> Node | None:
    for number, source in enumerate(document.lines, 1):
        if source.startswith("%"):
            document.report_at(
                "RH-1004", (), number, 1, "YAML directives are not allowed", "delete this line"
            )
            return None
    try:
        node = _nodes(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = f"not readable as YAML: {error.problem or error.context}"
        document.report_at(
            "RH-1002", (), line, column, what, "look at the indentation, quotes and brackets here"
        )
        return None
    except YAMLError as error:
        first = str(error).splitlines()[0] if str(error) else "unknown reason"
        document.report("RH-1002", (), f"not readable as YAML: {first}", "save it as plain text")
        return None
    if not isinstance(node, MappingNode):
        what = "the file is empty" if node is None else "the file is not a list of 'name: value'"
        document.report("RH-1002", (), what, "start from the file of the same name in config/")
        return None
    return node


@functools.lru_cache(maxsize=8)
def _nodes(text: str) -> Node | None:
    """Return the nodes of a text, for reading only: the same text is not taken apart again."""
    node: Node | None = YAML(pure=True).compose(io.StringIO(text))
    return node


def _build(node: Node, path: Path_, document: Document) -> Any:  # noqa: ANN401 - raw file data
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    document.values.setdefault(path, (line, column))
    if getattr(node, "anchor", None):
        document.report_at(
            "RH-1004", path, line, column, "anchors and aliases (&, *) are not allowed",
            "write the value out in full",
        )  # fmt: skip
    if isinstance(node, MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, SequenceNode):
        return [_build(item, (*path, i), document) for i, item in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        return _scalar(node, path, document)
    raise TypeError(f"YAML has no node of type {type(node).__name__}")


def _mapping(node: MappingNode, path: Path_, document: Document) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
        if not isinstance(key_node, ScalarNode) or key_node.value == "<<":
            document.report_at(
                "RH-1004", path, line, column, "only plain names may stand before a colon",
                "write every name and value out in full",
            )  # fmt: skip
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in tree:
            first = document.keys[here][0]
            document.report_at(
                "RH-1003", here, line, column, f"duplicate key, first written on line {first}",
                "keep one of the two and delete the other",
            )  # fmt: skip
            continue
        document.keys[here] = (line, column)
        tree[key] = _build(value_node, here, document)
    return tree


def _scalar(node: ScalarNode, path: Path_, document: Document) -> Any:  # noqa: ANN401 - raw file data
    kind = str(node.tag).removeprefix(_PREFIX)
    text = str(node.value)
    # a quoted or explicitly tagged text stays a text; only plain scalars become numbers
    if node.style is not None:
        return text
    try:
        match kind:
            case "int":
                return int(text.replace("_", ""), 0 if text[:2].lower() in ("0x", "0o") else 10)
            case "float":
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
            case "bool":
                return text.lower() == "true"
            case "null":
                return None
            case "str":
                return text
    except ValueError:
        pass
    place = (node.start_mark.line + 1, node.start_mark.column + 1)
    document.report_at(
        "RH-1004", path, *place, f"values of the kind '{kind}' are not allowed",
        "write a plain text or number",
    )  # fmt: skip
    return None
