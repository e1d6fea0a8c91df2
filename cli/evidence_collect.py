"""Collects results for an evidence pack: runs the project's own verbs and keeps what they said.

Everything a pack shows comes from the files written here, so it can be rendered again from them
and comes out the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.evidence_facts import facts
from cli.evidence_pack import FORMAT
from cli.places import ROOT
from cli.refusal import say
from cli.trace_matrix import linked_tests, read_catalogue

QUICK_FAULTS = ("F24", "F27", "F38", "F49", "F58", "F62")
QUICK_BUGS = (
    "nan-blind-clamp", "swapped-limits", "rate-from-own-request", "trusts-a-new-connection",
    "pushes-the-wrong-way",
)  # fmt: skip
SCENARIOS = {"quick": ("nominal",), "full": ("nominal", "speed-change", "mixing-end-point")}
DEMO_LASTS = {"quick": "30 min", "full": "1 h"}
DEMO_SPEED = "20"  # half of what the demo does by itself: this one is played for its times


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to collect: `scope` quick or full; `junit` takes the results of an earlier test run."""

    results: Path
    scope: str
    utc: str
    junit: Path | None = None


def collect(wanted: Wanted) -> None:
    """Fill the folder `wanted.results`; a step that fails is recorded, never hidden."""
    folder, scope = wanted.results, wanted.scope
    _put(folder / "facts.json", facts(ROOT))
    catalogue = read_catalogue(ROOT / "evidence" / "requirements.yaml")
    tests = {name: sorted(found) for name, found in sorted(linked_tests(ROOT).items())}
    _put(folder / "requirements.json", catalogue)
    _put(folder / "tests.json", tests)
    _put(folder / "links.json", read_yaml("faults"))
    _put(folder / "faults.json", _fault_titles())
    _put(folder / "known-limits.json", read_yaml("limits", "known-limits"))
    steps = [
        _tests(wanted, tests),
        _faults(folder, scope),
        _bugs(folder, scope),
        _score(folder, scope),
        _demo(folder, scope),
    ]
    run = {"format": FORMAT, "utc": wanted.utc, "scope": scope, "steps": steps}
    _put(folder / "run.json", {**run, "commit": _commit(), "version": _version()})


def read_yaml(key: str, name: str = "") -> Any:  # noqa: ANN401 - a list or a mapping
    """Return what a file of `evidence/` holds under `key`."""
    from ruamel.yaml import YAML

    path = ROOT / "evidence" / f"{name or key}.yaml"
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(path)[key]))


def _fault_titles() -> dict[str, dict[str, str]]:
    """Return what each fault of the catalogue is, also of those this run does not play."""
    from hil.fault_catalogue import load_catalogue

    return {one.id: {"title": one.title, "asked": one.asked} for one in load_catalogue()}


def node_of(test: str) -> str:
    """Return how pytest is asked for a test: 'tests.a.test_x.TestY.test_z' -> its node."""
    parts = test.split(".")
    at = next(i for i in range(1, len(parts)) if (ROOT / f"{'/'.join(parts[:i])}.py").is_file())
    return "::".join(["/".join(parts[:at]) + ".py", *parts[at:]])


def place_of(node: str) -> tuple[str, int]:
    """Return where a node stands: its file, and how far down.

    Tests of a file share what is slow to start, and the first look at it before others use it.
    """
    path, *names = node.split("::")
    text = (ROOT / path).read_text("utf-8")
    inside = text.index(f"class {names[0]}") if len(names) > 1 else 0
    return path, text.index(f"def {names[-1]}(", inside)


def _tests(wanted: Wanted, tests: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    target = wanted.results / "junit.xml"
    if wanted.junit is not None:
        shutil.copyfile(wanted.junit, target)
        return {"what": "tests", "command": "taken from an earlier run", "code": 0}
    linked = {node_of(test) for found in tests.values() for test in found}
    nodes = sorted(linked, key=place_of)
    listed = wanted.results / "nodes.txt"
    listed.write_text("\n".join(nodes) + "\n", "utf-8")
    words = ["-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", f"--junitxml={target}"]
    words += ["-m", "not slow"] if wanted.scope == "quick" else []
    return _step("tests", [*words, f"@{listed}"], shown="pytest of every linked test")


def _faults(folder: Path, scope: str) -> dict[str, Any]:
    what = QUICK_FAULTS if scope == "quick" else ("all",)
    places = ["--out", str(folder / "hil"), "--trace", str(folder / "traces")]
    shown = f"hil run {' '.join(what)}"
    return _step("faults", ["-m", "cli", "hil", "run", *what, *places], shown=shown)


def _bugs(folder: Path, scope: str) -> dict[str, Any]:
    what = QUICK_BUGS if scope == "quick" else ()
    words = ["-m", "cli", "hil", "self-test", *what, "--json"]
    return _step("planted bugs", words, out=folder / "planted.json")


def _score(folder: Path, scope: str) -> dict[str, Any]:
    words = ["-m", "cli", "hil", "score", *SCENARIOS[scope], "--json"]
    return _step("score", words, out=folder / "score.json")


def _demo(folder: Path, scope: str) -> dict[str, Any]:
    """Play the demo for the engine's own times: real processes, real sockets, faster than life."""
    words = ["-m", "cli", "demo", "--headless", "--json", "--duration", DEMO_LASTS[scope]]
    words += ["--speed", DEMO_SPEED]
    step = _step("demo", [*words, "--trace", str(folder / "traces")], out=folder / "demo.json")
    trace = folder / "traces" / "demo.mcap"
    if trace.is_file():
        words = ["-m", "cli", "hil", "timing", str(trace), "--json"]
        _step("timing", words, out=folder / "timing.json")
    return step


def _step(
    what: str, words: Sequence[str], *, shown: str = "", out: Path | None = None
) -> dict[str, Any]:
    say(f"--- {what}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, check=False,
        stdout=sys.stderr if out is None else subprocess.PIPE, text=True,
    )  # fmt: skip
    if out is not None:
        out.write_text(done.stdout, "utf-8")
    command = shown or " ".join(
        word for word in words if not word.startswith(("/", "-m")) and word != "cli"
    )
    return {"what": what, "command": command, "code": done.returncode}


def _put(path: Path, body: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _commit() -> str:
    from hil.revision import commit_of_tree

    return commit_of_tree()


def _version() -> str:
    import tomllib

    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(project["project"]["version"])
