"""Reads the results of an evidence run and judges them: matrix, deviations, release or not."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.evidence_pack import FORMAT, PackError
from cli.trace_matrix import FAILED, PASSED, SKIPPED, Traced, matrix
from cli.trace_matrix import results as read_junit

Row = Mapping[str, Any]
BLOCKING = ("orphan", "failed", "not run")


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something a reader has to know before signing; a blocking one forbids a release."""

    area: str
    what: str
    why: str
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a pack is rendered from."""

    run: Row
    facts: Row
    matrix: Sequence[Traced]
    tests: Mapping[str, tuple[str, str]]
    links: Mapping[str, Sequence[str]]
    catalogue: Mapping[str, Row]
    outcomes: Sequence[Row]
    faults: Row
    planted: Sequence[Row]
    score: Row
    demo: Row
    timing: Row
    known_limits: Sequence[str]
    traces: Sequence[str]

    def traces_of(self, fault: str) -> list[str]:
        """Return the trace files of a fault's own runs."""
        return [name for name in self.traces if name.startswith(f"{fault}-") and "+" not in name]


def read_results(folder: Path) -> Results:
    """Read a results folder.

    Raises:
        PackError: it is none, or a part every pack needs is missing.
    """
    try:
        run = _json(folder / "run.json")
        if run["format"] != FORMAT:
            raise PackError(f"{folder / 'run.json'} has another format than '{FORMAT}'")
        tests = _tests(folder / "junit.xml")
        ended = read_junit(folder / "junit.xml") if tests else {}
        rows = matrix(_json(folder / "requirements.json"), _json(folder / "tests.json"), ended)
        return Results(
            run, _json(folder / "facts.json"), rows, tests, _json(folder / "links.json"),
            _json(folder / "faults.json"),
            [_json(path) for path in sorted((folder / "hil" / "runs").glob("*.json"))],
            _maybe(folder / "hil" / "report.json"), _maybe_rows(folder / "planted.json"),
            _maybe(folder / "score.json"), _maybe(folder / "demo.json"),
            _maybe(folder / "timing.json"), _json(folder / "known-limits.json"),
            sorted(path.name for path in (folder / "traces").glob("*.mcap")),
        )  # fmt: skip
    except (OSError, ValueError, LookupError, TypeError, ET.ParseError) as error:
        if isinstance(error, PackError):
            raise
        raise PackError(f"{folder} holds no results that can be rendered: {error}") from error


def deviations(results: Results) -> list[Deviation]:
    """Return every deviation, the blocking ones first."""
    found = [*_steps(results), *_requirements(results), *_test_results(results), *_runs(results),
             *_bugs(results), *_installation(results)]  # fmt: skip
    return sorted(found, key=lambda one: not one.blocks)


def _steps(results: Results) -> list[Deviation]:
    return [
        Deviation("run", f"the step '{step['what']}' ended with exit code {step['code']}",
                  "what it found stands in this list; 3 and more: it could not be done")
        for step in results.run["steps"]
        if step["code"]
    ]  # fmt: skip


def _requirements(results: Results) -> list[Deviation]:
    found = []
    for row in results.matrix:
        if row.status in BLOCKING:
            missing = [f"{one.test}: {one.result}" for one in row.tests if one.result != PASSED]
            why = "; ".join(missing) or "no test names it, and it does not say why"
            found.append(Deviation("requirement", f"{row.id} is {row.status}", why, blocks=True))
        elif row.open:
            found.append(Deviation("requirement", f"{row.id} is open", row.open))
    return found


def _test_results(results: Results) -> list[Deviation]:
    return [
        Deviation("test", f"{name} {result}", why, blocks=result == FAILED)
        for name, (result, why) in results.tests.items()
        if result in (FAILED, SKIPPED)
    ]


def _runs(results: Results) -> list[Deviation]:
    if not results.outcomes:
        return [Deviation("faults", "no fault was played", "nothing is known", blocks=True)]
    found = [
        Deviation("faults", f"{one['key']} was {'missed' if one['safe'] else 'UNSAFE'}",
                  "; ".join(one["misses"]) + (f" (known: {one['open']})" if one["open"] else ""),
                  blocks=not one["safe"])
        for one in results.outcomes
        if not one["passed"]
    ]  # fmt: skip
    played = {one["fault"] for one in results.outcomes if not one["pair"]}
    known = {one["fault"] for one in results.faults.get("not_yet", [])}
    if left := sorted(results.catalogue.keys() - played - known):
        found.append(Deviation("faults", f"{len(left)} faults were left out of this run",
                               ", ".join(left)))  # fmt: skip
    missing = [*results.faults.get("not_yet", []), *results.faults.get("in_part", [])]
    return found + [Deviation("faults", f"{one['fault']} is not or only in part played",
                              one["why"]) for one in missing]  # fmt: skip


def _bugs(results: Results) -> list[Deviation]:
    if not results.planted:
        return [Deviation("planted bugs", "none was played", "a harness that was not tried",
                          blocks=True)]  # fmt: skip
    return [
        Deviation("planted bugs", f"'{row['bug']}' was not caught by {row['fault']}",
                  "a harness that passes a broken controller proves nothing", blocks=True)
        for row in results.planted
        if not row["caught"]
    ]  # fmt: skip


def _installation(results: Results) -> list[Deviation]:
    return [
        Deviation("installation", f"{row['name']} is {row['installed']}, locked is {row['locked']}",
                  "what was tested is not what the lock names", blocks=True)
        for row in results.facts["packages"]
        if row["installed"] != row["locked"]
    ]  # fmt: skip


def _tests(junit: Path) -> dict[str, tuple[str, str]]:
    """Return result and reason of every test; one with parameters by its worst case."""
    if not junit.is_file():
        return {}
    worst = (PASSED, SKIPPED, FAILED)
    found: dict[str, tuple[str, str]] = {}
    for case in ET.parse(junit).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{str(case.get('name')).partition('[')[0]}"
        ended, why = PASSED, ""
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                ended = SKIPPED if child.tag == "skipped" else FAILED
                why = str(child.get("message") or "")[:300]
        before = found.get(name, (PASSED, ""))
        found[name] = max(before, (ended, why), key=lambda one: worst.index(one[0]))
    return dict(sorted(found.items()))


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    return json.loads(path.read_text("utf-8"))


def _maybe(path: Path) -> Row:
    """Return what a step wrote; nothing when it could not be done."""
    try:
        return dict(_json(path))
    except (OSError, ValueError, TypeError):
        return {}


def _maybe_rows(path: Path) -> Sequence[Row]:
    try:
        return list(_json(path))
    except (OSError, ValueError, TypeError):
        return []
