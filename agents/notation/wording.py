"""How tools and their results stand in prompts.

Results of tools stand on lines of their own that begin with a mark, so no line of a result can be
taken for a line of a plan or for a verdict, whatever it says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from ...protocols.tools import ToolSpec

MARK: Final = "> "
"""Begins every line of a result."""


def shown(result: Any) -> str:
    """Return a result as text: a text as it is, all else as JSON."""
    if isinstance(result, str):
        return result
    plain = msgspec.to_builtins(result, str_keys=True, enc_hook=repr)
    return json.dumps(plain, ensure_ascii=False)


def marked(text: str, limit: int | None = None) -> str:
    """Return a text whose every line begins with the mark; a long one is cut, and says so."""
    cut = ""
    if limit is not None and len(text) > limit:
        cut = f"\n{MARK}... and {len(text) - limit} characters more"
        text = text[:limit]
    return "\n".join(MARK + line for line in text.splitlines() or [""]) + cut


def described(number: int, spec: ToolSpec) -> str:
    """Return what a planner is told of a tool: its call, and what it is for."""
    properties: dict[str, Any] = spec.parameters.get("properties", {})
    required = spec.parameters.get("required", ())
    words = []
    notes = []
    for name, schema in properties.items():
        words.append(f"{name}: {_type(schema)}{'' if name in required else ' = ...'}")
        if isinstance(schema, dict) and schema.get("description"):
            notes.append(f"   {name}: {schema['description']}")
    returns = f" -> {spec.returns}" if spec.returns else ""
    text = "\n".join("   " + line if line else "" for line in spec.description.strip().splitlines())
    return "\n".join([f"{number}. {spec.name}({', '.join(words)}){returns}", text, *notes])


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "any"
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " | ".join(dict.fromkeys(_type(option) for option in options))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', True))}"
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
