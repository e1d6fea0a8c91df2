"""Small CasADi functions as machine code: generated C, the system's compiler, a cache on disk.

A cached library is named `<what>-<its own SHA-256>.so`, where <what> is a hash of source, flags
and processor. So a truncated or altered file is never loaded, two processes that compile at
once cannot mix their results, and a changed model or machine never meets an old library. Whatever
fails (no compiler, no writable cache, a library that disagrees), CasADi's own interpreter does the
same work more slowly, and a note says why.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import casadi as ca
import numpy as np

from plant_models.control_model import Expression, Vector

COMPILE: Final = (
    "-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-fPIC", "-c",
)  # fmt: skip
# Linked apart and without -ffast-math: with it, gcc before 13 makes every library it links switch
# the whole process to flushing denormal numbers to zero.
LINK: Final = ("-shared", "-Wl,-Bsymbolic")  # its own names first: libc has an `advance` too
COMPILERS: Final = ("cc", "gcc", "clang")
"""Looked for in this order where no other one is named."""
COMPILE_TIMEOUT_S: Final = 120.0  # at start-up only, never within a cycle
AGREEMENT: Final = 1e-7  # of each function's largest output: more than rounding, less than a fault


@dataclass(frozen=True, slots=True)
class Sampled:
    """A function to compile, with inputs at which the machine code must agree with CasADi."""

    function: Expression  # casadi.Function
    inputs: Sequence[Vector]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The functions in the order asked for; `note` says why they are slow, or is ''."""

    functions: tuple[Expression, ...]
    note: str


class NotCompiledError(Exception):
    """Why there is no machine code."""


def default_cache() -> Path:
    """Where libraries are kept unless told otherwise: the user's cache directory (XDG)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rheostat" / "compiled"


def compiled(
    wanted: Sequence[Sampled], cache: Path | None = None, compiler: str | None = None
) -> Compiled:
    """Return `wanted` as machine code from the cache, freshly compiled, or else as they are."""
    try:
        path = library(wanted, "", cache, compiler)
        functions = tuple(ca.external(want.function.name(), str(path)) for want in wanted)
    except (NotCompiledError, OSError, RuntimeError) as error:
        note = f"solving with CasADi's interpreter, some times slower: {error}"
        return Compiled(tuple(want.function for want in wanted), note)
    return Compiled(functions, "")


def library(
    wanted: Sequence[Sampled],
    more: str,
    cache: Path | None = None,
    compiler: str | None = None,
    flags: Sequence[str] = COMPILE,
) -> Path:
    """The library of `wanted` and of the C source `more`, from the cache or freshly compiled.

    Raises:
        NotCompiledError: there is none, or it disagrees with CasADi's interpreter.
        OSError, RuntimeError: the cache cannot be used, or the library not be loaded.
    """
    path = _library(_source(wanted) + more, cache or default_cache(), compiler, flags)
    for want in wanted:
        _must_agree(want, ca.external(want.function.name(), str(path)))
    return path


def _source(wanted: Sequence[Sampled]) -> str:
    generator = ca.CodeGenerator("stage", {"with_header": False})
    for want in wanted:
        generator.add(want.function)
    return str(generator.dump())


def _library(source: str, directory: Path, compiler: str | None, flags: Sequence[str]) -> Path:
    """The cached library of `source`, compiled now if it is not there."""
    what = _what(source, flags)
    if found := _cached(directory, what):
        return found
    names = COMPILERS if compiler is None else (compiler,)
    command = next(filter(None, map(shutil.which, names)), None)
    if command is None:
        called = " or ".join(repr(name) for name in names)
        raise NotCompiledError(f"there is no C compiler called {called} on this machine")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _must_be_ours(directory)
    # Inside the cache, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(dir=directory, prefix="making-") as making:
        (Path(making) / "stage.c").write_text(source, encoding="utf-8")
        _run([command, *flags, "stage.c", "-o", "stage.o"], making)
        _run([command, *LINK, "stage.o", "-o", "stage.so", "-lm"], making)
        made = Path(making) / "stage.so"
        final = directory / f"{what}-{_digest(made.read_bytes())}.so"
        os.replace(made, final)
    return final


def _cached(directory: Path, what: str) -> Path | None:
    """A library for `what` whose content is what its name says."""
    if not directory.is_dir():
        return None
    for path in sorted(directory.glob(f"{what}-*.so")):
        _must_be_ours(directory)
        if path.name == f"{what}-{_digest(path.read_bytes())}.so":
            return path
    return None


def _must_be_ours(directory: Path) -> None:
    """A library is a programme: load none from where somebody else may have put it."""
    info = directory.stat()
    if info.st_uid not in (0, os.getuid()) or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotCompiledError(
            f"{directory} belongs to somebody else, or others may write there;"
            " make it yours with mode 700"
        )


def _run(command: Sequence[str], directory: str) -> None:
    try:
        done = subprocess.run(  # the command is ours, its name comes from the system's own path
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotCompiledError(f"{command[0]} took more than {COMPILE_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise NotCompiledError(f"{command[0]} failed: {said}")


def _must_agree(want: Sampled, function: Expression) -> None:
    """Compare machine code with CasADi's interpreter where the caller says it matters."""
    pairs = zip(want.function.call(want.inputs), function.call(want.inputs), strict=True)
    for expected, got in pairs:
        a, b = np.asarray(expected, dtype=float), np.asarray(got, dtype=float)
        if not np.all(np.abs(a - b) <= AGREEMENT * (1.0 + np.max(np.abs(a), initial=0.0))):
            raise NotCompiledError(f"the machine code of {want.function.name()} computes otherwise")


def _what(source: str, flags: Sequence[str]) -> str:
    # Not the compiler: a cache filled at commissioning serves a machine that has none.
    parts = (source, " ".join((*flags, *LINK)), _processor())
    return _digest("\0".join(parts).encode())[:32]


@functools.cache
def _processor() -> str:
    """The processor and what it can do: code for a newer one would crash an older one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    told = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return platform.machine() + "".join(told[:2])


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
