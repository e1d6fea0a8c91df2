"""A small recorded file to lie about: some minutes of a line, roots close together, signatures."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.recorded_run import record_scenario
from hil.virtual_line import default_sealed
from records.act import Act, sign_act
from records.reader import RecordReader
from records.store import RecordStore

ROOT_EVERY = 24
_PEOPLE = {"ada": ("Ada Example", "engineer"), "kim": ("Kim Example", "qa-approver")}


def sample(path: Path, minutes: float = 12.0) -> None:
    """Make the record file `path`; who signs in it are people of this file alone."""
    keys = {person: Ed25519PrivateKey.generate() for person in _PEOPLE}
    people = {
        person: {"name": name, "role": role, "key": _public(keys[person]), "revoked": None}
        for person, (name, role) in _PEOPLE.items()
    }
    sealed = {**default_sealed(), "people": people}
    record_scenario(path, minutes=minutes, kind="hold", sealed=sealed, root_every=ROOT_EVERY)
    reader = RecordReader(path)
    rows = [entry for entry in reader.since(0) if entry.kind == "cycle"][::9]
    reader.close()
    store = RecordStore(path, ROOT_EVERY)
    for number, row in enumerate(rows):
        person = list(_PEOPLE)[number % len(_PEOPLE)]
        name, role = _PEOPLE[person]
        act = Act(row.seq, row.hash, person, name, role, "reviewed", row.utc)
        store.append("signature", "", row.utc, sign_act(act, keys[person]).body())
    store.append("stop", "", rows[-1].utc, {"why": "the sample is complete"})
    store.close()


def _public(key: Ed25519PrivateKey) -> str:
    return "ed25519:" + base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")
