"""One line on a link that does what a bad wire does: what is certain is said, and never more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

import fieldbus.line
from fieldbus.lease import Ownership
from fieldbus.line import Line, Order
from fieldbus.sources import Source
from fieldbus.supervisor import Supervisor
from fieldbus.tags import Tag
from safety.words import Quality, Sample, WriteResult
from tests.fieldbus.fake_link import FakeLink

NOW_S = 1000.0
GAP, BEAT, OWNER = (
    Tag(name=f"plc.{name}", source="plc", direction="write", type=kind)
    for name, kind in (("gap_sp", "float64"), ("heartbeat_out", "uint16"), ("owner", "uint16"))
)
ORDER = Order(((GAP, 1.5),), ((BEAT, 7),))
RELEASE = Order((), ((BEAT, 7),))
LIP = Tag(name="plc.lip_sp", source="plc", direction="write", type="float64", gain=0.001, unit="mm")
COMMIT = Tag(name="plc.commit", source="plc", direction="write", type="uint16")
MARK = Tag(name="plc.mark", source="plc", direction="read", type="uint16", must_be=7)


def on_a_line(
    story: Callable[[Line, FakeLink], Awaitable[None]],
    timeout_s: float = 60.0,
    canaries: Sequence[Tag] = (),
    protocol: str = "modbus-tcp",
) -> None:
    """Tell a story on a line that is connected."""

    async def told() -> None:
        link = FakeLink(
            {
                GAP.name: 0.0,
                LIP.name: 0.0,
                COMMIT.name: 0,
                BEAT.name: 0,
                OWNER.name: 0,
                MARK.name: 7,
            }
        )
        supervisor = Supervisor(lambda: link, lambda: NOW_S, random.Random(1), 1.0)
        supervisor.link, supervisor.epoch, supervisor.last_error = link, 3, "cable out"
        source = Source("plc", protocol, timeout_s, host="plc")
        await story(Line(source, supervisor, lambda: NOW_S, canaries), link)

    asyncio.run(told())


async def sent(line: Line, order: Order = ORDER) -> WriteResult:
    return await line.write(order, lambda: "")


def test_a_write_is_setpoints_then_words_and_is_read_back() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        result = await sent(line)
        assert (result.outcome, dict(result.landed)) == ("written", {GAP.name: 1.5})
        assert link.written == [GAP.name, BEAT.name]

    on_a_line(story)


@pytest.mark.requirement("P10")
@pytest.mark.parametrize(
    ("doing", "says"),
    [
        ("read", "a read was abandoned half-way"),
        ("write", "a write was abandoned half-way; it may still land"),
    ],
)
def test_what_is_abandoned_half_way_costs_the_connection(doing: str, says: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.hangs = doing
        going = line.read([GAP]) if doing == "read" else sent(line)
        task = asyncio.ensure_future(going)
        await link.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert link.why_lost == says

    on_a_line(story)


@pytest.mark.parametrize(("order", "outcome"), [(ORDER, "unknown"), (RELEASE, "refused")])
def test_a_refused_word_after_setpoints_leaves_them_in_doubt(order: Order, outcome: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.refuses = (BEAT.name,)
        result = await sent(line, order)
        assert (result.outcome, result.reason) == (outcome, f"{BEAT.name}: locked")

    on_a_line(story)


@pytest.mark.parametrize("connected", [True, False])
def test_waiting_for_a_turn_that_never_comes_sends_nothing(connected: bool) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        if not connected:
            line.supervisor.link = None
        async with line._turn:
            result = await sent(line)
        assert (result.outcome, link.written) == ("not-sent", [])
        assert result.reason == "waiting for our turn: no answer within 0.01 s"
        assert link.lost.is_set() is connected

    on_a_line(story, timeout_s=0.01)


def test_a_wait_without_a_connection_can_be_abandoned() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        line.supervisor.link = None
        async with line._turn:
            task = asyncio.ensure_future(sent(line))
            await asyncio.sleep(0)  # it waits for its turn now
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (link.written, link.why_lost) == ([], "")

    on_a_line(story)


def test_what_breaks_off_in_the_read_back_was_written_all_the_same() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.breaks = "read"
        result = await sent(line)
        assert (result.outcome, dict(result.landed)) == ("written", {GAP.name: None})
        assert result.reason == "in the read-back: the device answers nonsense"

    on_a_line(story)


@pytest.mark.requirement("IL-18")
@pytest.mark.parametrize("word", [OWNER.name, BEAT.name])
def test_who_may_write_is_not_guessed(word: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.unknown = (word,)
        result = await sent(line, owned())
        assert (result.outcome, link.written) == ("not-sent", [])
        assert result.reason == "nobody knows who may write: the device is busy"

    on_a_line(story)


@pytest.mark.requirement("IL-18")
def test_a_wire_that_breaks_at_the_owner_word_has_sent_nothing() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.breaks = "read"
        result = await sent(line, owned())
        assert (result.outcome, link.written) == ("not-sent", [])
        assert result.reason == "in the owner word: the device answers nonsense"

    on_a_line(story)


@pytest.mark.requirement("IL-18")
def test_a_claim_the_plc_refuses_is_none() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.refuses = (OWNER.name,)
        result = await sent(line, owned())
        assert (result.outcome, link.written) == ("not-sent", [])
        assert result.reason == "the PLC lets nobody claim the loop: locked"

    on_a_line(story)


def owned() -> Order:
    """Return the order of an engine that shares its PLC."""
    return Order(ORDER.setpoints, ORDER.words, (), Ownership(OWNER, BEAT, 24.0, 7))


def test_a_read_carries_value_time_and_connection_and_is_counted() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.words[GAP.name] = 1.5
        samples = await line.read([GAP, BEAT])
        assert samples == {
            GAP.name: Sample(1.5, Quality.GOOD, "", None, NOW_S, 3),
            BEAT.name: Sample(0, Quality.GOOD, "", None, NOW_S, 3),
        }
        await line.read([GAP])
        assert (line.counts.reads, line.counts.reads_failed) == (2, 0)

    on_a_line(story)


@pytest.mark.parametrize("dropped", [True, False])
def test_without_a_connection_every_tag_is_bad_and_says_why(dropped: bool) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        if dropped:
            link.drop("cable out")
        else:
            line.supervisor.link = None
        why = "plc is not connected: cable out"
        assert await line.read([GAP, BEAT]) == dict.fromkeys(
            (GAP.name, BEAT.name), Sample.bad(why, NOW_S, 3)
        )
        assert link.asked_for == []
        assert (line.counts.reads, line.counts.reads_failed) == (0, 0)

    on_a_line(story)


def test_a_read_that_fails_is_counted_costs_the_connection_and_says_why() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.breaks = "read"
        for failed in (1, 2):
            assert await line.read([GAP]) == {
                GAP.name: Sample.bad("plc: the device answers nonsense", NOW_S, 3)
            }
            assert (line.counts.reads, line.counts.reads_failed) == (0, failed)
            assert link.why_lost == "the device answers nonsense while reading"
            link.lost.clear()

    on_a_line(story)


def test_the_word_that_proves_the_device_is_read_with_every_request_and_once() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        assert set(await line.read([GAP])) == {GAP.name}
        assert set(await line.read([GAP, MARK])) == {GAP.name, MARK.name}
        assert link.asked_for == [[GAP.name, MARK.name]] * 2

    on_a_line(story, canaries=[MARK])


@pytest.mark.parametrize(
    ("there", "protocol", "says"),
    [
        (8, "modbus-tcp", "plc.mark is 8 and must be 7: another device, or another word order"),
        (
            7 << 8,
            "modbus-tcp",
            "plc.mark is 1792 and must be 7: another device, or another word order; it would be "
            "with word_order: big, byte_order: little",
        ),
        (7 << 8, "opcua", "plc.mark is 1792 and must be 7: another device, or another word order"),
        (
            None,
            "modbus-tcp",
            "plc.mark the device is busy and must be 7: another device, or another word order",
        ),
    ],
)
def test_another_device_is_not_believed(there: int | None, protocol: str, says: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        if there is None:
            link.unknown = (MARK.name,)
        else:
            link.words[MARK.name] = there
        samples = await line.read([GAP])
        assert samples == {GAP.name: Sample.bad(f"plc: {says}", NOW_S, 3)}

    on_a_line(story, canaries=[MARK], protocol=protocol)


@pytest.mark.parametrize(
    ("outcome", "refuses", "reason", "written"),
    [
        ("written", (), "", [GAP.name, LIP.name, BEAT.name]),
        (
            "refused",
            (GAP.name, LIP.name),
            "plc.gap_sp: locked; plc.lip_sp: locked; plc.gap_sp reads back 0, sent 1.5; "
            "plc.lip_sp reads back 0 mm, sent 2.5 mm",
            [],
        ),
        (
            "unknown",
            (LIP.name,),
            "plc.lip_sp: locked; plc.lip_sp reads back 0 mm, sent 2.5 mm",
            [GAP.name],
        ),
        ("not-sent", (), "too late", []),
    ],
)
def test_every_write_is_counted_once_by_what_came_of_it(
    outcome: str, refuses: tuple[str, ...], reason: str, written: list[str]
) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        order = Order(((GAP, 1.5), (LIP, 2.5)), ((BEAT, 7),))
        link.refuses = refuses
        for times in (1, 2):
            result = await line.write(order, lambda: "too late" if outcome == "not-sent" else "")
            assert (result.outcome, result.reason) == (outcome, reason)
            counts = line.counts
            told = {
                "written": counts.writes,
                "refused": counts.writes_refused,
                "unknown": counts.writes_unknown,
                "not-sent": counts.writes_not_sent,
            }
            assert told == {name: times if name == outcome else 0 for name in told}
            assert link.written == written * times

    on_a_line(story)


@pytest.mark.requirement("P10")
@pytest.mark.parametrize("other", [True, False])
def test_an_order_for_an_older_connection_is_not_sent(other: bool) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        async with line._turn:
            task = asyncio.ensure_future(sent(line))
            await asyncio.sleep(0)  # it waits for its turn now
            line.supervisor.link = FakeLink(link.words) if other else None
        result = await task
        assert (result.outcome, link.written) == ("not-sent", [])
        assert (result.reason, link.why_lost) == ("plc has just reconnected", "")

    on_a_line(story)


def test_an_order_without_any_connection_is_not_sent() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        line.supervisor.link = None
        result = await sent(line)
        assert (result.outcome, result.reason) == ("not-sent", "plc has just reconnected")

    on_a_line(story)


def test_with_a_commit_word_the_setpoints_are_read_back_before_it_follows() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        order = Order(((GAP, 1.5), (LIP, 2.5)), ((BEAT, 7),), ((COMMIT, 9),))
        assert (await sent(line, order)).outcome == "written"
        assert link.written == [GAP.name, LIP.name, COMMIT.name, BEAT.name]
        assert (link.words[COMMIT.name], link.words[BEAT.name]) == (9, 7)
        assert link.asked_for == [[GAP.name, LIP.name]]

    on_a_line(story)


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        ("refuses", "plc.lip_sp: locked"),
        ("keeping", "plc.lip_sp reads back 0 mm, sent 2.5 mm"),
        ("unknown", "plc.lip_sp cannot be read back: the device is busy"),
    ],
)
def test_what_is_not_committed_is_refused_whole(breaks: str, says: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        setattr(link, breaks, (LIP.name,))
        order = Order(((LIP, 2.5), (GAP, 1.5)), ((BEAT, 7),), ((COMMIT, 9),))
        result = await sent(line, order)
        assert result.outcome == "refused"
        assert result.reason == f"{says}; not committed, so the PLC takes none of them"
        assert COMMIT.name not in link.written
        assert BEAT.name not in link.written
        assert line.counts.readback_mismatches == (breaks == "keeping")

    on_a_line(story)


def test_a_setpoint_that_reads_back_as_another_is_told_and_counted() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.keeping = (LIP.name, GAP.name)
        order = Order(((LIP, 2.5), (GAP, 1.5)), ((BEAT, 7),))
        result = await sent(line, order)
        assert (result.outcome, dict(result.landed)) == ("written", {LIP.name: 0.0, GAP.name: 0.0})
        assert result.reason == (
            "plc.lip_sp reads back 0 mm, sent 2.5 mm; plc.gap_sp reads back 0, sent 1.5"
        )
        assert line.counts.readback_mismatches == 2
        assert link.written == [LIP.name, GAP.name, BEAT.name]

    on_a_line(story)


@pytest.mark.parametrize(("there", "reason"), [("x", ""), (float("nan"), ""), (None, "busy")])
def test_a_setpoint_that_cannot_be_read_back_hides_no_other(there: object, reason: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.keeping = (LIP.name,)
        if there is None:
            link.unknown = (LIP.name,)
        else:
            link.words[LIP.name] = there  # type: ignore[assignment]
        order = Order(((LIP, 2.5), (GAP, 1.5)), ((BEAT, 7),))
        result = await sent(line, order)
        assert (result.outcome, dict(result.landed)) == ("written", {LIP.name: None, GAP.name: 1.5})
        why = "the device is busy" if reason else ""
        assert result.reason == f"plc.lip_sp cannot be read back: {why}"

    on_a_line(story)


@pytest.mark.requirement("P10")
def test_setpoints_that_are_out_when_the_command_becomes_void_are_in_doubt() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        answers = iter(["", "too late"])
        result = await line.write(ORDER, lambda: next(answers, "too late"))
        assert result.outcome == "unknown"
        assert result.reason == "the setpoints are out, the handshake is not: too late"
        assert (link.written, dict(result.landed)) == ([GAP.name], {GAP.name: 1.5})

    on_a_line(story)


@pytest.mark.parametrize(
    ("first", "stage", "written"),
    [(0, "the setpoints", []), (1, "the handshake words", [GAP.name])],
)
def test_a_wire_that_breaks_while_it_sends_leaves_it_in_doubt(
    first: int, stage: str, written: list[str]
) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.breaks, link.first = "write", first
        result = await sent(line)
        assert (result.outcome, link.written) == ("unknown", written)
        assert result.reason == f"in {stage}: the device answers nonsense; it may still land"
        assert link.why_lost == "the device answers nonsense while writing"
        assert (line.counts.writes_unknown, line.counts.writes) == (1, 0)

    on_a_line(story)


@pytest.mark.requirement("IL-18")
@pytest.mark.parametrize("kind", ["claims", "owns", "waits"])
def test_a_loop_is_claimed_first_and_written_when_the_claim_has_stood(kind: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.words[OWNER.name] = {"claims": 0, "owns": 7, "waits": 8}[kind]
        result = await sent(line, owned())
        assert link.asked_for[0] == [OWNER.name, BEAT.name]
        assert (
            result.reason
            == {
                "claims": "this engine has just claimed the loop; "
                "it may write when the claim has stood",
                "owns": "",
                "waits": "engine 8 has this loop; its heartbeat moved 0 s ago",
            }[kind]
        )
        assert result.outcome == ("written" if kind == "owns" else "not-sent")
        assert link.words[OWNER.name] == (8 if kind == "waits" else 7)
        assert link.written == {
            "claims": [OWNER.name], "owns": [GAP.name, BEAT.name], "waits": [],
        }[kind]  # fmt: skip

    on_a_line(story)


@pytest.mark.requirement("IL-18")
@pytest.mark.parametrize("word", [OWNER.name, BEAT.name])
def test_an_owner_word_that_is_no_number_is_nobodys(word: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.words |= {OWNER.name: 8, word: "x"}  # type: ignore[dict-item]
        result = await sent(line, owned())
        who = -1 if word == OWNER.name else 8
        assert result.reason == f"engine {who} has this loop; its heartbeat moved 0 s ago"
        assert link.written == []

    on_a_line(story)


@pytest.mark.parametrize("policy", ["", "Basic256Sha256"])
def test_a_source_is_told_whole(policy: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        supervisor = line.supervisor
        line.source = replace(line.source, policy=policy)
        supervisor.attempts, supervisor.refusals, supervisor.last_refusal = 5, 2, "no trust"
        link.words[GAP.name] = 1.5
        await line.read([GAP])
        counts = line.counts
        assert line.status() == {
            "protocol": "opcua",
            "address": "plc:502 device 1",
            "insecure": not policy,
            "protection": policy and f"{policy}, signed and encrypted, anonymous",
            "connected": True,
            "epoch": 3,
            "attempts": 5,
            "last_error": "cable out",
            "refusals": 2,
            "last_refusal": "no trust",
            "reads": 1,
            "reads_failed": 0,
            "writes": 0,
            "writes_refused": 0,
            "writes_unknown": 0,
            "writes_not_sent": 0,
            "readback_mismatches": 0,
            "last_read_ms": counts.last_read_ms,
            "last_write_ms": 0.0,
        }

    on_a_line(story, protocol="opcua")


def test_times_are_told_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        ticks = iter([10.0, 10.25, 20.0, 20.5])
        monkeypatch.setattr(
            fieldbus.line, "time", SimpleNamespace(perf_counter=lambda: next(ticks))
        )
        await line.read([GAP])
        await sent(line)
        assert (line.counts.last_read_ms, line.counts.last_write_ms) == (250.0, 500.0)

    on_a_line(story)


def test_a_read_takes_no_longer_than_the_time_out() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.hangs = "read"
        samples = await line.read([GAP])
        assert samples[GAP.name].reason == "plc: no answer within 0.01 s"

    on_a_line(story, timeout_s=0.01)


@pytest.mark.requirement("IL-18")
def test_another_engine_is_there_as_long_as_its_heartbeat_moves() -> None:
    async def story(line: Line, link: FakeLink) -> None:
        order, says = owned(), []
        for now_s, beat in ((1000.0, 1), (1020.0, 2), (1043.0, 2), (1044.0, 2)):
            line._clock = lambda now_s=now_s: now_s  # type: ignore[misc]
            link.words |= {OWNER.name: 8, BEAT.name: beat}
            says.append((await sent(line, order)).reason)
        assert says[:3] == [
            f"engine 8 has this loop; its heartbeat moved {age} s ago" for age in (0, 0, 23)
        ]
        assert says[3].startswith("this engine has just claimed the loop")

    on_a_line(story)
