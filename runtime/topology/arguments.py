"""Compares arguments with what a constructor or handler takes, and converts them to it."""

from __future__ import annotations

import inspect
import re
import typing
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from ...actors.handler import HandlerSpec, resolved_hints
from ...protocols.errors import PasselError
from .document import Document  # noqa: TC001  # a field of a record
from .hints import item_hint, wanted_of, wants_actors_inside
from .plan import entry_of
from .problem import KeyPath, Kind, Problem, suggestion
from .references import Reference, as_reference, references_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...actors.actor import Actor
    from .hints import Wanted
    from .spec import Topology

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Callee:
    """Something that takes arguments: its name in messages, its parameters and their types."""

    title: str
    parameters: tuple[inspect.Parameter, ...]
    hints: dict[str, Any]


def constructor_of(actor_class: type[Actor]) -> Callee:
    """Return what the constructor of an actor class takes."""
    function = actor_class.__init__
    try:
        hints = resolved_hints(function)
    except PasselError:
        hints = {}  # names for checkers only: arguments are then checked by name alone
    parameters = tuple(inspect.signature(function).parameters.values())[1:]
    if function is object.__init__:
        parameters = ()
    return Callee(actor_class.__qualname__, parameters, hints)


def handler_callee(actor_class: type[Actor], spec: HandlerSpec) -> Callee:
    """Return what a handler takes."""
    try:
        hints = spec.hints
    except PasselError:
        hints = {}
    return Callee(f"{actor_class.__qualname__}.{spec.name}", spec.parameters, hints)


def convert_arguments(callee: Callee, args: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as the types that the callee declares: structs from mappings and so on.

    Values with references inside are left as they are.
    """
    return {
        name: value
        if any(True for _ in references_in(value))
        else _convert(value, callee.hints.get(name, Any))
        for name, value in args.items()
    }


def _convert(value: Any, hint: Any) -> Any:
    if hint is Any or isinstance(hint, typing.TypeVar):
        return value
    return msgspec.convert(value, hint, strict=False, dec_hook=_path_of_text)


def _path_of_text(hint: Any, value: Any) -> Any:
    """Return a path where one is wanted and a text is given; else the value, which is then judged."""
    kind = typing.get_origin(hint) or hint
    return kind(value) if isinstance(value, str) and issubclass(kind, PurePath) else value


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, and who takes it."""

    document: Document
    path: KeyPath
    kind: Kind
    title: str

    def at(self, *steps: str | int) -> _Place:
        """Return a place inside this one."""
        return replace(self, path=(*self.path, *steps))

    def problem(self, message: str, mend: str) -> Problem:
        """Say what the one who takes the value wants instead."""
        return self.document.problem(self.kind, self.path, f"{self.title}{message}", mend)


class ArgumentCheck:
    """Compares arguments with what a callee takes."""

    def __init__(
        self, topology: Topology, document: Document, classes: dict[str, type[Actor]]
    ) -> None:
        self._topology = topology
        self._document = document
        self._classes = classes

    def check(
        self, callee: Callee, args: dict[str, Any], path: KeyPath, kind: Kind
    ) -> Iterator[Problem]:
        """Yield arguments that are unknown, missing or of a wrong type."""
        takes = {p.name: p for p in callee.parameters if p.kind is not p.VAR_POSITIONAL}
        open_ended = any(p.kind is p.VAR_KEYWORD for p in callee.parameters)
        for name, value in args.items():
            parameter = takes.get(name)
            if parameter is None or parameter.kind is parameter.VAR_KEYWORD:
                if not open_ended:
                    message = f'{callee.title} takes no argument "{name}"'
                    yield self._document.problem(
                        kind, (*path, name), message, suggestion(name, takes)
                    )
                continue
            place = _Place(self._document, (*path, name), kind, callee.title)
            yield from self._check_value(value, callee.hints.get(name, Any), place)
        for name, parameter in takes.items():
            required = parameter.default is parameter.empty
            if required and parameter.kind is not parameter.VAR_KEYWORD and name not in args:
                message = f'{callee.title} needs the argument "{name}"'
                yield self._document.problem(kind, path, message, f'add "{name}:" to its args')

    def _check_value(self, value: Any, hint: Any, place: _Place) -> Iterator[Problem]:
        """Yield what does not fit a hint; lists and mappings of actors are looked into."""
        reference, wanted = as_reference(value), wanted_of(hint)
        if reference is not None:
            yield from self._check_reference(reference, wanted, place)
            return
        holds = any(True for _ in references_in(value))
        if isinstance(value, list | dict) and (holds or wants_actors_inside(wanted)):
            inside = wanted.many(value)
            if inside is not None:
                items = value.items() if isinstance(value, dict) else enumerate(value)
                for key, item in items:
                    yield from self._check_value(item, item_hint(inside, key), place.at(key))
                return
            if wanted.unknown:
                return
        only_actors = wanted.actors and not (wanted.unknown or wanted.plain or wanted.lists)
        if only_actors and value is not None:
            mend = f"write {{ref: name}} of a {wanted.actors[0].__qualname__}"
            yield place.problem(" wants an actor here", mend)
        elif wanted.pools and holds:
            yield place.problem(" takes a pool here", "write {pool: name}")
        else:
            yield from _check_plain(value, hint, place)

    def _check_reference(
        self, reference: Reference, wanted: Wanted, place: _Place
    ) -> Iterator[Problem]:
        """Compare a reference with what is wanted: one or all, as a list or a pool, the class."""
        if wanted.unknown:
            return
        hints: list[Any] = list(wanted.actors)
        if reference.every:
            many = wanted.lists if reference.route is None else wanted.pools
            hints = [item_hint(hint) for hint in many]
        if not hints:
            yield place.problem(*_instead(reference, wanted))
            return
        options = [wanted_of(hint) for hint in hints]
        classes = tuple(found for option in options for found in option.actors)
        given = self._classes.get(entry_of(self._topology, reference.name) or "")
        if given is None or any(option.unknown for option in options) or issubclass(given, classes):
            return
        names = " or ".join(found.__qualname__ for found in classes)
        message = f" wants a {names}, this is a {given.__qualname__}"
        yield place.problem(message, "name another actor")


def _instead(reference: Reference, wanted: Wanted) -> tuple[str, str]:
    """Return what is to be said of a reference of the wrong kind, and what to write."""
    name = reference.name
    if wanted.pools:
        return " takes a pool here", f"write {{pool: {name}}}"
    if reference.route is not None and wanted.lists:
        return " takes no pool here", f"write {{refs: {name}}}"
    if reference.every and wanted.actors:
        return " wants one actor here", f"name one of them, such as {{ref: {name}-0}}"
    if wanted.lists:
        return " wants a list here", f"write [{{ref: {name}}}]"
    if wanted.mappings:
        return " wants a mapping here", f"write {{key: {{ref: {name}}}}}"
    return " takes no actor here", "pass a plain value"


def _check_plain(value: Any, hint: Any, place: _Place) -> Iterator[Problem]:
    try:
        _convert(value, hint)
    except msgspec.ValidationError as error:
        message, _, inside = str(error).replace("`", "").partition(" - at $")
        steps = tuple(step[1] or int(step[2]) for step in _STEP.finditer(inside))
        text = f": {message[0].lower()}{message[1:]}"
        yield place.at(*steps).problem(text, "pass such a value")
    except (TypeError, NotImplementedError):
        pass  # a hint that msgspec does not know: the constructor itself will judge
