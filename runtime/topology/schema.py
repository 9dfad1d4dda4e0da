"""The JSON Schema of topology files, for editors: completion, hints and red underlines."""

from __future__ import annotations

from typing import Any

import msgspec

from .spec import Topology

_VARIABLE = {"type": "string", "pattern": r"^\$\{[^}]*\}$", "description": "A parameter."}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the file format, derived from its records.

    Every number and choice may also be a `${parameter}`.
    """
    found = msgspec.json.schema(Topology, ref_template="#/$defs/{name}")
    definitions: dict[str, Any] = found["$defs"]
    root = definitions.pop("Topology")
    for record in (root, *definitions.values()):
        record["properties"] = {
            key: _with_variable(key, value) for key, value in record["properties"].items()
        }
    for optional in ("nodes", "groups", "params"):  # `nodes:` with nothing under it
        root["properties"][optional]["type"] = ["object", "null"]
    for section in (root["properties"]["nodes"], root["properties"]["groups"]):
        record = section["additionalProperties"]
        section["additionalProperties"] = {"anyOf": [record, {"type": "null"}]}
    root["properties"]["$schema"] = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Passel topology",
        **{key: value for key, value in root.items() if key != "title"},
        "$defs": definitions,
    }


def _with_variable(key: str, value: dict[str, Any]) -> dict[str, Any]:
    choices = value.get("anyOf", [value])
    plain = any("enum" in c or c.get("type") in ("integer", "number") for c in choices)
    if not plain or key == "version":
        return value
    outer = {k: v for k, v in value.items() if k in ("description", "default")}
    inner = [{k: v for k, v in c.items() if k != "default"} for c in choices]
    described = next((c["description"] for c in inner if "description" in c), None)
    if described:
        outer.setdefault("description", described)
    return {**outer, "anyOf": [*inner, _VARIABLE]}
