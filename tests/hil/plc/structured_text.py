"""A small strict interpreter of the IEC 61131-3 Structured Text that `rheostat.st` is written in.

It knows BOOL, DINT, REAL (rounded to 32 bits after every operation), arrays, IF, FOR and function
blocks, and refuses all else: an unknown word, mixed types, an index outside its array, a BOOL used
as a number, a written input. A block is compiled to closures; `Block.scan(**inputs)` runs it once.
"""

from __future__ import annotations

import operator
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"\(\*.*?\*\)|\s+|(?P<real>\d+\.\d+(?:E[+-]?\d+)?)|(?P<int>\d+(?!\.\d))"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<sign>:=|<>|<=|>=|\.\.|[-+*/<>=()\[\];:,])",
    re.DOTALL,
)
SECTIONS = ("VAR_INPUT", "VAR_OUTPUT", "VAR")
COMPARE = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt,
           "<=": operator.le, ">=": operator.ge}  # fmt: skip
ZERO: Mapping[str, Any] = {"BOOL": False, "DINT": 0, "REAL": 0.0}

Memory = dict[str, Any]
Getter = Callable[[Memory], Any]
Doer = Callable[[Memory], None]


class StructuredTextError(Exception):
    """The text is not of the subset, or did something a PLC must not do."""


def real(value: float) -> float:
    """Round to a 32-bit REAL; too large becomes infinite, as in hardware."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0.0 else float("-inf")


@dataclass(frozen=True)
class Variable:
    """One declared name. `size` 0 is no array."""

    section: str
    kind: str
    size: int
    initial: Any


@dataclass
class Block:
    """An instance: `memory` holds what it remembers between scans."""

    variables: Mapping[str, Variable]
    body: Doer
    memory: Memory = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, variable in self.variables.items():
            initial = variable.initial
            self.memory[name] = [initial] * variable.size if variable.size else initial

    def scan(self, **inputs: Any) -> Memory:
        """Give the inputs that changed, run once, return the memory."""
        for name, value in inputs.items():
            variable = self.variables[name]
            if variable.section != "VAR_INPUT":
                raise StructuredTextError(f"{name} is no input")
            values = value if variable.size else [value]
            if any(type(one) is not type(ZERO[variable.kind]) for one in values):
                raise StructuredTextError(f"{name} takes {variable.kind}, not {value!r}")
            if variable.kind == "REAL":
                values = [real(one) for one in values]
            self.memory[name] = (
                values + [ZERO[variable.kind]] * (variable.size - len(values))
                if variable.size
                else values[0]
            )
        self.body(self.memory)
        return self.memory


class Library:
    """The function blocks of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._blocks: dict[str, tuple[dict[str, Variable], Doer]] = {}
        while self._peek() != "":
            self._function_block()

    def make(self, name: str) -> Block:
        """Return a fresh instance."""
        variables, body = self._blocks[name]
        return Block(variables, body)

    def _function_block(self) -> None:
        self._take("FUNCTION_BLOCK")
        name = self._name()
        self._variables: dict[str, Variable] = {}
        while self._peek() in SECTIONS:
            self._section(self._next())
        body = self._statements("END_FUNCTION_BLOCK")
        self._take("END_FUNCTION_BLOCK")
        self._blocks[name] = (self._variables, body)

    def _section(self, section: str) -> None:
        while self._peek() != "END_VAR":
            name = self._name()
            self._take(":")
            size = 0
            if self._peek() == "ARRAY":
                for sign in ("ARRAY", "[", "0", ".."):
                    self._take(sign)
                size = int(self._next()) + 1
                self._take("]")
                self._take("OF")
            kind = self._next()
            if kind not in ZERO or name in self._variables:
                raise StructuredTextError(f"{name}: {kind}")
            initial = ZERO[kind]
            if self._peek() == ":=":
                self._next()
                found, value = self._primary()
                if found != kind:
                    raise StructuredTextError(f"{name}: {kind} begins with {found}")
                initial = value({})
            self._take(";")
            self._variables[name] = Variable(section, kind, size, initial)
        self._take("END_VAR")

    def _statements(self, *ends: str) -> Doer:
        doers: list[Doer] = []
        while self._peek() not in ends:
            doers.append(self._statement())

        def run(memory: Memory) -> None:
            for doer in doers:
                doer(memory)

        return run

    def _statement(self) -> Doer:
        if self._peek() == "IF":
            return self._if()
        if self._peek() == "FOR":
            return self._for()
        name, kind, index = self._place()
        if self._variables[name].section == "VAR_INPUT":
            raise StructuredTextError(f"the input {name} is written")
        self._take(":=")
        value = self._expect(kind, self._expression())
        self._take(";")
        return _assign(name, index, value)

    def _if(self) -> Doer:
        arms: list[tuple[Getter, Doer]] = []
        word = self._next()
        while word in ("IF", "ELSIF"):
            test = self._expect("BOOL", self._expression())
            self._take("THEN")
            arms.append((test, self._statements("ELSIF", "ELSE", "END_IF")))
            word = self._next()
        if word == "ELSE":
            arms.append((lambda memory: True, self._statements("END_IF")))
            word = self._next()
        if word != "END_IF":
            raise StructuredTextError(f"END_IF expected, not {word}")
        self._take(";")

        def run(memory: Memory) -> None:
            for test, body in arms:
                if test(memory):
                    body(memory)
                    return

        return run

    def _for(self) -> Doer:
        self._take("FOR")
        name = self._name()
        self._take(":=")
        first = self._expect("DINT", self._expression())
        self._take("TO")
        last = self._expect("DINT", self._expression())
        self._take("DO")
        body = self._statements("END_FOR")
        self._take("END_FOR")
        self._take(";")

        def run(memory: Memory) -> None:
            for at in range(first(memory), last(memory) + 1):
                memory[name] = at
                body(memory)

        return run

    def _expression(self) -> tuple[str, Getter]:
        left = self._and()
        while self._peek() == "OR":
            self._next()
            left = self._logic(left, self._and(), any)
        return left

    def _and(self) -> tuple[str, Getter]:
        left = self._comparison()
        while self._peek() == "AND":
            self._next()
            left = self._logic(left, self._comparison(), all)
        return left

    def _logic(
        self, left: tuple[str, Getter], right: tuple[str, Getter], fold: Callable[[Any], bool]
    ) -> tuple[str, Getter]:
        a, b = self._expect("BOOL", left), self._expect("BOOL", right)
        return "BOOL", lambda memory: fold([a(memory), b(memory)])  # both sides, as IEC may

    def _comparison(self) -> tuple[str, Getter]:
        kind, left = self._sum()
        if self._peek() not in COMPARE:
            return kind, left
        compare = COMPARE[self._next()]
        if kind == "BOOL":
            raise StructuredTextError("BOOLs are not compared here")
        right = self._expect(kind, self._sum())
        return "BOOL", lambda memory: compare(left(memory), right(memory))

    def _sum(self) -> tuple[str, Getter]:
        left = self._product()
        while self._peek() in ("+", "-"):
            left = self._arithmetic(left, self._next(), self._product())
        return left

    def _product(self) -> tuple[str, Getter]:
        left = self._primary()
        while self._peek() in ("*", "/"):
            left = self._arithmetic(left, self._next(), self._primary())
        return left

    def _arithmetic(
        self, left: tuple[str, Getter], sign: str, right: tuple[str, Getter]
    ) -> tuple[str, Getter]:
        kind, a = left
        b = self._expect(kind, right)
        act = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign]
        if kind == "REAL":
            return kind, lambda memory: real(act(a(memory), b(memory)))
        if kind != "DINT" or sign == "/":
            raise StructuredTextError(f"{kind} {sign} {kind}")
        return kind, lambda memory: _dint(act(a(memory), b(memory)))

    def _primary(self) -> tuple[str, Getter]:
        token = self._peek()
        if token == "(":
            self._next()
            inner = self._expression()
            self._take(")")
            return inner
        if token == "NOT":
            self._next()
            denied = self._expect("BOOL", self._primary())
            return "BOOL", lambda memory: not denied(memory)
        if token == "-":
            self._next()
            kind, value = self._primary()
            if kind == "BOOL":
                raise StructuredTextError("- BOOL")
            return kind, lambda memory: -value(memory)
        if token in ("TRUE", "FALSE"):
            truth = self._next() == "TRUE"
            return "BOOL", lambda memory: truth
        if token[:1].isdigit():
            self._next()
            number: Any = real(float(token)) if "." in token else int(token)
            return ("REAL" if "." in token else "DINT"), lambda memory: number
        name, kind, index = self._place()
        if index is None:
            return kind, lambda memory: memory[name]
        at = index
        return kind, lambda memory: memory[name][_inside(name, at(memory), memory)]

    def _place(self) -> tuple[str, str, Getter | None]:
        name = self._name()
        variable = self._variables.get(name)
        if variable is None:
            raise StructuredTextError(f"{name} is not declared")
        if not variable.size:
            return name, variable.kind, None
        self._take("[")
        index = self._expect("DINT", self._expression())
        self._take("]")
        return name, variable.kind, index

    def _expect(self, kind: str, found: tuple[str, Getter]) -> Getter:
        if found[0] != kind:
            raise StructuredTextError(f"{found[0]} where {kind} must be, before {self._peek()!r}")
        return found[1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _name(self) -> str:
        name = self._next()
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            raise StructuredTextError(f"a name expected, not {name!r}")
        return name

    def _take(self, expected: str) -> None:
        found = self._next()
        if found != expected:
            raise StructuredTextError(f"{expected} expected, not {found}")


def _assign(name: str, index: Getter | None, value: Getter) -> Doer:
    def plain(memory: Memory) -> None:
        memory[name] = value(memory)

    def into(memory: Memory) -> None:
        assert index is not None
        memory[name][_inside(name, index(memory), memory)] = value(memory)

    return plain if index is None else into


def _inside(name: str, index: int, memory: Memory) -> int:
    if not 0 <= index < len(memory[name]):
        raise StructuredTextError(f"{name}[{index}] is outside its array")
    return index


def _dint(value: int) -> int:
    if not -(2**31) <= value < 2**31:
        raise StructuredTextError(f"{value} does not fit into a DINT")
    return value


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise StructuredTextError(f"cannot read {text[at : at + 20]!r}")
        if match.lastgroup:
            found.append(match.group())
        at = match.end()
    return found
