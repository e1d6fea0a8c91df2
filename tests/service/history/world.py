"""Records of a line in miniature, and the stores that can follow them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from records.canonical import canonical_json
from records.store import RecordStore
from service.clock import utc_text

TAG = "coater.dry_coat_weight"
START = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)


_REQUEST = {"loop": "coating", "who": "Kim Yuna", "old": "OFF", "new": "AUTO", "why": "run"}
_ALARM = {
    "event": "alarm", "alarm": "coating.target", "loop": "coating", "title": "<Off target>",
    "priority": "high", "from": "NORM", "to": "UNACK", "text": "두께 3 g/m²",
}  # fmt: skip


def sealed() -> dict[str, Any]:
    """Return as much of a sealed configuration as the historian looks at."""
    return {
        "line": {"id": "test-1", "site": "bench", "product": "none"},
        "recipe": {"recipe": "A", "title": "none", "targets": {}, "phases_in_control": []},
        "tags": {TAG: {"unit": "g/m2", "gain": 1e-3, "offset": 0.0, "type": "float"}},
        "limits": {"setpoints": {}},
        "loops": {
            "coating": {
                "title": "Coating", "period": 8.0, "handshake": {"source": "coater"},
                "trips": {"batch": "coater.feed_batch", "most": 2},
                "critical": [TAG], "optional": [], "mvs": {},
                "gate": {"hold_cycles": 6},
                "controller": {"kind": "mpc", "cvs": {TAG: {"rank": 1}, "coater.computed": {}}},
            }
        },
    }  # fmt: skip


def cycle(number: int, batch: int | None = 7, quality: int = 2) -> dict[str, Any]:
    """Return the body of a cycle as the engine writes it, as far as history reads it."""
    row = [0.0857 + 1e-6 * (number % 97), quality, "", None, 8.0 * number, 1]
    inputs: dict[str, Any] = {TAG: row, "coater.running": [True, 2, "", None, 0.0, 1]}
    if batch is not None:
        inputs["coater.feed_batch"] = [batch, 2, "", None, 0.0, 1]
    return {
        "loop": "coating", "mode": "AUTO", "requested": "AUTO", "inputs": inputs,
        "plan": {"estimate": {"coater.computed": 1.5, "d_coat": 0.1}, "solve_ms": 7.5},
        "verdict": {"action": "ALLOW", "limiting": ""}, "written": {"outcome": "written"},
        "timing": {"late": False, "total_ms": 11.0}, "hashes": {"config": "c" * 64},
    }  # fmt: skip


def make_records(
    state: Path, cycles: int = 900, start: datetime = START, batch_of: int = 300
) -> None:
    """Write the records of `cycles` coating cycles, 8 s apart, over a midnight of UTC."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "sealed.json").write_text(canonical_json(sealed()), "utf-8")
    store = RecordStore(state / "records.sqlite")
    try:
        utc = utc_text(start)
        store.append("start", "", utc, {"pid": 1, "sealed": sealed(), "hashes": {}})
        for number in range(cycles):
            utc = utc_text(start + timedelta(seconds=8 * number))
            quality = 0 if number % 50 == 49 else 2
            row = cycle(number, 7 + number // batch_of, quality)
            store.append("cycle", "coating", utc, row)
            if number == 0:
                store.append("request", "coating", utc, _REQUEST)
                store.append("event", "coating", utc, _ALARM)
    finally:
        store.close()


def programs() -> Path | None:
    """Return the folder of PostgreSQL's own programs, or None when there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    other = shutil.which("initdb")
    return Path(other).resolve().parent if other else None


@contextmanager
def server(bin_: Path) -> Iterator[str]:
    """Run a PostgreSQL server of our own on a Unix socket; yield its URL."""
    nobody = os.getuid() == 0
    place = Path(tempfile.mkdtemp(prefix="rheostat-pg-"))
    account = pwd.getpwnam("nobody" if nobody else pwd.getpwuid(os.getuid()).pw_name)
    if nobody:  # PostgreSQL refuses to run as root
        os.chown(place, account.pw_uid, account.pw_gid)

    def run(*words: str) -> None:
        subprocess.run(
            words, check=True, capture_output=True, timeout=120, cwd=place,
            user=account.pw_uid if nobody else None, group=account.pw_gid if nobody else None,
            extra_groups=[] if nobody else None,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(place)},
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    data = str(place / "data")
    try:
        run(str(bin_ / "initdb"), "-D", data, "-U", "rheostat", "-A", "trust", "-N")
        options = f"-k {place} -c listen_addresses= -c fsync=off -c shared_buffers=16MB"
        run(
            str(bin_ / "pg_ctl"), "-D", data, "-w", "-l", str(place / "log"), "-o", options, "start"
        )
        try:
            yield f"postgresql://rheostat@/postgres?host={place}"
        finally:
            run(str(bin_ / "pg_ctl"), "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
