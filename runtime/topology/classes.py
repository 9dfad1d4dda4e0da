"""Checks classes: imports what a topology names, and has the arguments of each compared."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from ...actors.actor import Actor
from ...actors.handler import handlers_of
from ...protocols.errors import PasselError
from ..durable.state import missing_methods
from .arguments import ArgumentCheck, constructor_of, convert_arguments, handler_callee
from .directives import check_directives
from .plan import entry_of
from .problem import KeyPath, Problem, suggestion
from .references import references_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .document import Document
    from .file import TopologyFile
    from .spec import Topology

T = TypeVar("T")


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


def check_by_classes(file: TopologyFile) -> Iterator[Problem]:
    """Yield what classes of actors say of their arguments themselves, in `check_arguments`.

    It may import what the arguments name, so it is left to a user who asks for a check. Arguments
    with references are left out, and so are constructors of subclasses that have no such method.
    """
    for name, spec in file.topology.actors.items():
        path: KeyPath = ("actors", name, "args")
        try:
            actor_class = find_class(spec.cls)
            look = _own_check(actor_class)
            if look is None or any(True for _ in references_in(spec.args)):
                continue
            look(**convert_arguments(constructor_of(actor_class), spec.args))
        except ClassProblemError:
            continue  # which `check_classes` says
        except (Exception, SystemExit) as error:  # noqa: BLE001  # what it imports may raise anything
            own = isinstance(error, PasselError)
            message = str(error) if own else f"{type(error).__name__}: {error}"
            yield file.document.problem(
                "arguments", path, message, f"{actor_class.__qualname__} would not start with it"
            )


def _own_check(actor_class: type[Actor]) -> Callable[..., None] | None:
    """Return the `check_arguments` that belongs to the constructor of a class, if there is one."""
    for base in actor_class.__mro__:
        if "check_arguments" in vars(base):
            found: Callable[..., None] = actor_class.check_arguments  # type: ignore[attr-defined]  # it has one
            return found
        if "__init__" in vars(base):
            return None
    return None


def check_classes(topology: Topology, document: Document) -> Iterator[Problem]:
    """Yield classes that do not load, and arguments that constructors or `main` do not take."""
    classes: dict[str, type[Actor]] = {}
    for name, spec in topology.actors.items():
        try:
            classes[name] = find_class(spec.cls)
        except ClassProblemError as error:
            path: KeyPath = ("actors", name, "class")
            yield document.problem("class", path, error.message, error.mend)
    work = ArgumentCheck(topology, document, classes)
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


def _check_main(
    topology: Topology, document: Document, classes: dict[str, type[Actor]], work: ArgumentCheck
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
