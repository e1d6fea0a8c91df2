"""`./rheostat trace`: which requirement is shown by which test, and what is open."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.places import ROOT, shown
from cli.refusal import FINDINGS, OK, RefusalError, say
from cli.test import RESULTS
from cli.words import Flag

CATALOGUE = ROOT / "evidence" / "requirements.yaml"
WELL = ("shown", "open")


def trace(
    *,
    results: Annotated[Path, Parameter(show_default=False)] = RESULTS,
    report: Annotated[Path | None, Parameter(show_default=False)] = None,
    json: Flag = False,
) -> int:
    """Build the trace matrix: requirement, risk, test, result.

    Exit code 1 when a requirement is neither shown by passing tests nor listed as open.

    Parameters
    ----------
    results
        JUnit file of the last test run. Default: what `./rheostat test` wrote.
    report
        Folder for trace.html and trace.json. Default: var/evidence.
    json
        Print the matrix as JSON.
    """
    import json as words

    from cli.trace_matrix import (
        CatalogueError,
        as_html,
        as_json,
        linked_tests,
        matrix,
        read_catalogue,
    )
    from cli.trace_matrix import results as read_results

    try:
        ended = read_results(results)
        rows = matrix(read_catalogue(CATALOGUE), linked_tests(ROOT), ended)
    except (OSError, SyntaxError, CatalogueError) as error:
        raise RefusalError(
            f"no matrix can be built: {error}",
            "a requirement is shown by the result of a test, not by its name",
            "run ./rheostat test first; it writes the results down",
        ) from error
    target = report or ROOT / "var" / "evidence"
    target.mkdir(parents=True, exist_ok=True)
    text = words.dumps(as_json(rows), indent=2, ensure_ascii=False)
    (target / "trace.json").write_text(text + "\n", "utf-8")
    (target / "trace.html").write_text(as_html(rows, "Rheostat: trace matrix"), "utf-8")
    if json:
        print(text)
    else:
        for row in rows:
            if row.status not in WELL:
                missing = [one.test for one in row.tests if one.result != "passed"]
                print(f"{row.id}: {row.status}. {'; '.join(missing)}")
    count = Counter(row.status for row in rows)
    say(f"rheostat: {', '.join(f'{number} {status}' for status, number in count.most_common())}; "
        f"{shown(target / 'trace.html')}")  # fmt: skip
    return OK if set(count) <= set(WELL) else FINDINGS
