"""The hunt: every mutant in a forked process of its own, chased by the tests that reach it.

All tests are collected once and run once as they are, which tells how long each takes and which
lines it reaches. Then, for each mutant, a child is forked that exchanges one function's code and
runs the tests that reach the changed lines, those first that found mutants of this function before,
then the fast ones, until one fails or takes far too long.

One failure is no kill: a busy machine or the order of the tests may have done it. The test that
caught the mutant has to catch it again alone, in a fresh process, and has to pass alone when
nothing is changed. A test that does not is passed over for this mutant, and the hunt goes on.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant, code_of, functions_in
from tests.mutation.scope import ROOT

EXAMPLES = 30
"""Hypothesis examples per property: enough to notice a change, few enough for thousands of them."""

_STEPS = 25
_SURVIVED, _KILLED, _ERROR = 0, 1, 3
CAUGHT = ("killed", "timeout")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one mutant: 'killed', 'survived', 'timeout', 'no-test' or 'error'."""

    result: str
    by: str = ""  # the test that caught it, or what went wrong


@dataclass(slots=True)
class _Child:
    mutant: Mutant
    told: int  # read end of the pipe on which it names its killer
    folder: Path


@dataclass(slots=True, eq=False)
class Hunt:
    """A pytest plugin that runs the hunt in the place of pytest's own loop."""

    mutants: list[Mutant]
    workers: int
    patience_s: float
    note: Callable[[Mutant, Outcome], None]
    failed: str = ""
    _seconds: dict[str, float] = field(default_factory=dict)
    _items: dict[str, pytest.Item] = field(default_factory=dict)
    _reach: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    _kills: dict[str, Counter[str]] = field(default_factory=dict)
    _sound: set[str] = field(default_factory=set)  # tests known to pass alone, unchanged
    _functions: dict[tuple[str, str], list[FunctionType]] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every test once, then hunt."""
        self._items = {item.nodeid: item for item in session.items}
        for item in session.items:
            _fewer_examples(item)
        paths = sorted({mutant.path for mutant in self.mutants})
        self._run_unchanged(session, paths)
        if not self.failed:
            self._functions = functions_in(paths)
            gc.collect()
            gc.freeze()
            self._chase()
        return True

    def _run_unchanged(self, session: pytest.Session, paths: list[str]) -> None:
        watch = coverage.Coverage(
            data_file=None, include=[str(ROOT / path) for path in paths], config_file=False
        )
        watch.start()
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            watch.switch_context(item.nodeid)
            began = time.perf_counter()
            reports = runtestprotocol(item, log=False, nextitem=following)
            self._seconds[item.nodeid] = time.perf_counter() - began
            bad = [report for report in reports if report.failed]
            if bad:
                self.failed = f"{item.nodeid} fails without any change:\n{bad[0].longreprtext}"
                break
        watch.stop()
        data = watch.get_data()
        for path in paths:
            lines = data.contexts_by_lineno(str(ROOT / path))
            self._reach[path] = {line: [one for one in by if one] for line, by in lines.items()}

    def _chase(self) -> None:
        waiting, running = iter(self.mutants), dict[int, _Child]()
        try:
            while True:
                while len(running) < self.workers and (mutant := next(waiting, None)) is not None:
                    tests = self._tests_of(mutant)
                    if not tests:
                        self.note(mutant, Outcome("no-test"))
                    else:
                        pid, child = self._fork(mutant, tests)
                        running[pid] = child
                if not running:
                    return
                pid, _ = os.wait()
                if pid in running:
                    self._ended(pid, running.pop(pid))
        finally:
            for pid in running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def _tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests that reach the change, the likeliest killers first."""
        reach = self._reach[mutant.path]
        found = {one for at in range(mutant.first, mutant.last + 1) for one in reach.get(at, ())}
        if not found:  # a line that Python does not count: every test of the function then
            found = {one for at in range(mutant.start, mutant.end + 1) for one in reach.get(at, ())}
        kills = self._kills.setdefault(f"{mutant.path}:{mutant.function}", Counter())
        ranked = sorted(
            found, key=lambda one: (-kills[one] / self._seconds[one], self._seconds[one])
        )
        spent = list(accumulate(self._seconds[one] for one in ranked))
        return [one for one, upto in zip(ranked, spent, strict=True) if upto <= self.patience_s]

    def _fork(self, mutant: Mutant, tests: list[str]) -> tuple[int, _Child]:
        told, tell = os.pipe()
        folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=_fast_folder()))
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.close(told)
            self._child(mutant, tests, tell, folder)
        os.close(tell)
        return pid, _Child(mutant, told, folder)

    def _child(self, mutant: Mutant, tests: list[str], tell: int, folder: Path) -> NoReturn:
        """Find out what comes of `mutant`, and say it on the pipe; never returns."""
        outcome = Outcome("error", "its process ended without a word")
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            os.chdir(folder)  # a mutant may well write beside the path it was given
            outcome = self._judge(mutant, tests, folder)
        except BaseException as error:  # noqa: BLE001 - a child tells its parent, and ends
            outcome = Outcome("error", f"{type(error).__name__}: {error}")
        finally:
            with contextlib.suppress(OSError):  # nobody listens any more
                os.write(tell, f"{outcome.result}\n{outcome.by}".encode()[:4000])
            os._exit(0)

    def _judge(self, mutant: Mutant, tests: list[str], folder: Path) -> Outcome:
        """Return what came of `mutant`; a catch counts when it can be repeated."""
        while tests:
            first = self._apart(mutant, tests, folder)
            if first.result not in CAUGHT:
                return first
            again = self._apart(mutant, [first.by], folder)
            sound = first.by in self._sound or (
                self._apart(None, [first.by], folder).result == "survived"
            )
            if again.result in CAUGHT and sound:
                return again
            tests = [one for one in tests if one != first.by]
        return Outcome("survived", "no test caught it twice")

    def _apart(self, mutant: Mutant | None, tests: list[str], folder: Path) -> Outcome:
        """Run `tests` in a process of their own, with `mutant` in place if there is one."""
        said = folder / "said"  # a file, because what a test leaves running would hold a pipe
        tell = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        pid = os.fork()
        if pid == 0:
            code = _ERROR
            try:
                if mutant is not None:
                    self._put_in_place(mutant)
                code = self._run(tests, tell, folder)
            except BaseException as error:  # noqa: BLE001 - as above
                os.write(tell, f"\n{type(error).__name__}: {error}".encode()[:4000])
            finally:
                os._exit(code)
        os.close(tell)
        _, status = os.waitpid(pid, 0)
        last = said.read_text("utf-8", "replace").rpartition("\n")[2]
        if os.WIFSIGNALED(status):
            return Outcome("timeout", last)
        results = {_SURVIVED: "survived", _KILLED: "killed"}
        result = results.get(os.WEXITSTATUS(status), "error")
        return Outcome(result, "" if result == "survived" else last)

    def _put_in_place(self, mutant: Mutant) -> None:
        changed = code_of(mutant.text, str(ROOT / mutant.path))
        for function in self._functions[mutant.path, mutant.function]:
            function.__code__ = changed.replace(co_qualname=function.__code__.co_qualname)

    def _run(self, tests: list[str], tell: int, folder: Path) -> int:
        """Run `tests` until one fails, naming each on the pipe before it begins."""
        items = [self._items[one] for one in tests]
        items[0].config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
        for item, following in zip(items, [*items[1:], None], strict=True):
            os.write(tell, f"\n{item.nodeid}".encode())
            _limit(self._seconds[item.nodeid])
            reports = runtestprotocol(item, log=False, nextitem=following)
            if any(report.failed for report in reports):
                return _KILLED
        return _SURVIVED

    def _ended(self, pid: int, child: _Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # what its tests had started
        with os.fdopen(child.told, "rb") as pipe:
            result, _, by = pipe.read().decode("utf-8", "replace").partition("\n")
        shutil.rmtree(child.folder, ignore_errors=True)
        mutant, outcome = child.mutant, Outcome(result or "error", by)
        if outcome.result in CAUGHT:
            self._kills[f"{mutant.path}:{mutant.function}"][by] += 1
            self._sound.add(by)
        self.note(mutant, outcome)


def _limit(seconds: float) -> None:
    """End this process when a test takes much more than it did: processor time, then wall time."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, 1.0 + 10.0 * seconds)
    signal.setitimer(signal.ITIMER_REAL, 10.0 + 40.0 * seconds)


def _fewer_examples(item: pytest.Item) -> None:
    import hypothesis  # not before pytest has begun, which wants to load it itself

    test: Any = getattr(item, "obj", None)
    test = getattr(test, "__func__", test)
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    name = "_hypothesis_internal_use_settings"
    if hasattr(test, name):
        old = getattr(test, name)
        fewer = min(EXAMPLES, old.max_examples)
        setattr(test, name, hypothesis.settings(old, max_examples=fewer, phases=phases))
    machine: Any = getattr(item, "cls", None)
    if isinstance(getattr(machine, "settings", None), hypothesis.settings):
        machine.settings = hypothesis.settings(
            machine.settings, max_examples=EXAMPLES // 2, stateful_step_count=_STEPS, phases=phases
        )


def _fast_folder() -> str | None:
    """Return a folder in memory, if there is one: no mutant needs a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def hunt(
    mutants: list[Mutant],
    tests: list[str],
    left_out: tuple[str, ...],
    workers: int,
    patience_s: float,
    note: Callable[[Mutant, Outcome], None],
) -> str:
    """Hunt `mutants` with `tests`; `note` hears of each. Return what made it impossible, or ''."""
    plugin = Hunt(mutants, workers, patience_s, note)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    code = pytest.main(
        ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short", "--no-header"]
        + [f"--ignore={path}" for path in left_out]
        + tests,
        plugins=[plugin],
    )
    return plugin.failed or ("" if code in (0, 5) else f"pytest ended with {code}")
