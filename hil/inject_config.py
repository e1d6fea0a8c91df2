"""Faults of the configuration, played on files: what is refused before anything could be started.

Each story works in a scratch folder and returns what was said: the refusals with their codes, or
'accepted' when nobody objected.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.virtual_line import DEFAULT_LINE
from records.canonical import in_canonical_order
from service.clock import utc_text
from service.config_load import load_line
from service.config_problem import ConfigError
from service.limits_judge import judge_change
from service.limits_keeper import SealKeeper
from service.limits_keys import public_text, sign
from service.limits_proposal import NOTHING_BEFORE, Proposal, Seal

ACCEPTED = "accepted"
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # of virtual time zero, so that what is said repeats
ROLES = {"kim": "engineer", "lee": "qa-approver"}
_RATIO = "coater.pump_ratio_sp"


def missing_file(folder: Path, _sealed: Mapping[str, Any], file: str) -> str:
    """A file of the configuration is gone."""
    place = _copy(folder)
    (place / file).unlink()
    return _loaded(place)


def truncated_file(folder: Path, _sealed: Mapping[str, Any], file: str, share: float) -> str:
    """A file of the configuration ends early."""
    place = _copy(folder)
    text = (place / file).read_text("utf-8")
    (place / file).write_text(text[: round(share * len(text))], "utf-8")
    return _loaded(place)


def spoiled_file(folder: Path, _sealed: Mapping[str, Any], file: str, old: str, new: str) -> str:
    """One text of a configuration file was replaced by another."""
    place = _copy(folder)
    text = (place / file).read_text("utf-8")
    if old not in text:
        return f"{file} does not hold {old!r}: nothing was tried"
    (place / file).write_text(text.replace(old, new, 1), "utf-8")
    return _loaded(place)


def signed_change(
    _folder: Path, sealed: Mapping[str, Any], people: Sequence[str], operating: Sequence[float]
) -> str:
    """A change of one operating range, signed by these people, asks to come into force."""
    base, keys, register = _commissioned(sealed)
    proposal = _change(base, operating)
    signatures = [sign(proposal, keys[n], n, register[n], utc_text(NOW)) for n in people]
    return _judged(proposal, signatures, base)


def older_version(_folder: Path, sealed: Mapping[str, Any]) -> str:
    """A change that two people signed, and that was replaced since, asks to come back."""
    base, keys, register = _commissioned(sealed)
    old = _change(base, (2.3, 3.0))
    signatures = [sign(old, keys[n], n, register[n], utc_text(NOW)) for n in ROLES]
    second = Seal(_change(base, (2.4, 2.9)), ())
    return _judged(old, signatures, second)


def edited_while_running(folder: Path, sealed: Mapping[str, Any]) -> str:
    """A limit is edited on the disk while the engine runs; then the engine is restarted."""
    place, given = _copy(folder), in_canonical_order(dict(sealed))
    limits = place / "limits.yaml"
    keeper = SealKeeper(folder / "state", given, [limits])
    rows = keeper.open([], "root", utc_text(NOW))
    limits.write_text(
        limits.read_text("utf-8").replace("[2.2 rev/m, 3.1 rev/m]", "[2.0 rev/m, 3.4 rev/m]", 1),
        "utf-8",
    )
    said = [str(event["event"]) for event in keeper.look_at_files()]
    kept = keeper.seal.config == given
    wider = copy.deepcopy(dict(given))
    wider["limits"]["setpoints"][_RATIO]["operating"] = [2.0, 3.4]
    again = SealKeeper(folder / "state", wider, [limits])
    more = again.open([body for kind, body in rows if kind == "seal"], "root", utc_text(NOW))
    said += [str(body.get("event", kind)) for kind, body in more]
    kept = kept and again.seal.config == given
    return ", ".join([*said, "the sealed limits stay" if kept else ACCEPTED])


STORIES: Mapping[str, Callable[..., str]] = {
    story.__name__: story
    for story in (
        missing_file, truncated_file, spoiled_file, signed_change, older_version,
        edited_while_running,
    )
}  # fmt: skip


def _copy(folder: Path) -> Path:
    place = folder / "config"
    shutil.copytree(DEFAULT_LINE.parent, place)
    return place


def _loaded(place: Path) -> str:
    try:
        load_line(place / DEFAULT_LINE.name)
    except ConfigError as error:
        text = "; ".join(
            f"{one.code} {Path(one.file).name}:{one.line} {one.what}" for one in error.problems
        )
        return text.replace(str(place), "config")
    return ACCEPTED


def _commissioned(
    sealed: Mapping[str, Any],
) -> tuple[Seal, dict[str, Ed25519PrivateKey], dict[str, dict[str, Any]]]:
    """Return version 1 of this line with two people in it, and their keys."""
    keys = {
        name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        for number, name in enumerate(ROLES, start=1)
    }
    register: dict[str, dict[str, Any]] = {
        name: {
            "name": f"{name.title()} Yuna", "role": role, "revoked": None,
            "key": public_text(keys[name].public_key()),
        }
        for name, role in ROLES.items()
    }  # fmt: skip
    config = {**sealed, "people": register}
    line = str(sealed["line"]["id"])
    first = Proposal(
        line, "commissioning", 1, NOTHING_BEFORE, "root", "first start", utc_text(NOW), "", {},
        config,
    )  # fmt: skip
    return Seal(first, ()), keys, register


def _change(base: Seal, operating: Sequence[float]) -> Proposal:
    config = copy.deepcopy(dict(base.config))
    config["limits"]["setpoints"][_RATIO]["operating"] = [float(value) for value in operating]
    last = base.proposal
    return Proposal(
        last.line, "change", last.version + 1, last.sha256, "kim", "die cleaned",
        utc_text(NOW - timedelta(hours=1)), utc_text(NOW + timedelta(days=6)), {}, config,
    )  # fmt: skip


def _judged(proposal: Proposal, signatures: Sequence[Any], base: Seal) -> str:
    refusals = judge_change(proposal, list(signatures), base, NOW)
    return "; ".join(f"{one.code} {one.what}" for one in refusals) or ACCEPTED
