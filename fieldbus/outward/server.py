"""The outward server itself: its address space, who may come in, and how large a message may be.

Every variable is read-only and no client is an administrator, so there is nothing here that a
client can change. Without certificates it serves on loopback only, and only when told so.
"""

from __future__ import annotations

import contextvars
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from cryptography import x509

from fieldbus.certificate import facts_of
from fieldbus.opcua_security import POLICIES
from fieldbus.opcua_space import build_space
from fieldbus.outward.points import UNECE, Identification, Kind, Point, Shown, Value, unit_id
from fieldbus.pki import Pki, PkiError

NAMESPACE: Final = "urn:rheostat:outward"
MACHINERY: Final = "http://opcfoundation.org/UA/Machinery/"
UNITS: Final = "http://www.opcfoundation.org/UA/units/un/cefact"
LARGEST_MESSAGE: Final = 1 << 20  # bytes
_MOST_CONNECTIONS = 50
_ACTIVATE_WITHIN_S = 10.0
_KINDS: Mapping[Kind, tuple[ua.VariantType, Shown]] = {
    "number": (ua.VariantType.Double, 0.0),
    "text": (ua.VariantType.String, ""),
    "whole": (ua.VariantType.Int64, 0),
    "yes-no": (ua.VariantType.Boolean, False),
}
"""The type of each kind, and what the library must be given before there is a value."""
_QUALITIES: Mapping[str, int] = {
    "good": ua.StatusCodes.Good,
    "uncertain": ua.StatusCodes.Uncertain,
    "bad": ua.StatusCodes.Bad,
    "stale": ua.StatusCodes.BadNoCommunication,
}
IsUser = Callable[[str, str], bool]

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="")
"""The user who calls a method, while it is called."""


class OutwardError(Exception):
    """The server may not serve like this; the text says why."""


class OutwardServer:
    """One OPC UA server for one line."""

    def __init__(self, endpoint: str, pki: Pki, is_user: IsUser, *, insecure: bool = False) -> None:
        """Prepare a server at `endpoint`; `is_user` judges a name and a password.

        Raises OutwardError when it is told to be insecure anywhere but on loopback.
        """
        if insecure and urlsplit(endpoint).hostname not in ("127.0.0.1", "localhost"):
            raise OutwardError(
                f"{endpoint} is no loopback address, and nothing would be signed or encrypted there"
            )
        logging.getLogger("asyncua").setLevel(logging.ERROR)
        self.server = Server()
        self.index = 0
        self._endpoint = endpoint
        self._pki = pki
        self._is_user = is_user
        self._insecure = insecure
        self._kinds: dict[str, ua.VariantType] = {}
        self._shown: dict[str, Value] = {}

    async def open(self, line: str, points: Iterable[Point], who: Identification) -> None:
        """Build the address space and make the server ready; `start` listens.

        Raises OutwardError or PkiError when it has no identity to serve with.
        """
        server = self.server
        server.iserver.bind_condition_methods = 1  # the severity of 'refresh begins' and 'ends'
        await build_space(server)
        server.set_endpoint(self._endpoint)
        server.set_server_name(f"Rheostat: {line}")
        server.allow_remote_admin(False)
        limits = server.limits
        limits.max_message_size = LARGEST_MESSAGE
        limits.max_chunk_count = math.ceil(LARGEST_MESSAGE / limits.max_recv_buffer)
        server.iserver.max_connections = _MOST_CONNECTIONS
        server.iserver.max_pending_activation_seconds = _ACTIVATE_WITHIN_S
        self._name_callers()
        await self._protect()
        self.index = await server.register_namespace(NAMESPACE)
        machine = await self._machine(line, who)
        folders = {line: machine}
        for point in points:
            await self._add(folders, point)

    async def start(self) -> None:
        """Listen."""
        await self.server.start()
        if not self._insecure:  # the open channel answers what there is, and is not on offer itself
            offered = self.server.iserver.endpoints
            none = ua.MessageSecurityMode.None_
            offered[:] = [one for one in offered if one.SecurityMode != none]

    async def stop(self) -> None:
        """Close every session and stop listening."""
        await self.server.stop()

    def node_id(self, path: str) -> ua.NodeId:
        """Return the NodeId of what stands at `path`."""
        return ua.NodeId(path, self.index)

    async def publish(self, values: Mapping[str, Value], now: datetime) -> None:
        """Show `values`, by path; what has not changed is not written again."""
        for path, value in values.items():
            if self._shown.get(path) != value:
                data = _data_value(value, self._kinds[path], now)
                await self.server.write_attribute_value(self.node_id(path), data)
                self._shown[path] = value

    async def _protect(self) -> None:
        server = self.server
        if self._insecure:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            server.set_identity_tokens([ua.AnonymousIdentityToken])
            server.iserver.user_manager = _Anybody()
            return
        own = self._pki.own()
        if datetime.now(UTC) > own.certificate.not_valid_after_utc:
            raise OutwardError("the certificate of this server has expired")
        secured = [ua.SecurityPolicyType[f"{name}_SignAndEncrypt"] for name in POLICIES]
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity, *secured])
        await server.set_application_uri(own.uri)
        server.iserver.certificate = own.certificate
        await server.load_private_key(own.key_pem, format="pem")
        server.set_identity_tokens([ua.UserNameIdentityToken])
        server.iserver.user_manager = _Doorman(self._is_user)
        server.set_certificate_validator(_Guests(self._pki))

    def _name_callers(self) -> None:
        """Let a method know who calls it: the library tells it the node only."""
        make = self.server.iserver.create_session

        def create(*words: Any, **more: Any) -> Any:  # noqa: ANN401 - the library's session
            session = make(*words, **more)
            call = session.call

            async def named(requests: Any) -> Any:  # noqa: ANN401 - the library's answer
                token = caller.set((session.user and session.user.name) or "")
                try:
                    return await call(requests)
                finally:
                    caller.reset(token)

            session.call = named
            return session

        self.server.iserver.create_session = create

    async def _machine(self, line: str, who: Identification) -> Any:  # noqa: ANN401 - a node
        machinery = await self.server.register_namespace(MACHINERY)
        machines = await self.server.nodes.objects.add_folder(
            ua.NodeId(1001, machinery), ua.QualifiedName("Machines", machinery)
        )
        machine = await machines.add_object(self.node_id(line), f"{self.index}:{line}")
        about = await machine.add_object(
            self.node_id(f"{line}/Identification"), ua.QualifiedName("Identification", machinery)
        )
        for name, text in {
            "Manufacturer": ua.LocalizedText(who.manufacturer),
            "Model": ua.LocalizedText(who.model),
            "SerialNumber": who.serial_number,
            "ProductInstanceUri": who.product_instance_uri,
            "SoftwareRevision": who.software_revision,
        }.items():
            place = self.node_id(f"{line}/Identification/{name}")
            await about.add_property(place, ua.QualifiedName(name, machinery), text)
        return machine

    async def _add(self, folders: dict[str, Any], point: Point) -> None:
        above, _, name = point.path.rpartition("/")
        parent = await self._folder(folders, above)
        kind, nothing = _KINDS[point.kind]
        node = await parent.add_variable(
            self.node_id(point.path), f"{self.index}:{name}", nothing, varianttype=kind,
            datatype=ua.NodeId(kind.value),
        )  # fmt: skip
        self._kinds[point.path] = kind
        if point.about:
            about = ua.DataValue(ua.Variant(ua.LocalizedText(point.about)))
            await node.write_attribute(ua.AttributeIds.Description, about)
        if point.unit is not None and point.low is not None and point.high is not None:
            await self._is_analog(node, point.path, point.unit, point.low, point.high)
        waiting = _data_value(Value(None, "stale"), kind, datetime.now(UTC))
        await self.server.write_attribute_value(self.node_id(point.path), waiting)

    async def _folder(self, folders: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - a node
        if path not in folders:
            above, _, name = path.rpartition("/")
            parent = await self._folder(folders, above)
            folders[path] = await parent.add_object(self.node_id(path), f"{self.index}:{name}")
        return folders[path]

    async def _is_analog(
        self, node: Any, path: str, unit: str, low: float, high: float  # noqa: ANN401 - a node
    ) -> None:  # fmt: skip
        """Make a variable an AnalogItem (OPC 10000-8, 5.3.2.3): unit and range belong to it."""
        await retype(node, ua.ObjectIds.BaseDataVariableType, ua.ObjectIds.AnalogItemType)
        code, name = UNECE[unit]
        unit_word = ua.EUInformation(
            NamespaceUri=UNITS, UnitId=unit_id(code), DisplayName=ua.LocalizedText(unit),
            Description=ua.LocalizedText(name),
        )  # fmt: skip
        await node.add_property(
            self.node_id(f"{path}/EngineeringUnits"), "0:EngineeringUnits", unit_word
        )
        await node.add_property(self.node_id(f"{path}/EURange"), "0:EURange", ua.Range(low, high))


async def retype(node: Any, was: int, becomes: int) -> None:  # noqa: ANN401 - a node
    """Give a node another type, without the children the library would make with ids of its own."""
    defined = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
    await node.delete_reference(ua.NodeId(was), defined, forward=True, bidirectional=False)
    await node.add_reference(ua.NodeId(becomes), defined, forward=True, bidirectional=False)


def _data_value(value: Value, kind: ua.VariantType, now: datetime) -> ua.DataValue:
    word = value.value
    good = not (word is None or (isinstance(word, float) and not math.isfinite(word)))
    quality = value.quality if good or value.quality == "stale" else "bad"
    status = ua.StatusCode(_QUALITIES[quality])
    variant = ua.Variant(word, kind) if good else ua.Variant()
    return ua.DataValue(
        variant, status, SourceTimestamp=value.time or now, ServerTimestamp=now
    )  # fmt: skip


class _Anybody:
    """On an insecure loopback: everybody may look, and is nobody."""

    def get_user(self, _server: object, **_token: object) -> User:
        return User(UserRole.User)


class _Doorman:
    """Lets in users with their password, over a secured channel."""

    def __init__(self, is_user: IsUser) -> None:
        self._is_user = is_user

    def get_user(
        self,
        _server: object,
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        """Return the user, or None: no secured channel, no name, or another password."""
        if certificate is None or not username or not self._is_user(username, password or ""):
            return None
        return User(UserRole.User, name=username)


class _Guests:
    """Lets in clients whose certificate lies in our trust folder, byte for byte, and is in time."""

    def __init__(self, pki: Pki) -> None:
        self._pki = pki

    async def __call__(self, certificate: x509.Certificate, description: Any) -> None:  # noqa: ANN401
        try:
            trusted = [one for _, one in self._pki.trusted()]
        except PkiError as error:
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted) from error
        now = datetime.now(UTC)
        if certificate not in trusted:
            self._pki.reject(certificate)
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise ServiceError(ua.StatusCodes.BadCertificateTimeInvalid)
        if description.ApplicationUri not in facts_of(certificate).uris:
            raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)
