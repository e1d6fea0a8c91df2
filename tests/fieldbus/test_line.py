"""One line on a link that does what a bad wire does: what is certain is said, and never more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from fieldbus.lease import Ownership
from fieldbus.line import Line, Order
from fieldbus.link import LinkError, WireReading
from fieldbus.sources import Source
from fieldbus.supervisor import Supervisor
from fieldbus.tags import Tag, Wire
from safety.words import Quality, WriteResult

GAP, BEAT, OWNER = (
    Tag(name=f"plc.{name}", source="plc", direction="write", type=kind)
    for name, kind in (("gap_sp", "float64"), ("heartbeat_out", "uint16"), ("owner", "uint16"))
)
ORDER = Order(((GAP, 1.5),), ((BEAT, 7),))
RELEASE = Order((), ((BEAT, 7),))


class FakeLink:
    """A device in a dictionary; `refuses` names words, `breaks` and `hangs` name what is asked."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.why_lost = ""
        self.words: dict[str, Wire] = {GAP.name: 0.0, BEAT.name: 0, OWNER.name: 0}
        self.written: list[str] = []
        self.refuses: tuple[str, ...] = ()
        self.unknown: tuple[str, ...] = ()
        self.breaks = self.hangs = ""
        self.asked = asyncio.Event()

    async def open(self) -> None:
        """Nothing to prove."""

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        await self._wire("read")
        return {
            tag.name: WireReading.bad("the device is busy")
            if tag.name in self.unknown
            else WireReading(self.words[tag.name], Quality.GOOD)
            for tag in tags
        }

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        await self._wire("write")
        taken = [(tag.name, wire) for tag, wire in items if tag.name not in self.refuses]
        self.words |= dict(taken)
        self.written += [name for name, _ in taken]
        return {tag.name: "locked" for tag, _ in items if tag.name in self.refuses}

    def drop(self, why: str) -> None:
        self.why_lost = why
        self.lost.set()

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _wire(self, doing: str) -> None:
        self.asked.set()
        if self.hangs == doing:
            await asyncio.sleep(3600.0)
        if self.breaks == doing:
            raise LinkError("the device answers nonsense")


def on_a_line(story: Callable[[Line, FakeLink], Awaitable[None]], timeout_s: float = 60.0) -> None:
    """Tell a story on a line that is connected."""

    async def told() -> None:
        link = FakeLink()
        supervisor = Supervisor(lambda: link, lambda: 0.0, random.Random(1), 1.0)
        supervisor.link = link
        source = Source("plc", "modbus-tcp", timeout_s, host="plc")
        await story(Line(source, supervisor, lambda: 0.0), link)

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
@pytest.mark.parametrize(("doing", "says"), [("read", "abandoned"), ("write", "may still land")])
def test_what_is_abandoned_half_way_costs_the_connection(doing: str, says: str) -> None:
    async def story(line: Line, link: FakeLink) -> None:
        link.hangs = doing
        going = line.read([GAP]) if doing == "read" else sent(line)
        task = asyncio.ensure_future(going)
        await link.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert says in link.why_lost

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
