"""Mutants: one small change in one function each, made by mutmut's operators.

mutmut says what to change; this says of which modules, and puts a changed function in the place of
the right one while Python runs: its code object is exchanged. So no source is written, every test
sees the module it knows, and a mutant costs one `fork` instead of one start of Python.

What is not mutated, by rule:

* constants of modules and defaults of arguments: they are read before a test begins;
* the wording of a text with a space in it (a sentence, or SQL): tests assert the facts a message
  names and what a query finds, not how it is put. That a message is there, and which one, is
  mutated: its variable, the argument that carries it, the condition it stands under;
* upper or lower case in the name of an encoding, which Python does not tell apart.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators, operator_string
from mutmut.mutation.pragma_handling import IgnoredCode

from tests.mutation.scope import ROOT

_ENCODINGS = ("ascii", "utf-8")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed function: `text` is all of it, `was` and `becomes` the lines that differ."""

    path: str
    function: str
    first: int  # lines of the module on which the changed expression stands
    last: int
    start: int  # lines of the module on which the function stands
    end: int
    was: str
    becomes: str
    text: str

    @property
    def key(self) -> str:
        """Return what tells this mutant from all others, as long as its function stays as it is."""
        text = f"{self.path}\n{self.function}\n{self.was}\n{self.text}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_text(self) -> str:
        """Return the change as a person reads it."""
        return f"{self.path}:{self.first} {self.function}\n    - {self.was}\n    + {self.becomes}"


def _text_mutants(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """Yield other texts in the place of one that is no sentence."""
    said = node.evaluated_value if isinstance(node, cst.SimpleString) else ""
    if isinstance(said, str) and " " in said:
        return
    for other in operator_string(node):
        assert isinstance(other, cst.SimpleString)
        if str(other.evaluated_value).lower() not in _ENCODINGS:
            yield other


_OPERATORS = [
    (kind, _text_mutants if operator is operator_string else operator)
    for kind, operator in mutation_operators
]


class _Visitor(MutationVisitor):
    """mutmut's visitor, with decorated functions: exchanging code objects leaves decorators be."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef) and node.decorators:
            return False
        return bool(super()._skip_node_and_children(node))


def mutants_of(path: str) -> Iterator[Mutant]:
    """Yield every mutant of the module at `path` (relative to the project)."""
    source = (ROOT / path).read_text("utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Visitor(_OPERATORS, IgnoredCode(set(), set(), set()))
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    names = dict(_functions(module))
    seen: set[str] = set()
    for mutation in visitor.mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, cst.FunctionDef) or function not in names:
            continue
        before, after = (
            _text(function),
            _text(function.deep_replace(mutation.original_node, mutation.mutated_node)),
        )
        if _same_code(before, after):
            continue
        changed, whole = positions[mutation.original_node], positions[function]
        was, becomes = _difference(before, after)
        mutant = Mutant(
            path, names[function], changed.start.line, changed.end.line,
            whole.start.line, whole.end.line, was, becomes, after,
        )  # fmt: skip
        if mutant.key not in seen:
            seen.add(mutant.key)
            yield mutant


def _functions(module: cst.Module) -> Iterator[tuple[cst.CSTNode, str]]:
    for statement in module.body:
        if isinstance(statement, cst.FunctionDef):
            yield statement, statement.name.value
        elif isinstance(statement, cst.ClassDef):
            for part in statement.body.body:
                if isinstance(part, cst.FunctionDef):
                    yield part, f"{statement.name.value}.{part.name.value}"


def _text(function: cst.CSTNode) -> str:
    assert isinstance(function, cst.FunctionDef)
    return cst.Module([function.with_changes(decorators=[], leading_lines=[])]).code


def _same_code(before: str, after: str) -> bool:
    """Say whether only a default or an annotation changed, which no exchange of code can show."""
    return code_of(before) == code_of(after)


def _difference(before: str, after: str) -> tuple[str, str]:
    """Return the lines that differ, each side on one line."""
    one, other = before.splitlines(), after.splitlines()
    while one and other and one[0] == other[0]:
        del one[0], other[0]
    while one and other and one[-1] == other[-1]:
        del one[-1], other[-1]
    return _flat(one), _flat(other)


def _flat(lines: list[str]) -> str:
    return " ".join(part for line in lines for part in line.split()) if lines else "(nothing)"


def code_of(text: str, path: str = "mutant") -> CodeType:
    """Return the code object of the one function in `text`."""
    whole = compile("from __future__ import annotations\n" + text, path, "exec", dont_inherit=True)
    return next(item for item in whole.co_consts if isinstance(item, CodeType))


def functions_in(paths: list[str]) -> dict[tuple[str, str], list[FunctionType]]:
    """Return the living functions of the modules, by path and qualified name."""
    files = {str(ROOT / path): path for path in paths}
    found: dict[tuple[str, str], list[FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename in files:
            key = (files[one.__code__.co_filename], one.__code__.co_qualname)
            found.setdefault(key, []).append(one)
    return found
