"""The mixer's PLC as a Modbus/TCP server process: `python -m hil.plc_modbus --sealed F ...`.

pymodbus 3.16.1 plays the PLC's server, on loopback only. One request sees one image: registers
are copied from the newest scan when they are asked for. Only the written tags' registers take
writes, and every accepted write is logged before the client gets its answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hil.bench_door import Door
from hil.bench_process import (
    PlantClock,
    arguments,
    read_sealed,
    run_until_told,
    write_log,
)
from hil.field_link import FieldCable
from hil.plc_scan import door_of, row_writer, scan_for_ever
from hil.plc_station import Station, mixer_program
from hil.wire_words import register_count, registers_of_wire, wire_of_registers

REGISTERS = 200


class ModbusPlc:
    """The register image of a station and the action hook that serves it."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._writable = {
            tag["register"] + i
            for tag in station.writes.values()
            for i in range(register_count(tag))
        }

    async def action(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Serve one request on `registers`, whose first address is `start`.

        Raises nothing; what the PLC does not allow is answered by an exception code.
        """
        self._show(start, registers)
        if not values:
            return None
        touched = range(address, address + count)
        if not self._writable.issuperset(touched):
            return ExcCodes.ILLEGAL_ADDRESS
        words = [int(value) for value in values]
        registers[address - start : address - start + count] = words
        for name, tag in self._station.writes.items():
            first, width = tag["register"], register_count(tag)
            if first in touched or first + width - 1 in touched:
                here = registers[first - start : first - start + width]
                self._station.accept(name, wire_of_registers(tag, here))
        return None

    def _show(self, start: int, registers: list[int]) -> None:
        for name, tag in self._station.reads.items():
            words = registers_of_wire(tag, self._station.shown(name))
            at = tag["register"] - start
            registers[at : at + len(words)] = words


async def serve(plc: ModbusPlc, source: Mapping[str, Any]) -> ModbusTcpServer:
    """Listen where the sealed configuration says; loopback only.

    Raises:
        ValueError: the configuration names another address.
    """
    if source["host"] not in ("127.0.0.1", "localhost"):
        raise ValueError(f"the bench serves on loopback only, not at {source['host']}")
    device = SimDevice(
        source["device_id"],
        [SimData(0, count=REGISTERS, values=0, datatype=DataType.REGISTERS)],
        action=plc.action,
    )
    server = ModbusTcpServer(device, address=(source["host"], source["port"]))
    await server.serve_forever(background=True)
    return server


async def run(argv: list[str] | None = None) -> None:
    """Run the mixer's PLC until told to end."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    options = arguments("Rheostat's bench: the mixer's PLC, Modbus/TCP", argv, field=True)
    sealed = read_sealed(options.sealed)
    source = sealed["sources"]["mixer"]
    with write_log(options.state / "plc-mixer.jsonl") as lines:
        program = mixer_program(sealed, options.start)
        station = Station(program, sealed["tags"], row_writer(lines))
        server = await serve(ModbusPlc(station), source)
        door = Door(options.state / "plc-mixer.sock", door_of(station))
        await door.open()
        cable = FieldCable("mixer", options.field)
        clock = PlantClock(options.speed)
        work = scan_for_ever(station, cable, clock, options.scan, _nothing_to_publish)
        try:
            await run_until_told(work, port=source["port"], host=source["host"])
        finally:
            cable.close()
            await door.close()
            await server.shutdown()  # type: ignore[no-untyped-call]


async def _nothing_to_publish() -> None:
    """Modbus has no subscribers: the image is read from the station when asked for."""


if __name__ == "__main__":
    asyncio.run(run())
