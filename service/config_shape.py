"""Hold one file against its shape and say in words, with a place, where it differs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from service.config_problem import did_you_mean
from service.config_yaml import Document, Path_

_DUE = {
    "string_type": "a text", "int_type": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "bool_type": "true or false", "list_type": "a list",
    "dict_type": "names with values under them", "model_type": "names with values under them",
    "model_attributes_type": "names with values under them",
}  # fmt: skip


def check_shape(document: Document, model: type[BaseModel]) -> BaseModel | None:
    """Return the file as `model`, or report everything that is wrong with its shape."""
    if document.tree is None:
        return None
    version = document.tree.get("schema", 1)
    if version != 1 or isinstance(version, bool):
        document.report(
            "RH-1005",
            ("schema",),
            f"schema {version!r} is not known here",
            "write 'schema: 1', or use the Rheostat version this file was written for",
        )
    try:
        return model.model_validate(document.tree)
    except ValidationError as error:
        schema = _schema_of(model)
        for item in error.errors(include_url=False):
            _report(document, schema, item)
    return None


@functools.cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _report(document: Document, schema: Mapping[str, Any], item: Mapping[str, Any]) -> None:
    path, node = _walk(document.tree, schema, schema, tuple(item["loc"]))
    kind: str = item["type"]
    context: Mapping[str, Any] = item.get("ctx") or {}
    if kind == "quantity":
        document.report(context["code"], path, context["what"], context["next"])
    elif path[-1:] == ("schema",) and kind == "literal_error":
        return  # said already, in better words
    elif kind == "extra_forbidden":
        known = list(node.get("properties", {}))
        document.report(
            "RH-1010",
            path,
            f"unknown key `{path[-1]}`.{did_you_mean(str(path[-1]), known)}",
            "delete it, or write one of: " + ", ".join(known),
            at_key=True,
        )
    elif kind in ("missing", "union_tag_not_found"):
        missing = "protocol" if kind == "union_tag_not_found" else str(path[-1])
        under = path if kind == "union_tag_not_found" else path[:-1]
        document.report(
            "RH-1011",
            under,
            f"`{missing}` is missing here",
            f"add a line '{missing}: ...' here",
            at_key=True,
        )
    elif kind in _DUE:
        found = _shown(item.get("input"))
        document.report(
            "RH-1012", path, f"{_DUE[kind]} is due here, not {found}", f"write {_DUE[kind]}"
        )
    elif kind == "finite_number":
        document.report("RH-1024", path, f"{_shown(item.get('input'))} is not a finite number",
                        "write a real number")  # fmt: skip
    else:
        _report_value(document, path, item, context)


def _report_value(
    document: Document, path: Path_, item: Mapping[str, Any], context: Mapping[str, Any]
) -> None:
    kind: str = item["type"]
    found = _shown(item.get("input"))
    if path[-1:] == ("[key]",):
        document.report(
            "RH-1013",
            path[:-1],
            f"`{path[-2]}` cannot be a name here",
            "use small letters, digits and underscores; tags are written as plant.signal",
            at_key=True,
        )
        return
    if kind in ("literal_error", "union_tag_invalid"):
        allowed = str(context.get("expected") or context.get("expected_tags") or "")
        words = [word.strip(" '") for word in allowed.replace(" or ", ",").split(",")]
        words = ["true" if word == "True" else word for word in words]  # as YAML writes it
        word = context.get("tag") if kind == "union_tag_invalid" else item.get("input")
        where = (*path, "protocol") if kind == "union_tag_invalid" else path
        document.report(
            "RH-1013",
            where,
            f"{_shown(word)} is not allowed here.{did_you_mean(str(word), words)}",
            "write one of: " + ", ".join(words),
        )
        return
    rule = str(item["msg"]).removeprefix("Input ").removeprefix("Value ")
    document.report("RH-1013", path, f"{found} is not allowed here: it {rule}", "correct the value")


def _walk(
    tree: object, schema: Mapping[str, Any], root: Mapping[str, Any], loc: Path_
) -> tuple[Path_, Mapping[str, Any]]:
    """Return pydantic's `loc` as a path in the file, and the schema of its last parent.

    pydantic puts the name of a union's branch into `loc`; the file has no such step.
    """
    path: list[str | int] = []
    node = _resolve(schema, root)
    for number, step in enumerate(loc):
        branches = node.get("discriminator", {}).get("mapping", {})
        if step in branches and not (isinstance(tree, dict) and step in tree):
            node = _resolve({"$ref": branches[step]}, root)
            continue
        path.append(step)
        if number == len(loc) - 1:
            break
        patterns = list(node.get("patternProperties", {}).values())
        inner = node.get("properties", {}).get(step) or node.get("additionalProperties")
        inner = inner or (patterns[0] if patterns else node.get("items")) or {}
        node = _resolve(inner, root) if isinstance(inner, dict) else {}
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
    return tuple(path), node


def _resolve(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for choice in node.get("anyOf", ()):
        if "$ref" in choice or "properties" in choice:
            node = choice
    while "$ref" in node:
        node = root["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]]
    return node


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"'{str(value).lower()}'"
    if isinstance(value, dict):
        return "names with values under them"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return f"'{text if len(text) < 60 else text[:57] + '...'}'"
