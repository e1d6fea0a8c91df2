"""The pages of an evidence pack, from its results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.evidence_results import Deviation, Results
from cli.trace_matrix import PASSED
from service.paper.model import BAD, Cell, Link, Page, Table

SIGNERS = (
    ("Prepared", "who ran the commands and looked at every deviation"),
    ("Reviewed", "process and automation"),
    ("Approved", "quality assurance"),
)
BLANK = "____________"
Row = Mapping[str, Any]


def pages_of(results: Results, found: Sequence[Deviation]) -> list[Page]:
    """Return every page, the cover first."""
    return [
        _cover(results, found), _trace(results), _tests(results), _iq(results), _oq(results),
        _pq(results), _deviations(found), _limits(results),
    ]  # fmt: skip


def _cover(results: Results, found: Sequence[Deviation]) -> Page:
    run = results.run
    blocking = [one for one in found if one.blocks]
    verdict = f"{BAD}{len(blocking)} deviations forbid a release" if blocking else (
        "No deviation forbids a release"
    )  # fmt: skip
    counts: dict[str, int] = {}
    for row in results.matrix:
        counts[row.status] = counts.get(row.status, 0) + 1
    facts: list[Sequence[Cell]] = [
        ["Product", f"Rheostat {run['version']}"],
        ["Commit", run["commit"]],
        ["Results of", f"{run['utc']} ({run['scope']} run)"],
        ["Verdict", verdict],
        ["Requirements", ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))],
        ["Deviations", Link(f"{len(found)}, {len(blocking)} of them blocking", "deviations.html")],
        ["Way through", "requirement (Trace matrix) → test or fault, with its result → trace file"],
    ]
    steps = [[s["what"], s["command"], _code(s["code"])] for s in run["steps"]]
    signed = [[role, what, BLANK, BLANK, BLANK] for role, what in SIGNERS]
    return Page(
        "index", "Evidence",
        "Prepared evidence for qualification. It is not a validation: the plant's own people "
        "look at it, complete it on their plant, and decide.",
        (
            Table("This pack", ["", ""], facts, widths=(1, 4)),
            Table("How the results were made", ["step", "command", "exit code"], steps),
            Table("Signatures", ["", "as", "name, role", "signature", "date"], signed,
                  "For a pen, or for the plant's own signing system. Sign the SHA-256 of "
                  "manifest.json: `./rheostat evidence verify` prints it."),
        ),
    )  # fmt: skip


def _trace(results: Results) -> Page:
    rows = []
    for row in results.matrix:
        tests = tuple(Link(f"{_short(t.test)}: {t.result}", f"tests.html#{t.test}")
                      for t in row.tests) or "none"  # fmt: skip
        faults = tuple(_fault_links(results, row.id)) or ""
        good = row.status in ("shown", "open")
        status = row.status if good else f"{BAD}{row.status}"
        rows.append([row.id, row.shall, row.risk, status, row.open, tests, faults])
    header = ["ID", "shall", "risk", "status", "open because", "tests", "faults, with their traces"]
    return Page(
        "trace", "Trace matrix",
        "Requirement → risk → test → result → trace. 'Shown' is: every linked test passed in this "
        "very run and nothing is said to be open.",
        (Table("Requirements", header, rows, anchors=True, widths=(1, 3, 2, 1, 2.5, 5, 1.5)),),
    )  # fmt: skip


def _fault_links(results: Results, requirement: str) -> list[Link]:
    return [
        Link(f"{fault}: {_verdict(results, fault)}", f"oq.html#{fault}")
        for fault in results.links.get(requirement, ())
    ]


def _verdict(results: Results, fault: str) -> str:
    runs = [one for one in results.outcomes if one["fault"] == fault and not one["pair"]]
    good = sum(1 for one in runs if one["passed"])
    if not runs:
        return "not played"
    return "passed" if good == len(runs) else f"{good} of {len(runs)} passed"


def _tests(results: Results) -> Page:
    by_test: dict[str, list[str]] = {}
    for row in results.matrix:
        for one in row.tests:
            by_test.setdefault(one.test, []).append(row.id)
    rows: list[Sequence[Cell]] = []
    for name in sorted(results.tests.keys() | by_test.keys()):
        result, why = results.tests.get(name, ("not run", ""))
        ids = by_test.get(name, [])
        faults = sorted({fault for one in ids for fault in results.links.get(one, ())})
        rows.append(
            [
                name,
                result if result == PASSED else f"{BAD}{result}",
                why,
                tuple(Link(one, f"trace.html#{one}") for one in ids) or "",
                tuple(link for fault in faults for link in _trace_links(results, fault)[:1]) or "",
            ]
        )
    header = ["test", "result", "because", "requirements", "traces of the same requirement"]
    return Page(
        "tests", "Tests",
        "Every linked test and how it ended; a test with parameters by its worst case. The whole "
        "protocol is results/junit.xml.",
        (Table("Tests", header, rows, anchors=True, widths=(6, 1, 2, 1.5, 2.5)),),
    )  # fmt: skip


def _trace_links(results: Results, fault: str) -> list[Link]:
    return [Link(name, f"results/traces/{name}") for name in results.traces_of(fault)]


def _iq(results: Results) -> Page:
    facts = results.facts
    names = ("implementation", "python", "system", "architecture", "libc")
    where = [[name, str(facts[name])] for name in names]
    packages = [
        [row["name"], row["locked"], row["installed"],
         "as locked" if row["locked"] == row["installed"] else f"{BAD}differs"]
        for row in facts["packages"]
    ]  # fmt: skip
    locks = [[name, hash_] for name, hash_ in sorted(facts["locks"].items())]
    sources = [[name, hash_] for name, hash_ in sorted(facts["sources"].items())]
    note = f"{len(sources)} files. On paper see results/facts.json."
    return Page(
        "iq", "IQ: installation",
        "What is installed, beside what the lock names. The locks carry a SHA-256 for every "
        "archive, and the launcher installs nothing else.",
        (
            Table("Environment", ["", ""], where),
            Table("Packages", ["package", "locked", "installed", "check"], packages),
            Table("Locks and build files", ["file", "SHA-256"], locks),
            Table("Source files", ["file", "SHA-256"], sources, note, on_paper=False),
        ),
    )  # fmt: skip


def _oq(results: Results) -> Page:
    faults = []
    by_fault = {row["fault"]: row for row in results.faults.get("by_fault", [])}
    for fault, entry in sorted(results.catalogue.items()):
        row = by_fault.get(fault, {})
        verdict = _verdict(results, fault)
        faults.append(
            [
                fault, str(entry["title"]), str(entry["asked"]),
                verdict if verdict in ("passed", "not played") else f"{BAD}{verdict}",
                _percent(row.get("slowest_share_of_budget")),
                tuple(_trace_links(results, fault)) or "",
            ]
        )  # fmt: skip
    bugs = [
        [row["bug"], f"{row['fault']} {row['play']}", "caught" if row["caught"] else f"{BAD}not",
         "; ".join(row["by"])]
        for row in results.planted
    ]  # fmt: skip
    played = results.faults
    lead = (
        f"{played.get('runs', 0)} fault runs, {played.get('cycles', 0)} cycles, "
        f"{played.get('frames', 0)} frames judged, {len(played.get('unsafe', []))} runs unsafe."
    )
    return Page(
        "oq", "OQ: operation", lead,
        (
            Table("Faults",
                  ["fault", "what", "asked", "result", "slowest of budget", "traces"], faults,
                  "A result is the judge's, the reaction in its budget, the end of the loop, and "
                  "the records, together.", anchors=True, widths=(1, 4, 4, 2, 1.5, 4)),
            Table("Planted bugs", ["bug", "played", "result", "found by"], bugs,
                  "The harness itself: the whole gate passes the same play first."),
            _security(results),
            *_timing(results),
        ),
    )  # fmt: skip


def _security(results: Results) -> Table:
    rows: list[Sequence[Cell]] = [
        [Link(row.id, f"trace.html#{row.id}"), row.shall, str(len(row.tests)),
         row.status if row.status in ("shown", "open") else f"{BAD}{row.status}", row.open]
        for row in results.matrix
        if row.id.startswith("SEC-")
    ]  # fmt: skip
    return Table("Security", ["ID", "shall", "tests", "status", "open because"], rows)


def _timing(results: Results) -> list[Table]:
    rows = []
    for loop, found in results.timing.get("loops", {}).items():
        for part, cell in found.items():
            if isinstance(cell, Mapping):
                numbers = [f"{cell[name]:.3f}" for name in ("p50", "p99", "p999", "max")]
                rows.append([loop, part.removesuffix("_ms"), *numbers])
        count = f"{found['cycles']} cycles, {found['late']} late, {found['slips']} lost to slips"
        rows.append([loop, count, "", "", "", ""])
    feet = [
        [str(number), str(one["memory_kib"]), str(one["descriptors"]), str(one["threads"])]
        for number, one in enumerate(results.demo.get("engine_footprint", []), 1)
    ]
    speed = results.demo.get("speed", "?")
    note = (
        f"Real processes and sockets on loopback, the line at {speed} times real time, on the "
        "machine of the installation page; wall milliseconds of the engine's own stamps. The trace "
        "is results/traces/demo.mcap."
    )
    head = ["loop", "part [ms]", "p50", "p99", "p99.9", "largest"]
    return [
        Table("Timing", head, rows, note),
        Table("The engine's footprint", ["look", "memory [KiB]", "descriptors", "threads"], feet,
              "Early in the run and at its end."),
    ]  # fmt: skip


def _pq(results: Results) -> Page:
    head = [
        [name, BLANK, BLANK]
        for name in ("Batch number", "Equipment", "Recipe and version", "Lots of raw material",
                     "Configuration (SHA-256 in force)", "Operator", "Start and end, UTC")
    ]  # fmt: skip
    ours: dict[tuple[str, str], dict[str, Row]] = {}
    for row in results.score.get("rows", []):
        ours.setdefault((row["scenario"], row["loop"]), {})[row["controller"]] = row
    units = {"sigma": "% of target", "off_spec": "m or min", "travel": "ranges/h",
             "recovery": "s", "constraint": "min"}  # fmt: skip
    rows = [
        [scenario, loop, f"{name} [{unit}]", _number(by.get("mpc", {}).get(name)),
         _number(by.get("pi", {}).get(name)), BLANK, BLANK, BLANK]
        for (scenario, loop), by in ours.items()
        for name, unit in units.items()
    ]  # fmt: skip
    header = ["scenario", "loop", "figure", "simulated", "simulated, tuned PI", "accepted if",
              "batch", "pass / fail"]  # fmt: skip
    return Page(
        "pq", "PQ: performance (template)",
        "The simulated figures are filled in to compare with; the plant's own batch, limits of "
        "acceptance and verdict are the plant's to write. Three consecutive batches are usual.",
        (
            Table("Batch", ["", "value", "checked by"], head),
            Table("Figures of the batch", header, rows,
                  "Less is better. '-' is a figure that does not apply or was never reached."),
        ),
    )  # fmt: skip


def _deviations(found: Sequence[Deviation]) -> Page:
    rows = [
        [f"D-{number:03d}", one.area, f"{BAD}{one.what}" if one.blocks else one.what, one.why,
         "release" if one.blocks else "", BLANK]
        for number, one in enumerate(found, 1)
    ]  # fmt: skip
    header = ["No.", "area", "what", "why", "forbids", "assessed by"]
    return Page(
        "deviations", "Deviations",
        "Everything that is open, was skipped, missed its budget or failed in this run.",
        (Table("Deviations", header, rows, anchors=True, widths=(1, 1.3, 4, 5, 1, 1.5)),),
    )  # fmt: skip


def _limits(results: Results) -> Page:
    rows = [[str(number), text] for number, text in enumerate(results.known_limits, 1)]
    return Page("limits", "Known limits", "What this product does not do or show.",
                (Table("Known limits", ["", ""], rows, widths=(1, 20)),))  # fmt: skip


def _code(code: int) -> str:
    return "0" if code == 0 else f"{BAD}{code}"


def _short(test: str) -> str:
    return test.removeprefix("tests.")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100.0 * share:.0f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
