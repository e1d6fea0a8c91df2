"""The port before devices that are dictionaries: which words leave, in which order, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from fieldbus import port_wire
from fieldbus.lease import HostLease
from fieldbus.modbus import Fences
from fieldbus.port_wire import WirePort
from fieldbus.sources import Serial, Source
from fieldbus.tags import Tag, WiringError
from safety.gate import Command
from safety.words import Quality, Sample, WriteResult
from tests.fieldbus.bench import (
    Clock,
    command,
    free_port,
    loop,
    modbus_tag,
    modbus_words,
    opcua_words,
    opened,
)
from tests.fieldbus.fake_link import FakeLink

PROOF = ("plc.heartbeat_in", "plc.remote_ready", "plc.remote_active")
WORDS = ["plc.remote_request", "plc.sequence", "plc.heartbeat_out"]
TAGS = {
    **modbus_words("plc"),
    "plc.gap_sp": modbus_tag("plc", 100, "float32", "write"),
    "plc.lip_sp": modbus_tag("plc", 102, "float32", "write"),
    "plc.owner": modbus_tag("plc", 110, "uint16", "write"),
    "plc.commit": modbus_tag("plc", 112, "int16", "write"),
    "plc.mark": modbus_tag("plc", 114, "uint16", must_be=7),
}
START = dict.fromkeys(TAGS, 0) | dict.fromkeys(PROOF[1:], True) | {"plc.mark": 7}
BOTH = {"plc.gap_sp": 1.5, "plc.lip_sp": 2.5}


def sealed(**words: str) -> dict[str, Any]:
    row = loop("plc", list(BOTH))
    row["handshake"] |= words
    row |= {"period": 8.0, "gate": {"heartbeat_cycles": 3}}
    source = {"protocol": "modbus-tcp", "host": "127.0.0.1", "port": free_port(), "timeout": 5.0}
    return {"sources": {"plc": source}, "tags": TAGS, "loops": {"plc": row}}


class Scene:
    """A port, its clock, and the links it has dialled so far."""

    def __init__(self, port: WirePort, clock: Clock, links: Sequence[FakeLink]) -> None:
        self.port, self.clock, self.links = port, clock, links

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    async def sent(self, wish: Command) -> WriteResult:
        """Read as a cycle does, then write; the words that leave are `link.written`."""
        await self.port.read(PROOF)
        self.link.written.clear()
        return await self.port.write(wish)

    async def refused(self, wish: Command) -> str:
        """Write what must not leave, and return why it did not."""
        before = list(self.link.written)
        result = await self.port.write(wish)
        assert (result.outcome, self.link.written) == ("not-sent", before)
        assert dict(result.landed) == dict.fromkeys(wish.setpoints)
        return result.reason

    @property
    def not_sent(self) -> int:
        return int(self.port.sources_status()["plc"]["writes_not_sent"])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what tells a story of a port whose devices are dictionaries."""
    links: list[FakeLink] = []

    def dialled(*_: object) -> FakeLink:
        links.append(FakeLink(START))
        return links[-1]

    monkeypatch.setattr(port_wire, "ModbusLink", dialled)

    def tell(story: Callable[[Scene], Awaitable[None]], wiring: dict[str, Any]) -> None:
        async def play() -> None:
            clock = Clock()
            async with opened(wiring, clock) as port:
                await story(Scene(port, clock, links))

        asyncio.run(play())

    return tell


@pytest.mark.requirement("P10")
@pytest.mark.parametrize(
    ("words", "setpoints", "remote", "leaves"),
    [
        ({}, BOTH, True, [*BOTH, *WORDS]),
        ({}, {}, False, WORDS),
        ({"commit": "plc.commit"}, BOTH, True, [*BOTH, "plc.commit", *WORDS]),
        ({"commit": "plc.commit"}, {}, False, WORDS),
        ({"owner": "plc.owner"}, {}, False, ["plc.owner", *WORDS]),
    ],
)
def test_words_leave_in_the_order_the_plc_needs(
    told: Callable[..., None],
    words: dict[str, str],
    setpoints: dict[str, float],
    remote: bool,
    leaves: list[str],
) -> None:
    async def story(scene: Scene) -> None:
        port = scene.port
        if "owner" in words:
            scene.link.words["plc.owner"] = port._owners["plc"].number
        wish = command(setpoints, 65536 + 40, remote=remote, heartbeat=65536 + 41)
        result = await scene.sent(wish)
        assert (result.outcome, result.reason) == ("written", "")
        assert scene.link.written == leaves
        there = scene.link.words
        assert [there[name] for name in WORDS] == [remote, 40, 41]
        assert there["plc.owner"] == 0
        assert there["plc.commit"] == ((65536 + 40) % 32768 if "plc.commit" in leaves else 0)
        assert {name: there[name] for name in setpoints} == setpoints

    told(story, sealed(**words))


@pytest.mark.requirement("IL-18")
@pytest.mark.parametrize(("setpoints", "remote"), [(BOTH, True), (BOTH, False), ({}, True)])
def test_only_letting_go_of_the_loop_gives_the_owner_word_back(
    told: Callable[..., None], setpoints: dict[str, float], remote: bool
) -> None:
    async def story(scene: Scene) -> None:
        number = scene.port._owners["plc"].number
        scene.link.words["plc.owner"] = number
        assert (await scene.sent(command(setpoints, remote=remote))).outcome == "written"
        assert scene.link.words["plc.owner"] == number

    told(story, sealed(owner="plc.owner"))


@pytest.mark.requirement("IL-18")
def test_a_silent_owner_keeps_the_loop_for_as_long_as_the_gate_waits_for_a_heartbeat(
    told: Callable[..., None],
) -> None:
    async def story(scene: Scene) -> None:
        scene.link.words["plc.owner"] = 70000  # nobody's by chance: 16 bits hold less
        times: dict[str, Any] = {"minted_s": 900.0, "expires_s": 2000.0}
        await scene.port.read(PROOF)
        scene.port._lines["plc"].supervisor.connected_s = 900.0
        for now_s, says in ((1000.0, "moved 0 s ago"), (1023.9, "moved 23.9 s ago")):
            scene.clock.now_s = now_s
            assert says in await scene.refused(command(BOTH, **times))
        scene.clock.now_s = 1024.0
        result = await scene.port.write(command(BOTH, **times))
        assert "has just claimed" in result.reason

    told(story, sealed(owner="plc.owner"))


@pytest.mark.requirement("P10")
def test_what_must_not_leave_says_why_and_is_counted(told: Callable[..., None]) -> None:
    async def story(scene: Scene) -> None:
        await scene.port.read(PROOF)
        nan = command({"plc.gap_sp": float("nan"), "plc.lip_sp": 2.5})
        assert await scene.refused(nan) == "plc.gap_sp: nan is not a finite number"
        half = command({"plc.gap_sp": 1.5})
        assert await scene.refused(half) == "plc.lip_sp is missing: plc takes all or none"
        stranger = command(BOTH | {"plc.zeal": 1.0, "oven.t_sp": 1.0})
        assert await scene.refused(stranger) == "oven.t_sp is not a setpoint of the loop plc"
        assert scene.not_sent == 3
        assert await scene.refused(command(BOTH, loop="oven")) == "there is no loop oven"
        assert await scene.refused(stranger) == "this command was carried out before"

    told(story, sealed(commit="plc.commit"))


@pytest.mark.requirement("IL-18")
def test_nothing_leaves_while_another_engine_of_this_machine_writes(
    told: Callable[..., None],
) -> None:
    wiring = sealed()
    other = HostLease(f"127.0.0.1:{wiring['sources']['plc']['port']} device 1")

    async def story(scene: Scene) -> None:
        await scene.port.read(PROOF)
        assert other.held()
        why = "another engine on this machine writes to plc"
        for times in (1, 2):
            assert await scene.refused(command(BOTH)) == why
            assert scene.not_sent == times
        other.release()
        assert (await scene.sent(command(BOTH))).outcome == "written"
        assert not other.held()

    told(story, wiring)
    assert other.held(), "a port that was closed has let go"
    other.release()


@pytest.mark.requirement("P10")
def test_a_command_is_void_by_its_age_or_by_a_new_connection(told: Callable[..., None]) -> None:
    async def story(scene: Scene) -> None:
        unread = "plc has reconnected: nothing is written before one good full read"
        assert await scene.refused(command(BOTH)) == unread
        scene.link.unknown = PROOF[2:]
        await scene.port.read(PROOF)
        assert await scene.refused(command(BOTH)) == unread
        scene.link.unknown = ()
        await scene.port.read(PROOF)
        scene.clock.now_s = 1003.25
        assert await scene.refused(command(BOTH)) == "the command is void: made 3.25 s ago"
        scene.clock.now_s = 1002.0
        supervisor = scene.port._lines["plc"].supervisor
        supervisor.connected_s = 1000.5
        assert await scene.refused(command(BOTH)) == (
            "plc has reconnected since the command was made"
        )
        supervisor.connected_s = 1000.0
        assert (await scene.sent(command(BOTH))).outcome == "written"
        supervisor.epoch += 1
        assert await scene.refused(command(BOTH)) == unread
        scene.link.lost.set()
        supervisor.last_error = "cable out"
        assert await scene.refused(command(BOTH)) == "plc is not connected: cable out"

    told(story, sealed())


def test_a_proof_of_an_earlier_connection_is_none(told: Callable[..., None]) -> None:
    async def story(scene: Scene) -> None:
        port, supervisor = scene.port, scene.port._lines["plc"].supervisor
        old = {name: Sample(1, Quality.GOOD, "", None, 1000.0, 0) for name in PROOF}
        supervisor._failures = 3
        port._note_proof(old)
        port._note_proof(old | {PROOF[1]: old[PROOF[1]]._replace(epoch=1)})
        assert (port._proved, supervisor._failures) == ({}, 3)
        port._note_proof({name: sample._replace(epoch=1) for name, sample in old.items()})
        assert (port._proved, supervisor._failures) == ({"plc": 1}, 0)

    told(story, sealed())


def test_the_task_that_keeps_a_source_connected_bears_its_name(told: Callable[..., None]) -> None:
    async def story(scene: Scene) -> None:
        task = scene.port._lines["plc"].supervisor._task
        assert task is not None
        assert task.get_name() == "supervisor of plc"

    told(story, sealed())


def test_a_tag_nobody_knows_is_bad_and_costs_the_others_nothing(told: Callable[..., None]) -> None:
    async def story(scene: Scene) -> None:
        scene.link.words["plc.gap_sp"] = 1.5
        reading = await scene.port.read(["plc.gap_sp", "oven.t"])
        assert reading == {
            "plc.gap_sp": Sample(1.5, Quality.GOOD, "", None, 1000.0, 1),
            "oven.t": Sample.bad("oven.t is not in the tag table", 1000.0),
        }
        assert scene.link.asked_for == [["plc.gap_sp", "plc.mark"]], "with the word that proves it"

    told(story, sealed())


@pytest.mark.parametrize(
    ("tag", "change", "says"),
    [
        ("plc.gap_sp", {"source": "nowhere"}, "tag plc.gap_sp: there is no source nowhere"),
        (
            "plc.gap_sp",
            {"source": "other"},
            "loop plc: plc.gap_sp is on other, but all that a loop writes must go to one PLC "
            "(plc), or it could be half written",
        ),
        *(
            (
                word,
                {"source": "other"},
                f"loop plc: {word} is on other, but all that a loop writes must go to one PLC "
                "(plc), or it could be half written",
            )
            for word in (*WORDS, *PROOF, "plc.commit", "plc.owner")
        ),
        *(
            (
                word,
                {"direction": "read"},
                f"loop plc: {word} is to be written, its direction is 'read'",
            )
            for word in (*WORDS, *BOTH, "plc.commit", "plc.owner")
        ),
        *(
            (word, {"type": "float32"}, f"loop plc: {word} counts, so it must be an integer")
            for word in (*WORDS[1:], "plc.commit", "plc.owner")
        ),
        (WORDS[0], {"type": "uint16"}, "loop plc: plc.remote_request must be a bool"),
    ],
)
def test_a_wiring_that_could_write_half_is_refused_in_words(
    tag: str, change: dict[str, Any], says: str
) -> None:
    wiring = sealed(commit="plc.commit", owner="plc.owner")
    wiring["sources"]["other"] = wiring["sources"]["plc"]
    with pytest.raises(WiringError) as refused:
        WirePort(wiring | {"tags": TAGS | {tag: TAGS[tag] | change}}, Clock())
    assert str(refused.value) == says


@pytest.mark.parametrize(
    "word",
    ["source", "remote_ready", "remote_active", "remote_request", "sequence", "heartbeat_out"],
)
def test_a_handshake_that_lacks_a_word_is_refused(word: str) -> None:
    wiring = sealed()
    del wiring["loops"]["plc"]["handshake"][word]
    with pytest.raises(WiringError) as refused:
        WirePort(wiring, Clock())
    assert str(refused.value) == f"loop plc: the handshake lacks {word!r}"


def test_a_handshake_word_that_is_no_tag_is_refused() -> None:
    with pytest.raises(WiringError) as refused:
        WirePort(sealed(commit="plc.zeal"), Clock())
    assert str(refused.value) == "loop plc: plc.zeal is not in the tag table"


@pytest.mark.parametrize("word", ["commit", "owner"])
def test_a_word_the_plc_need_not_have_may_be_left_empty(word: str) -> None:
    port = WirePort(sealed(**{word: ""}), Clock())
    assert (port._loops["plc"].commit, port._loops["plc"].owner) == ("", "")
    assert port._owners == {}


@pytest.mark.parametrize(
    ("timeout_s", "slowest_s", "limit_s"),
    [(1.0, None, 3.0), (1.5, None, 3.0), (2.0, None, 4.0), (2.0, 0.5, 4.5), (0.5, 0.5, 3.5)],
)
def test_an_attempt_to_connect_takes_two_time_outs_or_three_seconds(
    timeout_s: float, slowest_s: float | None, limit_s: float
) -> None:
    serial = None if slowest_s is None else Serial("/dev/ttyUSB0", 19200, "even", 1, slowest_s)
    source = Source("plc", "modbus-tcp", timeout_s, serial=serial)
    assert port_wire._connect_limit_s(source) == limit_s


@pytest.mark.parametrize("kind", ["opcua", "modbus-tcp", "modbus-rtu"])
def test_every_link_is_dialled_with_all_it_has_to_know(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled: list[tuple[Any, ...]] = []

    def note(*given: Any) -> tuple[Any, ...]:
        dialled.append(given)
        return given

    for name in ("OpcUaLink", "ModbusLink", "RtuBus", "TcpBus", "Silence"):
        monkeypatch.setattr(port_wire, name, note)
    serial = Serial("/dev/ttyUSB0", 19200, "even", 1, 0.25) if kind == "modbus-rtu" else None
    source, tag = Source("plc", kind, 1.0, serial=serial), Tag("plc.t", "plc", "read", "int16")
    pki: Any = object()
    dial = port_wire._dialler(source, [tag], frozenset({"plc.beat"}), 20.0, pki)
    dialled.clear()
    link: Any = dial()
    if kind == "opcua":
        assert link == (source, [tag], 20.0, pki)
        return
    assert link[:3] == (source, [tag], frozenset({"plc.beat"}))
    again: Any = dial()
    assert isinstance(link[3], Fences)
    assert again[3] is link[3], "holes that were found once stay known"
    lost = object()
    if kind == "modbus-tcp":
        assert link[4](lost) == (source, pki, lost)
    else:
        assert link[4](lost) == (source, (0.25,), lost)


def test_each_source_has_its_own_line_with_its_own_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []
    true = port_wire._dialler

    def note(*given: Any) -> Any:
        made.append(given)
        return true(*given)

    monkeypatch.setattr(port_wire, "_dialler", note)
    wiring = sealed()
    wiring["sources"]["oven"] = {
        "protocol": "opcua",
        "endpoint": "opc.tcp://127.0.0.1:1",
        "timeout": 2.0,
    }
    wiring["tags"] = TAGS | opcua_words("oven")
    pki: Any = object()
    port = WirePort(wiring, Clock(), wall_scale=20.0, seed=5, pki=pki)
    assert [(given[0].name, given[2], given[3], given[4]) for given in made] == [
        (name, frozenset({"plc.heartbeat_in"}), 20.0, pki) for name in ("plc", "oven")
    ]
    assert [{tag.name for tag in given[1]} for given in made] == [
        set(TAGS), set(opcua_words("oven")),
    ]  # fmt: skip
    lines = port._lines
    limits_s = {name: line.supervisor._connect_limit_s for name, line in lines.items()}
    assert limits_s == {"plc": 10.0, "oven": 4.0}
    assert [tag.name for tag in lines["plc"]._canaries] == ["plc.mark"]
    assert list(lines["oven"]._canaries) == []
    pauses = {name: line.supervisor.pause_s(9) for name, line in lines.items()}
    again = WirePort(wiring, Clock(), seed=5)._lines
    assert {name: line.supervisor.pause_s(9) for name, line in again.items()} == pauses
    assert pauses["plc"] != pauses["oven"], "two sources must not knock at the same instants"
    plain, zero = WirePort(wiring, Clock())._lines, WirePort(wiring, Clock(), seed=0)._lines
    assert plain["plc"].supervisor.pause_s(9) == zero["plc"].supervisor.pause_s(9)
    assert plain["plc"].supervisor.pause_s(9) != pauses["plc"]
