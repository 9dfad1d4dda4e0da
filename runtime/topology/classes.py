"""Checks classes and arguments: imports what a topology names, and binds what it passes."""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ...actors.actor import Actor
from ...actors.handler import HandlerSpec, handlers_of, resolved_hints
from ...actors.pool import Pool
from ...actors.ref import Reference
from ...protocols.errors import PasselError
from ..durable.state import missing_methods
from .directives import check_directives
from .plan import entry_of
from .problem import KeyPath, Kind, Problem, suggestion
from .references import as_reference, references_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .document import Document
    from .spec import Topology

T = TypeVar("T")

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class ClassProblemError(PasselError):
    """Raised when a class path names nothing usable.

    Attributes:
        message: What is wrong.
        mend: What mends it.
    """

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(f"{message}; {mend}")
        self.message = message
        self.mend = mend


def find_class(path: str) -> type[Actor]:
    """Import the actor class that `"module:Class"` names.

    Raises:
        ClassProblemError: The module or the class is not there, fails to load, or is no actor.
    """
    return find_subclass(path, Actor, "is no actor", "derive it from passel.Actor")


def find_subclass(path: str, base: type[T], otherwise: str, mend: str) -> type[T]:
    """Import the class that `"module:Class"` names.

    Args:
        path: Its path.
        base: What it derives from.
        otherwise: What to say of a thing that does not.
        mend: What mends that.

    Raises:
        ClassProblemError: The module or the class is not there, fails to load, or is another.
    """
    module_name, _, qualified = path.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.split(".")[: len(error.name.split("."))] == error.name.split(
            "."
        ):
            message = f'there is no module "{error.name}"'
            mend = "check the spelling; modules are sought beside the file and where it is run"
        else:
            message = f'module "{module_name}" needs "{error.name}"'
            mend = "install it"
        raise ClassProblemError(message, mend) from None
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        cause = f"{type(error).__name__}: {error}"
        raise ClassProblemError(
            f'module "{module_name}" fails to load ({cause})',
            f'try `python -c "import {module_name}"`',
        ) from error
    for part in qualified.split("."):
        holder, found = found, getattr(found, part, None)
        if found is None:
            near = [
                n for n, v in vars(holder).items() if isinstance(v, type) and issubclass(v, base)
            ]
            message = f'module "{module_name}" has no "{qualified}"'
            raise ClassProblemError(message, suggestion(part, set(near) - {base.__name__}))
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ClassProblemError(f'"{qualified}" {otherwise}', mend)
    return found


def check_classes(topology: Topology, document: Document) -> Iterator[Problem]:
    """Yield classes that do not load, and arguments that constructors or `main` do not take."""
    classes: dict[str, type[Actor]] = {}
    for name, spec in topology.actors.items():
        try:
            classes[name] = find_class(spec.cls)
        except ClassProblemError as error:
            path: KeyPath = ("actors", name, "class")
            yield document.problem("class", path, error.message, error.mend)
    work = _Arguments(topology, document, classes)
    for name, actor_class in classes.items():
        path = ("actors", name, "args")
        signature = constructor_of(actor_class)
        yield from work.check(signature, topology.actors[name].args, path, "arguments")
        missing = missing_methods(actor_class) if topology.actors[name].durable else []
        if missing:
            message = f"{actor_class.__qualname__} has no {' and no '.join(missing)}"
            mend = "define both, or take `durable` away; see docs/durability.md"
            yield document.problem("class", ("actors", name, "durable"), message, mend)
    yield from check_directives(topology, document)
    yield from _check_main(topology, document, classes, work)


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


class _Arguments:
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
            yield from self._check_value(
                value, callee.hints.get(name, Any), (*path, name), kind, callee
            )
        for name, parameter in takes.items():
            required = parameter.default is parameter.empty
            if required and parameter.kind is not parameter.VAR_KEYWORD and name not in args:
                message = f'{callee.title} needs the argument "{name}"'
                yield self._document.problem(kind, path, message, f'add "{name}:" to its args')

    def _check_value(
        self, value: Any, hint: Any, path: KeyPath, kind: Kind, callee: Callee
    ) -> Iterator[Problem]:
        reference = as_reference(value)
        if reference is not None:
            entry = entry_of(self._topology, reference.name)
            item = _item_hint(hint) if reference.every else hint
            given = self._classes.get(entry or "")
            wanted = _actor_class(item)
            pooled = reference.route is not None
            if hint is not Any and pooled != _takes_pool(hint):
                message = f"{callee.title} takes {'no pool' if pooled else 'a pool'} here"
                mend = f"write {{{'refs' if pooled else 'pool'}: {reference.name}}}"
                yield self._document.problem(kind, path, message, mend)
            if given is not None and wanted is not None and not issubclass(given, wanted):
                message = (
                    f"{callee.title} wants a {wanted.__qualname__}, this is a {given.__qualname__}"
                )
                yield self._document.problem(kind, path, message, "name another actor")
            return
        if any(True for _ in references_in(value)):
            return
        wanted = _actor_class(hint)
        if wanted is not None and value is not None:
            mend = f"write {{ref: name}} of a {wanted.__qualname__}"
            yield self._document.problem(kind, path, f"{callee.title} wants an actor here", mend)
            return
        try:
            _convert(value, hint)
        except msgspec.ValidationError as error:
            message, _, inside = str(error).replace("`", "").partition(" - at $")
            steps = tuple(step[1] or int(step[2]) for step in _STEP.finditer(inside))
            text = f"{callee.title}: {message[0].lower()}{message[1:]}"
            yield self._document.problem(kind, (*path, *steps), text, "pass such a value")
        except (TypeError, NotImplementedError):
            pass  # a hint that msgspec does not know: the constructor itself will judge


def _item_hint(hint: Any) -> Any:
    arguments = typing.get_args(hint)
    return arguments[0] if arguments else Any


def _takes_pool(hint: Any) -> bool:
    """Return whether a hint asks for a pool, or for one or None."""
    return any((typing.get_origin(h) or h) is Pool for h in (hint, *typing.get_args(hint)))


def _actor_class(hint: Any) -> type | None:
    """Return the actor class a hint asks for: `ActorRef[A]`, `A`, or either of them or None."""
    for option in (hint, *typing.get_args(hint)):
        if isinstance(option, type) and issubclass(option, Reference):
            return option.actor_class
        if isinstance(option, type) and issubclass(option, Actor):
            return option
        if typing.get_origin(hint) in (list, tuple, dict, set, Pool):
            break
    return None


def _check_main(
    topology: Topology, document: Document, classes: dict[str, type[Actor]], work: _Arguments
) -> Iterator[Problem]:
    main = topology.main
    if main is None:
        return
    entry = entry_of(topology, main.actor)
    if entry is None:
        mend = suggestion(main.actor, topology.actors)
        message = f'no actor is called "{main.actor}"'
        yield document.problem("main", ("main", "actor"), message, mend)
        return
    if topology.actors[entry].replicas is not None and main.actor == entry:
        mend = f'name one of them, such as "{entry}-0"'
        yield document.problem("main", ("main", "actor"), f'"{entry}" has replicas', mend)
    actor_class = classes.get(entry)
    if actor_class is None:
        return
    handlers = handlers_of(actor_class)
    spec = handlers.get(main.ask)
    if spec is None:
        title = f"{actor_class.__qualname__}.{main.ask}"
        if callable(getattr(actor_class, main.ask, None)):
            message, mend = f"{title} is not a handler", "decorate it with @handler"
        else:
            message, mend = f"there is no {title}", suggestion(main.ask, handlers)
        yield document.problem("main", ("main", "ask"), message, mend)
        return
    callee = handler_callee(actor_class, spec)
    yield from work.check(callee, main.args, ("main", "args"), "main")
