"""From plain values to typed records: unknown keys, missing keys and wrong types, all at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import msgspec

from ...protocols.control import Directive
from .errors import error_for
from .problem import KeyPath, Problem, suggestion
from .spec import NAME_PATTERN, ActorSpec, GroupSpec, Main, NodeSpec, Supervise, Topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .document import Document

Record = TypeVar("Record", bound=msgspec.Struct)

_AT = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.(\w+)")
_MISSING = re.compile(r"missing required field (\w+)")
_NAME = re.compile(NAME_PATTERN)
_NAME_MEND = 'use letters, digits, "_" and "-", 64 at most, no digit first'
_WORDS = (
    (r"Expected str matching regex '\^\[A-Z", "cannot be a name", _NAME_MEND),
    (r"Expected str of length <= 64", "is too long for a name", _NAME_MEND),
    (r"Expected str matching regex", "is no class", 'write it as "module:Class"'),
    (r"Invalid enum value 2", "this package reads version 1 of the format", 'write "version: 1"'),
    (r"Invalid enum value (.*)", r"unknown value \1", "`passel schema` prints what is allowed"),
    (r"Expected object of length >= 1", "is empty", "declare at least one"),
    (r"Expected object", "expected a mapping", 'write "key: value" entries under it'),
    (r"Expected (.*) \| null, got (.*)", r"expected \1, got \2", "write such a value"),
    (r"Expected (.*)", r"expected \1", "write such a value"),
)
_DIRECTIVES: tuple[str, ...] = get_args(Directive)
_NESTED: dict[tuple[type[msgspec.Struct], str], type[msgspec.Struct]] = {
    (ActorSpec, "supervise"): Supervise,
}


def parse(document: Document) -> Topology:
    """Build the records of a document whose parameters have been put in place.

    Raises:
        TopologySchemaError: Keys that are unknown or missing, values of a wrong type; all of them.
    """
    work = _Parse(document)
    topology = work.topology()
    if topology is None or work.problems:
        raise error_for(work.problems)
    return topology


class _Parse:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def topology(self) -> Topology | None:
        data = self.document.data
        if not isinstance(data, dict):
            what = "empty" if data is None else f"{_kind(data)}, not a mapping"
            self._fail((), f"the file is {what}", 'write "name:", "actors:" and so on')
            return None
        data = {key: item for key, item in data.items() if key != "$schema"}  # for editors only
        fields = self._known(Topology, data, ())
        parts: dict[str, Any] = {k: v for k, v in fields.items() if k not in _SECTIONS}
        for key, record in _SECTIONS.items():
            if fields.get(key) is None and key in fields and key != "actors":
                continue  # `nodes:` with nothing under it
            if key == "main" and key in fields:
                parts[key] = self._record(Main, fields[key], (key,))
            elif key in fields:
                parts[key] = self._section(record, fields[key], key)
        if "params" in parts and parts["params"] is None:
            del parts["params"]
        if self.problems:
            self._shallow(parts)
            return None
        return self._record(Topology, parts, (), checked=True)

    def _section(self, record: type[Record], value: Any, key: str) -> dict[str, Record | None]:
        if not isinstance(value, dict):
            self._fail((key,), f"is {_kind(value)}, not a mapping", "write names with settings")
            return {}
        result: dict[str, Record | None] = {}
        for name, item in value.items():
            if len(name) > 64 or not _NAME.match(name):
                self._fail((key, name), f'"{name[:64]}" cannot be a name', _NAME_MEND)
                continue
            result[name] = self._record(record, {} if item is None else item, (key, name))
        return result

    def _record(
        self, record: type[Record], value: Any, path: KeyPath, *, checked: bool = False
    ) -> Record | None:
        if not isinstance(value, dict):
            names = ", ".join(_names(record))
            self._fail(path, f"is {_kind(value)}, not a mapping", f"write settings: {names}")
            return None
        if not checked:
            value = self._known(record, value, path)
        try:
            return msgspec.convert(value, record, strict=False, from_attributes=True)
        except msgspec.ValidationError as error:
            self._explain(str(error), value, path)
        return None

    def _known(
        self, record: type[msgspec.Struct], value: dict[str, Any], path: KeyPath
    ) -> dict[str, Any]:
        """Return the known entries of a mapping, after reporting the others."""
        names = _names(record)
        known: dict[str, Any] = {}
        for key, item in value.items():
            if key not in names:
                self._fail((*path, key), f'unknown key "{key}"', suggestion(key, names))
                continue
            inner = _NESTED.get((record, key))
            nested = inner is not None and isinstance(item, dict)
            known[key] = self._known(inner, item, (*path, key)) if nested and inner else item
        return known

    def _shallow(self, parts: Mapping[str, Any]) -> None:
        """Report what the top level itself lacks, when its sections already have problems."""
        for key in ("name", "actors"):
            if key not in parts:
                self._fail((key,), f'the key "{key}" is missing', f'add "{key}:"')

    def _explain(self, said: str, value: dict[str, Any], path: KeyPath) -> None:
        """Turn msgspec's words, such as "Expected `int` >= 1 - at `$.count`", into ours."""
        found = _AT.search(said)
        message = _AT.sub("", said).replace("`", "")
        steps = _STEP.findall(found[1] if found else "")
        where: KeyPath = (*path, *steps)
        missing = _MISSING.search(message)
        if missing:
            self._fail(where, f'the key "{missing[1]}" is missing', f'add "{missing[1]}:"')
            return
        given = _at(value, steps)
        if steps[-1:] == ["on_failure"] and self._explain_directive(given, where):
            return
        for pattern, words, mend in _WORDS:
            match = re.match(pattern, message)
            if match:
                here = f" (here: {given!r})" if isinstance(given, str | int | float) else ""
                self._fail(where, match.expand(words) + here, mend)
                return
        self._fail(where, message, "see `passel schema`")

    def _explain_directive(self, given: Any, path: KeyPath) -> bool:
        """Report what stands for a directive and is none; return whether there was such."""
        table = given if isinstance(given, dict) else {None: given}
        wrong = {error: said for error, said in table.items() if said not in _DIRECTIVES}
        for error, said in wrong.items():
            where = path if error is None else (*path, error)
            self._fail(where, f"{said!r} is no directive", f"choose {', '.join(_DIRECTIVES)}")
        return bool(wrong)

    def _fail(self, path: KeyPath, message: str, mend: str) -> None:
        self.problems.append(self.document.problem("schema", path, message, mend))


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "nodes": NodeSpec,
    "groups": GroupSpec,
    "actors": ActorSpec,
    "main": Main,
}


def _names(record: type[msgspec.Struct]) -> tuple[str, ...]:
    return record.__struct_encode_fields__


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a truth value"
    for types, word in (((int, float), "a number"), (str, "a text"), (dict, "a mapping")):
        if isinstance(value, types):
            return word
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value
