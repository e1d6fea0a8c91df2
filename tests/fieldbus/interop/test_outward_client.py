"""Our outward server as node-opcua sees it: values, and an alarm it can acknowledge."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fieldbus.outward.points import unit_id
from fieldbus.pki import Pki
from tests.fieldbus.interop.outsiders import HERE, MODULES, needs_node
from tests.service.outward_world import CV, cycle
from tests.service.small_line import LOOP
from tests.service.test_outward import CLIENT_URI, PASSWORD, RAISED, SAID, Plant, serving

pytestmark = pytest.mark.slow


async def client(place: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Run the foreign client once and return what it saw."""
    words = json.dumps(spec | {"modules": str(MODULES), "folder": str(place)})
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "outward_node.mjs"), words, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120.0)
    answer: dict[str, Any] = json.loads(said)
    return answer


async def produce(plant: Plant) -> None:
    """Go on recording cycles: the foreign client may take long to start."""
    while True:
        plant.world.record(cycle())
        await asyncio.sleep(2.0)


def as_pem(pki: Pki) -> Path:
    """Return the private key file as this library wants it: PEM by its name."""
    path = pki.folder / "own.pem"
    path.write_bytes(pki.own().key_pem)
    path.chmod(0o600)
    return path


def test_node_opcua_reads_and_acknowledges(tmp_path: Path) -> None:
    needs_node("node-opcua")

    async def told() -> None:
        async with serving(tmp_path, insecure=False) as (plant, _):
            plant.world.alarms.append(dict(RAISED))
            spec = {
                "endpoint": plant.endpoint,
                "uri": CLIENT_URI,
                "server": str(plant.own.folder / "own.der"),
                "certificate": str(plant.scada.folder / "own.der"),
                "key": str(as_pem(plant.scada)),
                "user": "scada",
                "password": PASSWORD,
                "path": f"test/{LOOP}/CV/{CV}/Value",
                "alarm": RAISED["id"],
            }
            producing = asyncio.create_task(produce(plant))
            seen = await client(tmp_path, spec)
            assert "error" not in seen, seen["error"]
            assert seen["value"] == pytest.approx(85.7)
            assert (seen["status"], seen["unit"]) == ("Good", unit_id("GM"))
            assert seen["range"] == [0, 200]
            assert seen["written"] in ("BadUserAccessDenied", "BadNotWritable")
            assert seen["raised"] == {
                "message": SAID, "severity": 700, "retain": True, "active": True,
            }  # fmt: skip
            assert seen["condition"] == f"ns=2;s=test/Alarms/{RAISED['id']}"
            assert seen["acknowledged"] == "Good"
            assert seen["after"] == {"active": True, "acked": True}
            (asked,) = plant.world.asked
            assert (asked["who"], asked["why"]) == ("scada (OPC UA)", "seen from node-opcua")

            producing.cancel()
            wrong = await client(tmp_path, spec | {"password": "wrong horse battery"})
            assert "error" in wrong
            assert "value" not in wrong

    asyncio.run(told())
