"""`python -m tests.mutation`: what `./rheostat mutate` starts."""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.mutation.hunt import CAUGHT, hunt
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.notebook import Notebook
from tests.mutation.scope import AREAS, LEFT_OUT, ROOT, modules_named, tests_for

NOTEBOOK = ROOT / "var" / "mutation-notebook.json"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
MOST_EQUIVALENT = 3
_RESULTS = ("killed", "timeout", "survived", "no-test", "error")


def main() -> int:
    """Hunt, tell, and return the exit code: 1 when a mutant lives that is not listed."""
    parser = argparse.ArgumentParser(prog="rheostat mutate")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--patience", type=float, default=60.0)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    try:
        modules = modules_named(tuple(given.names))
    except LookupError as name:
        _say(f"{name} is no module that is mutated, and no area: {', '.join(AREAS)}")
        return 2
    mutants = [mutant for path in modules for mutant in mutants_of(path)]
    book = Notebook(NOTEBOOK)
    if not given.fresh:
        book.load()
    left = [mutant for mutant in mutants if mutant.key not in book.found]
    _say(f"{len(mutants)} mutants in {len(modules)} modules, {len(left)} to be hunted ...")
    if left:
        try:
            failed = hunt(
                left, tests_for(modules), LEFT_OUT, given.workers, given.patience, book.note
            )
        finally:
            book.save()
        if failed:
            _say(f"the hunt could not begin: {failed}")
            return 3
    body = _result(modules, mutants, book, tomllib.loads(EQUIVALENT.read_text("utf-8")))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(body, indent=2) + "\n", "utf-8")
    sys.stdout.write(_report(body) + "\n")
    return 1 if body["open"] or body["wrong_list"] else 0


def _result(
    modules: Sequence[str], mutants: Sequence[Mutant], book: Notebook, listed: dict[str, Any]
) -> dict[str, Any]:
    """Return the result as data: counts per module, what lives, what is wrong with the list."""
    counts = {path: Counter[str]() for path in modules}
    living: list[Mutant] = []
    for mutant in mutants:
        result = book.found[mutant.key].result
        counts[mutant.path][result] += 1
        if result not in CAUGHT:
            living.append(mutant)
    entries = [entry for entry in listed.get("mutant", ()) if entry["module"] in counts]
    excused = {(one["module"], one["function"], one["was"], one["becomes"]) for one in entries}
    names = {_name(mutant) for mutant in living}
    wrong = [f"{entry[0]} {entry[1]}: killed, or no longer there" for entry in excused - names]
    wrong += [f"{one['function']}: no reason" for one in entries if not one["reason"].strip()]
    if len(listed.get("mutant", ())) > MOST_EQUIVALENT:
        wrong.append(f"more than {MOST_EQUIVALENT} mutants are called equivalent")
    return {
        "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "modules": {path: {name: counts[path][name] for name in _RESULTS} for path in modules},
        "equivalent": sorted(f"{one[0]} {one[1]}" for one in excused & names),
        "open": [
            {"result": book.found[one.key].result, "why": book.found[one.key].by,
             "what": one.as_text()}
            for one in living if _name(one) not in excused
        ],
        "wrong_list": wrong,
    }  # fmt: skip


def _name(mutant: Mutant) -> tuple[str, str, str, str]:
    return mutant.path, mutant.function, mutant.was, mutant.becomes


def _report(body: dict[str, Any]) -> str:
    lines = [f"{'module':<30}" + "".join(f"{name:>10}" for name in _RESULTS)]
    total: Counter[str] = Counter()
    for path, row in body["modules"].items():
        total.update(row)
        lines.append(f"{path:<30}" + "".join(f"{row[name]:>10}" for name in _RESULTS))
    lines.append(f"{'all':<30}" + "".join(f"{total[name]:>10}" for name in _RESULTS))
    lines += [f"{one['result']}: {one['what']}" for one in body["open"]]
    lines += [f"equivalent: {one}" for one in body["equivalent"]]
    lines += [f"the list of equivalent mutants is wrong: {one}" for one in body["wrong_list"]]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
