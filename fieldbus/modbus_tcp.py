"""Modbus/TCP, in clear or inside TLS, by pymodbus 3.16: what it does differently is known here.

- Its retries repeat a write: retries=0. Its reconnect resumes old work: reconnect_delay=0.
- A time-out raises, an exception answer does not: both are looked at.
- `connect()` returns False instead of raising, and inside TLS 1.3 it returns True before the
  device has judged our certificate.
- Its TLS framing takes whatever arrived for one answer; the one for TCP reads the length.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU
from pymodbus.transport import CommParams, CommType

from fieldbus.link import LinkError, RefusedError, cut
from fieldbus.modbus_bus import READ, WRITE_AND_READ, WRITE_ONE, Answer
from fieldbus.modbus_tls import judge_device, tls_context
from fieldbus.pki import Pki
from fieldbus.sources import Source


class TcpBus:
    """One connection to one device; `on_lost` is told when the other side lets go."""

    def __init__(self, source: Source, pki: Pki | None, on_lost: Callable[[str], None]) -> None:
        # The library logs every expected loss as an error; here it becomes one sentence.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._source = source
        self._pki = pki
        self._on_lost = on_lost
        self._client: AsyncModbusTcpClient | None = None

    async def connect(self) -> None:
        """Connect; inside TLS only to a device whose certificate we trust."""
        secret = tls_context(self._pki) if self._source.tls else None
        client = self._client = _Client(self._source, secret, self._on_connection)
        if not await client.connect():
            if isinstance(client.failed, ssl.SSLError):
                raise RefusedError(f"no TLS with the device: {client.failed.reason}")
            raise LinkError("cannot connect: is the PLC's Modbus server running at this address?")
        if secret is not None:
            judge_device(client.ctx.transport, self._source, self._pki)

    async def read(self, table: str, start: int, count: int) -> Answer:
        """Read `count` registers by FC03 ('holding') or FC04 ('input')."""
        client = self._connected()
        ask = client.read_holding_registers if READ[table] == 3 else client.read_input_registers
        answer = await ask(start, count=count, device_id=self._source.device_id)
        code = _exception_code(answer)
        return Answer([] if code else list(answer.registers), code)

    async def write(self, start: int, words: Sequence[int], function: int) -> int:
        """Write registers by FC06, FC16 or FC23; return the exception code, 0 for done."""
        client, device = self._connected(), self._source.device_id
        if function == WRITE_ONE:
            answer = await client.write_register(start, words[0], device_id=device)
        elif function == WRITE_AND_READ:
            answer = await client.readwrite_registers(
                read_address=start, read_count=len(words), write_address=start,
                values=list(words), device_id=device,
            )  # fmt: skip
        else:
            answer = await client.write_registers(start, list(words), device_id=device)
        return _exception_code(answer)

    def cut(self) -> None:
        """Reset the connection, so that nothing that is still queued can arrive later."""
        if self._client is not None:
            cut(self._client.ctx.transport)
            self._client.close()

    def _connected(self) -> AsyncModbusTcpClient:
        if self._client is None:
            raise LinkError("not connected")
        return self._client

    def _on_connection(self, is_up: bool) -> None:
        if not is_up:
            doubt = "; does it trust our certificate?" if self._source.tls else ""
            self._on_lost(f"the device closed the connection{doubt}")


class _Client(AsyncModbusTcpClient):
    """The library's client with our settings, over TCP or inside TLS."""

    def __init__(
        self, source: Source, secret: ssl.SSLContext | None, on_connection: Callable[[bool], None]
    ) -> None:
        self.comm_params = CommParams(
            comm_type=CommType.TLS if secret else CommType.TCP,
            host=source.host,
            port=source.port,
            sslctx=secret,
            reconnect_delay=0,
            reconnect_delay_max=0,
            timeout_connect=source.timeout_s,
        )
        super().__init__("", framer=FramerType.SOCKET, retries=0, trace_connect=on_connection)
        self.failed: OSError | None = None
        self._create = self.ctx.call_create
        self.ctx.call_create = self._remembered

    async def _remembered(self) -> Any:  # noqa: ANN401 - the library's pair
        """Connect as the library does, and keep the reason it hides."""
        try:
            return await self._create()
        except OSError as error:
            self.failed = error
            raise


def _exception_code(answer: ModbusPDU) -> int:
    return int(getattr(answer, "exception_code", 0) or 4) if answer.isError() else 0
