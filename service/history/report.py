"""The report of a batch for people: what was made, how it ran, what stood out, who answers for it.

Drawn from the batch's record alone (`batches.batch_record`) and the configuration in force; values
in people's units. What the history does not know, the report does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from service.paper.model import BAD, Cell, Page, Table

_MOST = 400  # lines of one table; the record holds all


class Shown(Protocol):
    """How a signal is shown to people."""

    @property
    def label(self) -> str: ...  # noqa: D102 - what it says
    @property
    def unit(self) -> str: ...  # noqa: D102
    def value(self, si: object) -> float | None: ...  # noqa: D102


def report(
    record: Mapping[str, Any], loops: Mapping[str, Any], shown: Callable[[str], Shown]
) -> Page:
    """Return the report of one batch.

    `record` says its line and its review as well; `loops` are those of the configuration in force.
    """
    (first, last), line = record["records"], record["line"]
    lead = (
        f"{line['product']}, line {line['id']}, {line['site']}. Made {record['made_utc']} from the "
        f"records {first} to {last}. Values are readings as they were believed; evidence are the "
        "records."
    )
    tables = [
        _summary(record),
        _table("Material lots", ("Material", "Lot", "Entered by", "Checked by"), _lots(record),
               (30, 26, 32, 32)),
        *(_signals(loop, loops.get(loop["loop"], {}), shown) for loop in record["loops"]),
        _table("Alarms", ("Time (UTC)", "Alarm", "Priority", "State", "What"), _alarms(record),
               (20, 30, 10, 12, 40)),
        _table("What people asked for", ("Time (UTC)", "Loop", "What", "Who", "Why"),
               _asked(record), (20, 12, 24, 18, 38)),
        _table("What stood out besides", ("Time (UTC)", "Loop", "Event", "Text"), _others(record),
               (20, 12, 22, 58)),
        _table("Signatures", ("Time (UTC)", "Name", "Role", "Meaning"), _signatures(record),
               (20, 20, 14, 58)),
        _table("Review of the audit trail", ("Time (UTC)", "Name", "Role", "Records"),
               _reviews(record), (20, 20, 14, 58)),
        Table("Released by", ("Name", "Role", "Date", "Signature"), [("", "", "", "")],
              note="On paper; the release itself is the plant's own act."),
    ]  # fmt: skip
    return Page("report", f"Batch {record['id']}", lead, tables)


def _summary(record: Mapping[str, Any]) -> Table:
    loops = record["loops"]
    in_force = record["configurations"]
    rows: list[tuple[Cell, Cell]] = [
        ("Recipe", f"{record['recipe']} ({record['recipe_title']})"),
        ("Equipment", ", ".join(record["equipment"])),
        ("From, to (UTC)", f"{record['from']} to {record['to']}"),
        ("Cycles", f"{record['cycles']}, late {sum(loop['late'] for loop in loops)}"),
        ("Configuration in force (SHA-256)",
         tuple(f"{one['sha256']}, records {one['records'][0]} to {one['records'][1]}"
               for one in in_force) or "not recorded"),
        ("Review of the audit trail",
         "every record of it is reviewed" if record["review"]["reviewed"]
         else f"{BAD}not reviewed as a whole"),
    ]  # fmt: skip
    for loop in loops:
        counts = (f"{kind} {_counts(loop[kind])}" for kind in ("modes", "actions", "phases")
                  if loop[kind])  # fmt: skip
        rows.append((f"Loop {loop['loop']}", "; ".join(counts)))
    return Table("Summary", ("What", "As recorded"), rows, widths=(30, 90))


def _signals(
    loop: Mapping[str, Any], spec: Mapping[str, Any], shown: Callable[[str], Shown]
) -> Table:
    """Return the statistics of a loop's signals: controlled first, then moved, then the others."""
    cvs = list(spec.get("controller", {}).get("cvs", {}))
    mvs = list(spec.get("mvs", {}).values())
    known = [*cvs, *mvs]
    order = [tag for tag in known if tag in loop["signals"]]
    order += sorted(set(loop["signals"]) - set(order))
    rows = []
    for tag in order:
        one, how = loop["signals"][tag], shown(tag)
        kind = "CV" if tag in cvs else "MV" if tag in mvs else "other"
        values = [_number(how.value(one[key])) for key in ("min", "mean", "max")]
        bad = f"{BAD}{one['bad']}" if one["bad"] and kind == "CV" else str(one["bad"])
        rows.append((kind, how.label, how.unit, *values, str(one["readings"]), bad))
    header = ("Kind", "Signal", "Unit", "Least", "Mean", "Greatest", "Readings", "Bad")
    return _table(f"Loop {loop['loop']}", header, rows, (8, 34, 10, 14, 14, 14, 12, 10))


def _lots(record: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
    """Return the lots that people entered; the wrong ones and the unchecked ones stand out."""
    rows: list[tuple[Cell, ...]] = []
    for lot in record["lots"]:
        checked, struck = lot["checked"], lot["struck"]
        second = f"{checked['name']}, {checked['utc']}" if checked else f"{BAD}nobody"
        if struck:
            second = f"{BAD}struck by {struck['who']}, {struck['utc']}: {struck['why']}"
        rows.append((lot["material"], lot["lot"], f"{lot['who']}, {lot['utc']}", second))
    return rows


def _alarms(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (event["utc"], str(body.get("title", "")), str(body.get("priority", "")),
         str(body.get("to", "")), _said(body))
        for event in record["events"] if event["what"] == "alarm" for body in [event["body"]]
    ]  # fmt: skip


def _asked(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (event["utc"], event["loop"], f"{body.get('old', '')} to {body.get('new', '')}",
         str(body.get("who", "")), str(body.get("why", "")))
        for event in record["events"] if event["kind"] == "request" for body in [event["body"]]
    ]  # fmt: skip


def _others(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (event["utc"], event["loop"], event["what"], _said(event["body"]))
        for event in record["events"]
        if event["kind"] in ("event", "start", "seal", "stop") and event["what"] != "alarm"
    ]


def _signatures(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (str(body.get("utc", event["utc"])), str(body.get("name", "")), str(body.get("role", "")),
         str(body.get("meaning", "")))
        for event in record["events"] if event["kind"] == "signature" for body in [event["body"]]
    ]  # fmt: skip


def _reviews(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (one["utc"], one["name"], one["role"], f"{one['first']} to {one['last']}: {one['why']}")
        for one in record["review"]["by"]
    ]


def _said(body: Mapping[str, Any]) -> str:
    words = (body.get("act"), body.get("text"), body.get("who"), body.get("why"))
    return ", ".join(str(word) for word in words if word)


def _table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], widths: Sequence[float]
) -> Table:
    note = "None." if not rows else ""
    if len(rows) > _MOST:
        note = f"The first {_MOST} of {len(rows)}; the record of the batch holds all."
    return Table(title, header, rows[:_MOST], note, widths=widths)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"
