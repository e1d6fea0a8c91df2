"""Look through an OPC UA server: every variable with type, right, unit, range and value.

Reads only. The server's own folder in namespace 0 is left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from fieldbus.link import LinkError
from fieldbus.opcua import VARIANTS
from fieldbus.opcua_quality import quality_of
from fieldbus.opcua_security import connect
from fieldbus.pki import Pki
from fieldbus.sources import Source
from safety.words import Quality

MOST_NODES: Final = 20_000
_IN_ONE_REQUEST: Final = 100  # servers without a stated limit often have a silent one
_PATIENCE_S: Final = 2.0
_NAMES: Final = {variant: name for name, variant in VARIANTS.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """One variable of a server; `name` has the folders it is in, `span` is its EURange."""

    node: str
    name: str
    type: str
    writable: bool
    value: object
    fault: str = ""
    unit: str = ""
    span: tuple[float, float] | None = None


@dataclass(slots=True)
class _Seen:
    """A variable on the way: its id, its path, and its properties' ids."""

    id: ua.NodeId
    name: str
    unit: ua.NodeId | None = None
    span: ua.NodeId | None = None


async def browse(source: Source, pki: Pki | None) -> list[Found]:
    """Return every variable below Objects, in the order of the folders.

    Raises:
        LinkError: the server cannot be reached, or has more than 20 000 variables.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    client = Client(source.endpoint, timeout=max(source.timeout_s, _PATIENCE_S))
    try:
        await connect(client, source, pki)
        uris = await client.get_namespace_array()
        seen = await _walk(client)
        return await _read(client, seen, uris)
    finally:
        farewell = asyncio.create_task(client.disconnect())
        await asyncio.wait({farewell}, timeout=_PATIENCE_S)
        farewell.cancel()
        await asyncio.gather(farewell, return_exceptions=True)


async def _walk(client: Any) -> list[_Seen]:  # noqa: ANN401 - the library has no types
    """Go through the folders level by level; a node in two of them is found once."""
    server = ua.NodeId(ua.ObjectIds.Server)
    level: list[tuple[ua.NodeId, str, _Seen | None]] = [
        (ua.NodeId(ua.ObjectIds.ObjectsFolder), "", None)
    ]
    known = {server}
    variables: list[_Seen] = []
    while level:
        below: list[tuple[ua.NodeId, str, _Seen | None]] = []
        for node, path, parent in level:
            for child in await client.get_node(node).get_children_descriptions():
                if parent is not None and _is_property(child, parent):
                    continue
                if child.NodeId in known:
                    continue
                known.add(child.NodeId)
                name = ".".join(part for part in (path, child.BrowseName.Name) if part)
                variable = None
                if child.NodeClass == ua.NodeClass.Variable:
                    variable = _Seen(child.NodeId, name)
                    variables.append(variable)
                below.append((child.NodeId, name, variable))
        if len(variables) > MOST_NODES:
            raise LinkError(f"the server has more than {MOST_NODES} variables: name the part")
        level = below
    return variables


def _is_property(child: Any, parent: _Seen) -> bool:  # noqa: ANN401
    """Note the properties that describe a variable instead of listing them."""
    if child.BrowseName.NamespaceIndex != 0:
        return False
    if child.BrowseName.Name == "EngineeringUnits":
        parent.unit = child.NodeId
    elif child.BrowseName.Name == "EURange":
        parent.span = child.NodeId
    return True


async def _read(client: Any, seen: Sequence[_Seen], uris: Sequence[str]) -> list[Found]:  # noqa: ANN401
    value, right = ua.AttributeIds.Value, ua.AttributeIds.UserAccessLevel
    wanted = [(one.id, value) for one in seen] + [(one.id, right) for one in seen]
    more = {node for one in seen for node in (one.unit, one.span) if node is not None}
    wanted += [(node, value) for node in more]
    answers = dict(zip(wanted, await _in_parts(client, wanted), strict=True))
    found = []
    for one in seen:
        live, level = answers[one.id, value], answers[one.id, right]
        quality, reason = quality_of(live.StatusCode.value if live.StatusCode else 0)
        variant = live.Value
        found.append(
            Found(
                node=_address(one.id, uris),
                name=one.name,
                type=_type_name(variant),
                writable=bool(_number(level) & (1 << int(ua.AccessLevel.CurrentWrite))),
                value=None if variant is None or variant.is_array else variant.Value,
                fault="" if quality is Quality.GOOD else reason,
                unit=_unit(answers.get((one.unit, value))),
                span=_span(answers.get((one.span, value))),
            )
        )
    return found


async def _in_parts(client: Any, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> list[Any]:  # noqa: ANN401
    answers: list[Any] = []
    for at in range(0, len(wanted), _IN_ONE_REQUEST):
        request = ua.ReadParameters(
            NodesToRead=[
                ua.ReadValueId(NodeId=node, AttributeId=what)
                for node, what in wanted[at : at + _IN_ONE_REQUEST]
            ]
        )
        answers.extend(await client.uaclient.read(request))
    return answers


def _address(node: ua.NodeId, uris: Sequence[str]) -> str:
    text = str(node.to_string())
    if node.NamespaceIndex == 0:
        return text
    return f"nsu={uris[node.NamespaceIndex]};{text.partition(';')[2]}"


def _type_name(variant: Any) -> str:  # noqa: ANN401
    if variant is None or variant.VariantType is None:
        return "nothing"
    name = _NAMES.get(variant.VariantType, variant.VariantType.name)
    return f"array of {name}" if variant.is_array else name


def _number(answer: Any) -> int:  # noqa: ANN401
    value = answer.Value.Value if answer.Value is not None else 0
    return value if isinstance(value, int) else 0


def _unit(answer: Any) -> str:  # noqa: ANN401
    value = answer.Value.Value if answer is not None and answer.Value is not None else None
    return str(value.DisplayName.Text or "") if isinstance(value, ua.EUInformation) else ""


def _span(answer: Any) -> tuple[float, float] | None:  # noqa: ANN401
    value = answer.Value.Value if answer is not None and answer.Value is not None else None
    return (float(value.Low), float(value.High)) if isinstance(value, ua.Range) else None
