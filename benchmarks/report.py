"""A run of the benchmark as text: tables of spreads, verdicts, and the ratio to an older run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import QUANTILES

COLUMNS = (*QUANTILES,)


@dataclass(frozen=True, slots=True)
class Line:
    """One spread: where it stands ('coating / realtime'), of what ('cpu_ms'), and what is beside.

    `beside` are the plain numbers told with it (iterations, failures, cost).
    """

    where: str
    what: str
    spread: Mapping[str, Any]
    beside: Mapping[str, float]


def lines_of(
    tree: object, path: tuple[str, ...] = (), above: Mapping[str, float] | None = None
) -> Iterator[Line]:
    """Every spread in a section's figures, in their order."""
    if isinstance(tree, list):
        for item in tree:
            yield from lines_of(item, (*path, _label(item)))
    if not isinstance(tree, dict):
        return
    beside = _numbers(tree) or above or {}
    for name, value in tree.items():
        if isinstance(value, dict) and "median" in value:
            yield Line(" / ".join(part for part in path if part), str(name), value, beside)
        else:
            yield from lines_of(value, (*path, str(name)), beside)


def _numbers(tree: Mapping[str, Any]) -> dict[str, float]:
    """The plain numbers of a mapping, and those of mappings that hold nothing else."""
    found: dict[str, float] = {}
    for name, value in tree.items():
        if _is_number(value):
            found[str(name)] = value
        elif isinstance(value, dict) and "median" not in value and value:
            if all(_is_number(number) for number in value.values()):
                found |= {f"{name} {key}": number for key, number in value.items()}
    return found


def text_of(result: Mapping[str, Any]) -> str:
    """The whole run as tables."""
    blocks = [_heading(result["surroundings"])]
    for name, section in result["sections"].items():
        blocks.append(f"== {name} ==\n{_table(list(lines_of(section['figures'])))}")
        blocks += [verdict_text(verdict) for verdict in section["verdicts"]]
    return "\n".join(blocks)


def verdict_text(verdict: Mapping[str, Any]) -> str:
    """One line of acceptance in words."""
    word = "PASS" if verdict["passed"] else "MISS"
    asked = f"{verdict['relation']} {verdict['limit']:g}"
    return f"  {word}  {verdict['what']}: {verdict['measured']:.4g} (asked: {asked})"


def missed(result: Mapping[str, Any]) -> list[str]:
    """What did not keep its limit."""
    sections = result["sections"].values()
    return [v["what"] for section in sections for v in section["verdicts"] if not v["passed"]]


def compared(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """New over old for every spread both have: times are better below 1, 'times_faster' above."""
    a, b = old["surroundings"], new["surroundings"]
    head = [f"old: {a['commit'][:10]} {a['utc']} {a['cpu']}", f"new: {b['commit'][:10]} {b['utc']}"]
    if a["cpu"] != b["cpu"]:
        head.append(
            "another processor: compare only what is measured against do-mpc in its own run"
        )
    rows = []
    for name, section in new["sections"].items():
        before = old["sections"].get(name)
        if before is None:
            continue
        known = {(line.where, line.what): line.spread for line in lines_of(before["figures"])}
        for line in lines_of(section["figures"]):
            was = known.get((line.where, line.what))
            if was is not None:
                rows.append([f"{name}: {line.where}", line.what, *_ratios(line.spread, was)])
    return "\n".join([*head, _columns(["new / old", "", *COLUMNS], rows)])


def _ratios(now: Mapping[str, float], was: Mapping[str, float]) -> list[str]:
    return [
        f"{now[c] / was[c]:.2f}" if was.get(c) and c in now else "-" for c in COLUMNS
    ]  # fmt: skip


def _heading(where: Mapping[str, Any]) -> str:
    dirty = f" + {where['changed_files']} changed files" if where["changed_files"] else ""
    return (
        f"{where['utc']}  commit {where['commit'][:10] or 'none'}{dirty}\n"
        f"{where['cpu']}, {where['cores']} cores, load {where['load']}; Python {where['python']},"
        f" {', '.join(f'{k} {v}' for k, v in where['packages'].items())}\n"
        "Only ratios within one run mean anything; on a busy machine, only those of processor time."
    )


def _table(lines: list[Line]) -> str:
    rows, before = [], None
    for line in lines:  # what stands beside several spreads is said at the first of them
        beside = {} if line.beside is before else line.beside
        before = line.beside
        told = "  ".join(f"{name} {_number(value)}" for name, value in beside.items())
        rows.append([line.where, line.what, *(_number(line.spread.get(c)) for c in COLUMNS), told])
    return _columns(["", "", *COLUMNS, ""], rows)


def _columns(head: list[str], rows: list[list[str]]) -> str:
    table = [head, *rows]
    width = [max(len(row[i]) for row in table) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width[i]) if i < 2 or i >= 2 + len(COLUMNS) else cell.rjust(width[i])
            for i, cell in enumerate(row)
        ).rstrip()
        for row in table
    )


def _label(item: object) -> str:
    if not isinstance(item, dict):
        return ""
    words = [(k, v) for k, v in item.items() if isinstance(v, (int, str))]
    return ", ".join(f"{v}" if isinstance(v, str) else f"{v} {k}" for k, v in words[:3])


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: object) -> str:
    if isinstance(value, int):
        return f"{value:d}"
    return f"{value:.4g}" if isinstance(value, float) else "-"
