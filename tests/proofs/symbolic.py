"""Turns the source of small pure functions into z3 terms over IEEE doubles, statement by statement.

What is proved is the text of the gate itself, not a copy of it: `term_of(function, arguments)`
reads the function's source and returns its result as a term, for all values of its arguments at
once. Understood are assignments, `if`, `return`, comparisons, `and`, `or`, `not`, the four
operations, tuples, attributes, dataclasses, named tuples, and calls of functions of the same
module. Anything else raises `UntranslatableError`, so that a proof can only be lost by a change,
never silently weakened.

Products of two unknowns, quotients, whatever is listed in `HAVOC` and what is reckoned from one of
these become arbitrary doubles, NaN and infinities included: what holds for any number holds for the
right one.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

import z3

DOUBLE = z3.Float64()
NEAREST, UP, DOWN = z3.RNE(), z3.RTP(), z3.RTN()
_SIGN = 1 << 63

Env = dict[str, Any]


class UntranslatableError(Exception):
    """A construct that has no translation; the proof must be looked at again."""


class Record:
    """A dataclass whose fields are terms."""

    def __init__(self, kind: str, values: Mapping[str, Any]) -> None:
        """Keep the fields by name."""
        self.kind, self.values = kind, dict(values)


def double(name: str) -> Any:
    """Return an arbitrary double."""
    return z3.FP(name, DOUBLE)


def number(value: float) -> Any:
    """Return a constant."""
    return z3.FPVal(value, DOUBLE)


def finite(*terms: Any) -> Any:
    """Say that none of the terms is NaN or infinite."""
    return z3.And(*(z3.Not(z3.Or(z3.fpIsNaN(t), z3.fpIsInf(t))) for t in terms))


def within_move(value: Any, applied: Any, step: Any) -> Any:
    """Say that |value - applied| <= step in real numbers.

    A double is not above a sum of doubles just when it is not above that sum rounded down.
    """
    highest, mirrored = z3.fpAdd(DOWN, applied, step), z3.fpAdd(DOWN, z3.fpNeg(applied), step)
    return z3.And(z3.fpLEQ(z3.fpNeg(mirrored), value), z3.fpLEQ(value, highest))


def between(one: Any, value: Any, other: Any) -> Any:
    """Say that `value` lies between the two, both included."""
    rising = z3.And(z3.fpLEQ(one, value), z3.fpLEQ(value, other))
    return z3.Or(rising, z3.And(z3.fpLEQ(other, value), z3.fpLEQ(value, one)))


def inside(span: tuple[Any, Any], value: Any) -> Any:
    """Say that `value` lies in the closed span."""
    return z3.And(z3.fpLEQ(span[0], value), z3.fpLEQ(value, span[1]))


def term_of(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    lemmas: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> Any:
    """Return the result of `function` for these terms, from its source.

    `lemmas` stand in for functions by name: what they return has been proved of those functions.
    """
    return _Reader(function, lemmas).result(arguments)


class _Reader:
    """Reads one function; calls of others in its module get a reader of their own."""

    fresh = 0

    def __init__(
        self, function: Callable[..., Any], lemmas: Mapping[str, Callable[..., Any]]
    ) -> None:
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise UntranslatableError(f"{function} is not a plain function")
        self.tree, self.names, self.lemmas = tree, function.__globals__, lemmas

    def result(self, arguments: Sequence[Any]) -> Any:
        names = [argument.arg for argument in self.tree.args.args]
        if len(names) != len(arguments):
            raise UntranslatableError(f"{self.tree.name} takes {names}")
        return self._run(self.tree.body, dict(zip(names, arguments, strict=True)))

    def _run(self, body: Sequence[ast.stmt], env: Env) -> Any:
        """Return what the statements return; both ways of an `if` are followed to their ends."""
        if not body:
            raise UntranslatableError(f"{self.tree.name} may end without a return")
        head, rest = body[0], body[1:]
        match head:
            case ast.Return(value=ast.expr() as value):
                return self._value(value, env)
            case ast.Expr(value=ast.Constant()):
                return self._run(rest, env)
            case ast.Assign(targets=[target], value=value):
                return self._run(rest, {**env, **_bound(target, self._value(value, env))})
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self._run(rest, {**env, **_bound(target, self._value(value, env))})
            case ast.If(test=test, body=then, orelse=otherwise):
                asked = z3.simplify(self._value(test, env))
                if z3.is_true(asked) or z3.is_false(asked):
                    return self._run([*(then if z3.is_true(asked) else otherwise), *rest], env)
                yes = self._run([*then, *rest], env)
                return choose(asked, yes, self._run([*otherwise, *rest], env))
        raise UntranslatableError(f"{self.tree.name}: {ast.unparse(head)}")

    def _value(self, node: ast.expr, env: Env) -> Any:
        match node:
            case ast.Constant(value=bool() as value):
                return z3.BoolVal(value)
            case ast.Constant(value=int() | float() as value):
                return number(float(value))
            case ast.Constant(value=None):
                return None
            case ast.Name(id=name) if name in env:
                return env[name]
            case ast.Name(id=name) if isinstance(self.names.get(name), float):
                return number(self.names[name])
            case ast.Tuple(elts=parts):
                return tuple(self._value(part, env) for part in parts)
            case ast.Attribute(value=ast.Name(id="math"), attr="inf"):
                return number(math.inf)
            case ast.Attribute(value=whole, attr=name):
                return self._value(whole, env).values[name]
            case ast.Subscript(value=whole, slice=ast.Constant(value=int() as place)):
                return self._value(whole, env)[place]
            case ast.UnaryOp(op=ast.USub(), operand=one):
                return z3.fpNeg(self._value(one, env))
            case ast.UnaryOp(op=ast.Not(), operand=one):
                return z3.Not(self._value(one, env))
            case ast.BoolOp(op=word, values=[first, *others]):
                every = isinstance(word, ast.And)
                one = z3.simplify(self._value(first, env))
                decided = z3.is_false(one) if every else z3.is_true(one)
                if decided or not others:
                    return one
                rest = self._value(ast.BoolOp(word, others), env)
                return z3.And(one, rest) if every else z3.Or(one, rest)
            case ast.Compare(left=left, ops=words, comparators=others):
                terms = [self._value(term, env) for term in (left, *others)]
                pairs = zip(words, terms, terms[1:], strict=False)
                return z3.And(*(_compared(word, a, b) for word, a, b in pairs))
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                yes, no = self._value(then, env), self._value(otherwise, env)
                return choose(self._value(test, env), yes, no)
            case ast.BinOp(left=ast.Constant(), op=ast.Pow(), right=right):
                return number(float(eval(ast.unparse(node))))  # a literal's power
            case ast.BinOp(left=left, op=word, right=right):
                return self._sum(word, self._value(left, env), self._value(right, env))
            case ast.Call(func=called, args=arguments, keywords=keywords):
                terms = [self._value(argument, env) for argument in arguments]
                named = {str(k.arg): self._value(k.value, env) for k in keywords}
                return self._call(called, terms, named)
        raise UntranslatableError(f"{self.tree.name}: {ast.unparse(node)}")

    def _sum(self, word: ast.operator, a: Any, b: Any) -> Any:
        if _is_arbitrary(a) or _is_arbitrary(b):
            return arbitrary()
        if isinstance(word, ast.Add):
            return z3.fpAdd(NEAREST, a, b)
        if isinstance(word, ast.Sub):
            return z3.fpSub(NEAREST, a, b)
        if isinstance(word, ast.Mult) and (z3.is_fp_value(a) or z3.is_fp_value(b)):
            return z3.fpMul(NEAREST, a, b)
        if isinstance(word, ast.Mult | ast.Div):
            return arbitrary()
        raise UntranslatableError(f"{self.tree.name}: {type(word).__name__}")

    def _call(self, called: ast.expr, terms: list[Any], named: dict[str, Any]) -> Any:
        name = ast.unparse(called)
        what = self.names.get(name)
        if isinstance(called, ast.Attribute) and name not in PRIMITIVES:
            name, what = called.attr, getattr(self.names[ast.unparse(called.value)], called.attr)
        if name in self.lemmas and not named:
            return self.lemmas[name](*terms)
        if name in HAVOC:
            return arbitrary()
        if name in PRIMITIVES:
            return PRIMITIVES[name](*terms)
        if keys := _fields_of(what):
            return Record(name, {**dict(zip(keys, terms, strict=False)), **named})
        if inspect.isfunction(what) and not named:
            return term_of(what, terms, self.lemmas)
        raise UntranslatableError(f"{self.tree.name}: call of {name}")


def _fields_of(what: object) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or a named tuple, of anything else none."""
    if is_dataclass(what):
        return tuple(field.name for field in fields(what))
    return getattr(what, "_fields", ())


def arbitrary() -> Any:
    """Return a double of which nothing is known."""
    _Reader.fresh += 1
    return double(f"any{_Reader.fresh}")


def _is_arbitrary(term: Any) -> bool:
    return bool(z3.is_const(term)) and str(term.decl().name()).startswith("any")


def choose(asked: Any, yes: Any, no: Any) -> Any:
    """Return `yes` where `asked` holds, else `no`, field by field."""
    if isinstance(yes, tuple) and isinstance(no, tuple) and len(yes) == len(no):
        return tuple(choose(asked, a, b) for a, b in zip(yes, no, strict=True))
    if isinstance(yes, Record) and isinstance(no, Record) and yes.values.keys() == no.values.keys():
        both = {key: choose(asked, yes.values[key], no.values[key]) for key in yes.values}
        return Record(yes.kind, both)
    if (yes is None) != (no is None):
        present, value = (asked, yes) if no is None else (z3.Not(asked), no)
        return Record("optional", {"present": present, "value": value})
    if z3.is_expr(yes) and z3.is_expr(no) and yes.sort() == no.sort():
        return z3.If(asked, yes, no)
    raise UntranslatableError(f"two ways that return different kinds: {yes!r}, {no!r}")


def _bound(target: ast.expr, value: Any) -> Env:
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple) and len(target.elts) == len(value):
        found: Env = {}
        for part, term in zip(target.elts, value, strict=True):
            found |= _bound(part, term)
        return found
    raise UntranslatableError(ast.unparse(target))


def _compared(word: ast.cmpop, a: Any, b: Any) -> Any:
    known = {ast.Lt: z3.fpLT, ast.LtE: z3.fpLEQ, ast.Gt: z3.fpGT, ast.GtE: z3.fpGEQ}
    if type(word) in known:
        return known[type(word)](a, b)
    if isinstance(word, ast.Eq):
        return z3.fpEQ(a, b)
    if isinstance(word, ast.NotEq):
        return z3.Not(z3.fpEQ(a, b))
    raise UntranslatableError(type(word).__name__)


def _python_max(*terms: Any) -> Any:
    best = terms[0]
    for term in terms[1:]:
        best = z3.If(z3.fpGT(term, best), term, best)
    return best


def _python_min(*terms: Any) -> Any:
    best = terms[0]
    for term in terms[1:]:
        best = z3.If(z3.fpLT(term, best), term, best)
    return best


def _sorted(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Put three in order by exchanging neighbours, as a sort by `<` does."""
    a, b, c = parts
    a, b = _exchanged(a, b)
    b, c = _exchanged(b, c)
    a, b = _exchanged(a, b)
    return a, b, c


def _exchanged(a: Any, b: Any) -> tuple[Any, Any]:
    turned = z3.fpLT(b, a)
    return z3.If(turned, b, a), z3.If(turned, a, b)


def _nextafter(x: Any, goal: Any) -> Any:
    bits, one = z3.fpToIEEEBV(x), z3.BitVecVal(1, 64)
    zero, negative = z3.fpIsZero(x), z3.fpIsNegative(x)
    above = z3.If(zero, one, z3.If(negative, bits - one, bits + one))
    below = z3.If(zero, z3.BitVecVal(_SIGN | 1, 64), z3.If(negative, bits + one, bits - one))
    moved = z3.fpBVToFP(z3.If(z3.fpLT(x, goal), above, below), DOUBLE)
    same = z3.If(z3.fpEQ(x, goal), goal, moved)
    return z3.If(z3.Or(z3.fpIsNaN(x), z3.fpIsNaN(goal)), z3.fpNaN(DOUBLE), same)


def _copysign(size: Any, sign: Any) -> Any:
    same = z3.fpIsNegative(size) == z3.fpIsNegative(sign)
    return z3.If(same, size, z3.fpNeg(size))


def _sign_of_sum(parts: tuple[Any, ...]) -> Any:
    """`math.fsum` of three terms, as far as its sign goes: exact, for it rounds only once.

    a + b + c < 0 is a + b < -c; and a sum rounded down is below a double just when the sum is.
    """
    a, b, c = parts
    down, up = z3.fpAdd(DOWN, a, b), z3.fpAdd(UP, a, b)
    other = z3.fpNeg(c)
    return z3.If(
        z3.fpLT(down, other), number(-1.0), z3.If(z3.fpGT(up, other), number(1.0), number(0.0))
    )


def as_reals(term: Any) -> Any:
    """Return a comparison of finite doubles as one of real numbers, which is far easier to decide.

    Finite doubles are ordered as the real numbers they are. Who calls this answers for their being
    finite. Sums are refused: doubles do not add like real numbers.
    """
    kind, parts = term.decl().kind(), [as_reals(part) for part in term.children()]
    if z3.is_fp_value(term):
        return z3.simplify(z3.fpToReal(term))
    if kind == z3.Z3_OP_UNINTERPRETED:
        return z3.Real(term.decl().name()) if z3.is_fp(term) else term
    if kind in (z3.Z3_OP_FPA_IS_NAN, z3.Z3_OP_FPA_IS_INF):
        return z3.BoolVal(False)
    if kind in _AS_REALS:
        return _AS_REALS[kind](*parts)
    if not parts:
        return term
    raise UntranslatableError(f"no order in {term.decl()}")


_AS_REALS: Mapping[int, Callable[..., Any]] = {
    z3.Z3_OP_FPA_LT: operator.lt,
    z3.Z3_OP_FPA_LE: operator.le,
    z3.Z3_OP_FPA_GT: operator.gt,
    z3.Z3_OP_FPA_GE: operator.ge,
    z3.Z3_OP_FPA_EQ: operator.eq,
    z3.Z3_OP_FPA_ABS: lambda x: z3.If(x < 0, -x, x),
    z3.Z3_OP_FPA_NEG: operator.neg,
    z3.Z3_OP_AND: z3.And,
    z3.Z3_OP_OR: z3.Or,
    z3.Z3_OP_NOT: z3.Not,
    z3.Z3_OP_ITE: z3.If,
    z3.Z3_OP_IMPLIES: z3.Implies,
}

HAVOC = {"single", "single_towards"}
"""Functions whose result is taken to be any double."""

PRIMITIVES: Mapping[str, Callable[..., Any]] = {
    "abs": z3.fpAbs,
    "len": lambda parts: number(float(len(parts))),
    "sorted": lambda parts: _sorted(parts),
    "min": _python_min,
    "max": _python_max,
    "math.isfinite": finite,
    "math.nextafter": _nextafter,
    "math.copysign": _copysign,
    "math.trunc": lambda x: z3.fpRoundToIntegral(z3.RTZ(), x),
    "math.fsum": _sign_of_sum,
}
