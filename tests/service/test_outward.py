"""The outward OPC UA server as SCADA sees it: read-only, secured, honest about age, with alarms."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto.uacrypto import CertProperties
from cryptography.hazmat.primitives.serialization import Encoding

from fieldbus.opcua_security import POLICIES
from fieldbus.outward.points import unit_id
from fieldbus.outward.server import LARGEST_MESSAGE, NAMESPACE
from fieldbus.pki import Pki
from service.outward.__main__ import Outward
from service.outward.settings import Settings, Users, write_settings
from service.people.secret import Cost
from tests.service.outward_world import CV, World, cycle
from tests.service.small_line import LOOP, SP

LINE = Path(__file__).parents[2] / "config" / "line.yaml"
CHEAP = Cost(1, 8, 1)
WEIGHT = f"test/{LOOP}/CV/{CV}/Value"
MODE = f"test/{LOOP}/Mode"
CLIENT_URI = "urn:test:scada"
PASSWORD = "plain horse battery"
RAISED = {
    "id": "coating-shed", "title": "Coating was given back", "text": "the mixer is silent",
    "state": "UNACK", "active": True, "unacknowledged": True, "priority": "high",
    "who": "", "why": "",
}  # fmt: skip
SAID = "Coating was given back: the mixer is silent"


class Plant:
    """One line with its outward server, and clients for it."""

    def __init__(self, place: Path, *, insecure: bool) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.endpoint = f"opc.tcp://127.0.0.1:{port}/rheostat"
        self.world = World(place / "state")
        self.own = Pki(self.world.state / "outward" / "pki")
        self.scada = Pki(place / "scada")
        write_settings(self.world.state, Settings(self.endpoint, insecure))
        if not insecure:
            self.own.make("urn:test:outward", ["127.0.0.1"], "outward", 30, server=True)
            self.own.accept(self.scada.make(CLIENT_URI, ["127.0.0.1"], "scada", 30))
            Users(self.world.state, CHEAP).set("scada", PASSWORD)

    def client(self) -> Client:
        return Client(self.endpoint, timeout=20.0)

    async def secured(
        self,
        user: str = "scada",
        password: str = PASSWORD,
        policy: str = "Aes256Sha256RsaPss",
        pki: Pki | None = None,
    ) -> Client:
        """Return a client that signs and encrypts; it is not connected yet."""
        client, own, server = self.client(), (pki or self.scada).own(), self.own.own()
        client.application_uri = own.uri
        client.set_user(user)
        client.set_password(password)
        await client.set_security(
            POLICIES[policy],
            CertProperties(own.certificate.public_bytes(Encoding.DER), "der"),
            CertProperties(own.key_pem, "pem"),
            server_certificate=CertProperties(server.certificate.public_bytes(Encoding.DER), "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
        return client


@asynccontextmanager
async def serving(place: Path, *, insecure: bool = True) -> AsyncIterator[tuple[Plant, Outward]]:
    plant = Plant(place, insecure=insecure)
    plant.world.record(cycle())
    await plant.world.open_door()
    outward = Outward(plant.world.state)
    try:
        await outward.open()
        following = asyncio.create_task(outward.follow())
        try:
            yield plant, outward
        finally:
            following.cancel()
            await outward.server.stop()
    finally:
        await plant.world.close()


@dataclass
class Stage:
    """One server and its event loop, for the stories of this file one after another."""

    runner: asyncio.Runner
    plant: Plant

    def play(self, told: Callable[[Plant], Coroutine[Any, Any, None]]) -> None:
        self.plant.world.record(cycle())
        self.runner.run(told(self.plant))


def staged(place: Path, *, insecure: bool) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        context = serving(place, insecure=insecure)
        plant, _ = runner.run(context.__aenter__())
        yield Stage(runner, plant)
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def in_clear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield from staged(tmp_path_factory.mktemp("clear"), insecure=True)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield from staged(tmp_path_factory.mktemp("secured"), insecure=False)


async def at(client: Client, path: str) -> Any:
    index = await client.get_namespace_index(NAMESPACE)
    return client.get_node(ua.NodeId(path, index))


async def read(client: Client, path: str) -> ua.DataValue:
    return await (await at(client, path)).read_data_value(raise_on_bad_status=False)


async def until(fact: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(400):
        if found := await fact():
            return found
        await asyncio.sleep(0.05)
    pytest.fail("not within 20 s")


@pytest.mark.slow
def test_scada_sees_values_with_unit_range_and_time_and_can_change_nothing(in_clear: Stage) -> None:
    async def told(plant: Plant) -> None:
        async with plant.client() as client:

            async def fresh() -> ua.DataValue | None:
                plant.world.record(cycle())  # a busy machine may look when the last one is old
                found = await read(client, WEIGHT)
                return found if found.StatusCode.is_good() else None

            weight = await until(fresh)
            assert weight.Value.Value == pytest.approx(85.7)
            assert weight.StatusCode.is_good()
            assert abs(datetime.now(UTC) - weight.SourceTimestamp.replace(tzinfo=UTC)) < timedelta(
                minutes=1
            )
            node = await at(client, WEIGHT)
            assert await node.read_type_definition() == ua.NodeId(ua.ObjectIds.AnalogItemType)
            unit = await (await at(client, f"{WEIGHT}/EngineeringUnits")).read_value()
            assert (unit.UnitId, unit.DisplayName.Text) == (unit_id("GM"), "g/m2")
            limits = await (await at(client, f"{WEIGHT}/EURange")).read_value()
            assert (limits.Low, limits.High) == (0.0, 200.0)
            assert (await read(client, MODE)).Value.Value == "AUTO"
            verdict = f"test/{LOOP}/Verdict"
            assert (await read(client, f"{verdict}/Action")).Value.Value == "CLAMP"
            assert (await read(client, f"{verdict}/Reasons")).Value.Value == "IL-02: too fast"
            asked = await read(client, f"test/{LOOP}/MV/{SP}/Requested")
            assert asked.Value.Value == pytest.approx(320.0)
            serial = await at(client, "test/Identification/SerialNumber")
            assert await serial.read_value() == "test"
            for path, value in ((WEIGHT, 1.0), (MODE, "OFF")):
                with pytest.raises((ua.uaerrors.BadUserAccessDenied, ua.uaerrors.BadNotWritable)):
                    await (await at(client, path)).write_value(value)
            with pytest.raises(ua.UaError):
                await client.nodes.objects.add_object(ua.NodeId("mine", 2), "2:mine")
            with pytest.raises(ua.UaError):
                await client.delete_nodes([await at(client, MODE)])

    in_clear.play(told)


@pytest.mark.slow
def test_a_line_that_goes_on_is_followed_and_one_that_stands_grows_stale(in_clear: Stage) -> None:
    async def told(plant: Plant) -> None:
        async with plant.client() as client:
            plant.world.record(cycle(mode="HOLD", quality=0))

            async def held() -> bool:
                return bool((await read(client, MODE)).Value.Value == "HOLD")

            await until(held)
            assert (await read(client, WEIGHT)).StatusCode.value == ua.StatusCodes.Bad
            plant.world.record(cycle(age_s=3600.0))

            async def stale() -> bool:
                found = await read(client, MODE)
                return bool(found.StatusCode.value == ua.StatusCodes.BadNoCommunication)

            await until(stale)
            assert (await read(client, MODE)).Value.Value is None

    in_clear.play(told)


class Heard:
    """Keeps the events of a subscription."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def event_notification(self, event: Any) -> None:
        self.events.append(event)

    def of(self, id_: str) -> list[Any]:
        return [e for e in self.events if getattr(e, "ConditionName", "") == id_]


@pytest.mark.slow
def test_an_alarm_comes_as_a_condition_and_is_acknowledged_in_the_users_name(
    secured: Stage,
) -> None:
    async def told(plant: Plant) -> None:
        async with await plant.secured() as client:
            heard = Heard()
            watch = await client.create_subscription(50, heard)
            kind = client.get_node(ua.ObjectIds.AlarmConditionType)
            await watch.subscribe_alarms_and_conditions(evtypes=[kind])
            plant.world.alarms.append(dict(RAISED))

            async def raised() -> list[Any]:
                return heard.of("coating-shed")

            event = (await until(raised))[-1]
            assert event.Message.Text == SAID
            assert event.Severity == 700
            assert getattr(event, "ActiveState/Id") is True
            assert getattr(event, "AckedState/Id") is False
            condition = await at(client, "test/Alarms/coating-shed")
            comment = ua.LocalizedText("seen,\nsending Kim")
            method = ua.NodeId(ua.ObjectIds.AcknowledgeableConditionType_Acknowledge)
            with pytest.raises(ua.uaerrors.BadEventIdUnknown):
                await condition.call_method(method, b"another", comment)
            await condition.call_method(method, event.EventId, comment)
            assert plant.world.asked == [
                {"do": "alarm", "what": "acknowledge", "alarm": "coating-shed",
                 "who": "scada (OPC UA)", "why": "seen, sending Kim"}
            ]  # fmt: skip

            async def acked() -> bool:
                return bool(getattr(heard.of("coating-shed")[-1], "AckedState/Id"))

            await until(acked)
            last = heard.of("coating-shed")[-1]
            assert last.ClientUserId == "scada (OPC UA)"
            with pytest.raises(ua.UaError):
                await condition.call_method(method, last.EventId, comment)
            assert len(plant.world.asked) == 1
            plant.world.alarms.clear()

            async def over() -> bool:
                return not heard.of("coating-shed")[-1].Retain

            await until(over)

    secured.play(told)


@pytest.mark.slow
@pytest.mark.requirement("SEC-03")
def test_who_is_let_in_and_who_is_not(secured: Stage, tmp_path: Path) -> None:
    async def told(plant: Plant) -> None:
        offered = await plant.client().connect_and_get_server_endpoints()
        assert {one.SecurityMode for one in offered} == {ua.MessageSecurityMode.SignAndEncrypt}
        assert {one.SecurityPolicyUri for one in offered} == {
            policy.URI for policy in POLICIES.values()
        }
        for policy in POLICIES:
            async with await plant.secured(policy=policy) as client:
                assert (await read(client, MODE)).Value.Value == "AUTO"
        stranger = Pki(tmp_path / "stranger")
        stranger.make(CLIENT_URI, ["127.0.0.1"], "stranger", 30)
        refused = [
            plant.client(),  # in clear, nobody
            await plant.secured(password="wrong horse battery"),
            await plant.secured(user="admin", password="admin"),
            await plant.secured(user="Admin", password=PASSWORD),
            await plant.secured(pki=stranger),
        ]
        named = plant.client()  # in clear, with the right password
        named.set_user("scada")
        named.set_password(PASSWORD)
        for client in [*refused, named]:
            with pytest.raises((ua.UaError, OSError, TimeoutError)):
                await client.connect()
        assert len(plant.own.rejected()) == 1
        assert Users(plant.world.state).remove("scada")
        with pytest.raises((ua.UaError, OSError)):
            await (await plant.secured()).connect()  # a change counts at once

    secured.play(told)


@pytest.mark.slow
@pytest.mark.requirement("SEC-03")
def test_a_message_larger_than_the_cap_ends_its_connection_only(in_clear: Stage) -> None:
    async def told(plant: Plant) -> None:
        assert LARGEST_MESSAGE <= 1 << 20
        async with plant.client() as other:
            async with plant.client() as client:
                node = await at(client, MODE)

                async def send(size: int) -> None:
                    word = ua.DataValue(ua.Variant("x" * size))
                    await asyncio.wait_for(node.write_attribute(ua.AttributeIds.Value, word), 10.0)

                answered = (ua.uaerrors.BadUserAccessDenied, ua.uaerrors.BadNotWritable)
                with pytest.raises(answered):  # read, understood and refused
                    await send(LARGEST_MESSAGE // 2)
                with pytest.raises((ua.UaError, OSError, TimeoutError)) as refused:
                    await send(2 * LARGEST_MESSAGE)
                assert not isinstance(refused.value, answered)  # not even read
            assert (await read(other, MODE)).Value.Value == "AUTO"

    in_clear.play(told)
