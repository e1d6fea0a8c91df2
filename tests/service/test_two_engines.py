"""Two engines, one PLC: the second reads, and writes only when the first is gone (F71)."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.engine_bench import Bench, Plc, wait_for
from tests.service.small_line import LOOP

pytestmark = pytest.mark.slow


class Fenced(Bench):
    """An engine whose PLC has an owner word; `host` is how this engine calls the PLC."""

    host = "127.0.0.1"

    def sealed(self) -> dict[str, Any]:
        sealed = super().sealed()
        source = sealed["sources"]["coater"]
        source["endpoint"] = source["endpoint"].replace("127.0.0.1", self.host)
        tags = sealed["tags"]
        tags["coater.owner"] = tags["coater.engine_sequence"] | {
            "node": tags["coater.engine_sequence"]["node"].replace("engine_sequence", "owner")
        }
        sealed["loops"][LOOP]["handshake"]["owner"] = "coater.owner"
        return sealed


class FencedElsewhere(Fenced):
    """The same PLC by another name, which this machine's kernel takes for another PLC."""

    host = "localhost"


@pytest.fixture(scope="module")
def plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plc]:
    plc = Plc(tmp_path_factory.mktemp("plc"))
    yield plc
    plc.process.kill()
    plc.process.communicate()


def pair(place: Path, plc: Plc, kinds: tuple[type[Bench], type[Bench]]) -> list[Bench]:
    """Start two engines with a state folder each and wait until both are connected."""
    benches = []
    for number, kind in enumerate(kinds):
        folder = place / str(number)
        folder.mkdir()
        bench = kind(folder, plc)
        bench.start_engine()
        benches.append(bench)
    for bench in benches:
        wait_for(functools.partial(is_connected, bench), "connection")
        bench.wait_for_beats(3)
    return benches


def is_connected(bench: Bench) -> bool:
    return bool(bench.status()["sources"]["coater"]["connected"])


@pytest.mark.requirement("IL-18")
def test_a_second_engine_on_this_machine_never_writes(tmp_path: Path, plc: Plc) -> None:
    first, second = pair(tmp_path, plc, (Bench, Bench))
    try:
        first.request("AUTO")
        first.wait_for_mode("AUTO")
        first.request("OFF")
        first.wait_for_mode("OFF")
        first.wait_for_beats(2)
        before = len(plc.log())
        second.request("AUTO")
        second.wait_for_beats(6)
        assert len(plc.log()) == before, "not one word went out"
        assert second.loop()["mode"] != "AUTO"
        counts = second.status()["sources"]["coater"]
        assert counts["writes"] == 0
        assert counts["writes_not_sent"] > 0

        first.end()  # kill -9
        second.request("OFF")
        second.wait_for_beats(2)
        second.request("AUTO")
        second.wait_for_mode("AUTO")
        assert len(plc.log()) > before
        second.request("OFF")
        second.wait_for_mode("OFF")
        second.wait_for_beats(1)
    finally:
        first.end()
        second.end()


@pytest.mark.requirement("IL-18")
def test_a_second_engine_on_another_machine_waits_for_the_owner_word(
    tmp_path: Path, plc: Plc
) -> None:
    first, second = pair(tmp_path, plc, (Fenced, FencedElsewhere))

    def owners() -> list[int]:
        return [row["value"] for row in first.writes() if row["tag"] == "owner"]

    try:
        first.request("AUTO")
        first.wait_for_mode("AUTO")
        second.request("AUTO")
        second.wait_for_beats(6)
        assert first.loop()["mode"] == "AUTO", "it does not even notice"
        assert second.status()["sources"]["coater"]["writes"] == 0
        assert len(owners()) == 1, "the first has claimed it, and nobody since"

        first.end()  # kill -9: its heartbeat stands, the PLC takes the loop back
        wait_for(lambda: not second.last_cycle()["inputs"]["coater.remote_active"][0], "watchdog")
        second.request("OFF")
        second.wait_for_beats(4)
        second.request("AUTO")
        second.wait_for_mode("AUTO")
        one, *after = owners()
        two = after[-1]
        assert two not in (0, one)
        assert set(after) <= {two, 0}, "let go at most, and claimed by nobody else"
    finally:
        first.end()
        second.end()
