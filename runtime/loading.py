"""Classes by path: `module:Class` to a class, and a program's `__main__` from its file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..actors.actor import Actor
from ..actors.handler import class_path, signature_of
from ..protocols.errors import ClassLoadError, HandshakeError, SpawnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .telemetry.tracing import Tracer

MAIN_ALIAS = "__passel_main__"
"""Module name under which a node loads the file of the program that started it."""

_GUARD = 'keep what starts the program under `if __name__ == "__main__":`'


def path_of(actor_class: type) -> str:
    """Return the class path that other processes load the class by.

    Raises:
        ClassLoadError: No other process could: it is local to a function, or was typed into an
            interactive session.
    """
    path = class_path(actor_class)
    if actor_class.__module__ in {"__main__", MAIN_ALIAS}:
        spec = getattr(sys.modules.get(actor_class.__module__), "__spec__", None)
        if actor_class.__module__ == "__main__" and spec is not None:
            return f"{spec.name}:{actor_class.__qualname__}"  # run by `python -m`
        if actor_class.__module__ == "__main__" and not main_file():
            raise ClassLoadError(
                path,
                "it was typed into an interactive session; move it to a module that can be "
                "imported, or spawn it without `node=`",
            )
        return f"{MAIN_ALIAS}:{actor_class.__qualname__}"
    return path


def main_file() -> str:
    """Return the file of the running program, or an empty text when there is none."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(Path(file).resolve()) if file and Path(file).is_file() else ""


def main_module() -> str:
    """Return the name that nodes know the program's own module by."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return MAIN_ALIAS if spec is None else str(spec.name)


def check_allowed(path: str, allow: Sequence[str] | None) -> None:
    """Raise unless a peer may have the class loaded; before anything is imported for it.

    Raises:
        ClassLoadError: Its module is not below one of those that are allowed.
    """
    module = path.partition(":")[0]
    if allow is not None and not any(f"{module}.".startswith(f"{name}.") for name in allow):
        known = ", ".join(allow) or "nothing"
        raise ClassLoadError(path, f"its module is not allowed ({known} is); add it to `allow`")


def load_class(path: str, *, main_path: str = "") -> type[Actor]:
    """Return the actor class that `module:Class` names.

    Raises:
        ClassLoadError: The path is malformed, names nothing, or names no actor class.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise ClassLoadError(path, "write it as 'module:Class'")
    try:
        module = (
            _main(main_path) if module_name == MAIN_ALIAS else importlib.import_module(module_name)
        )
        found = _within(module, name.split("."), path)
    except ClassLoadError:
        raise
    except AttributeError:
        raise ClassLoadError(path, f"module {module_name} has no {name}") from None
    except Exception as error:  # a module may raise anything while it is imported
        reason = f"{type(error).__name__}: {error}"
        if module_name == MAIN_ALIAS:
            reason = f"{reason}; {main_path} is loaded by every node: {_GUARD}"
        raise ClassLoadError(path, reason) from error
    if not (isinstance(found, type) and issubclass(found, Actor)):
        raise ClassLoadError(path, "it is no actor class; subclass passel.Actor")
    return found


def _within(module: object, parts: Sequence[str], path: str) -> object:
    """Return what the parts of a class's qualified name lead to, through classes alone."""
    found = module
    for part in parts:
        if found is not module and not isinstance(found, type):  # it could lead to any module
            raise ClassLoadError(path, "only classes may stand between the module and the class")
        found = getattr(found, part)
    return found


def check_signature(actor_class: type, path: str, expected: str, node: str) -> None:
    """Raise unless the class has the handler signatures that the peer expects.

    Raises:
        HandshakeError: Its code has another version here.
    """
    if expected and signature_of(actor_class) != expected:
        raise HandshakeError(
            node, f"the handlers of {path} differ between the two nodes; deploy the same code"
        )


def _main(main_path: str) -> object:
    """Return the program's main module, loaded from its file under another name if need be."""
    if MAIN_ALIAS in sys.modules:
        return sys.modules[MAIN_ALIAS]
    main = sys.modules.get("__main__")
    if not main_path or (main is not None and main_file() == main_path):
        return main
    spec = importlib.util.spec_from_file_location(MAIN_ALIAS, main_path)
    assert spec is not None, "a path to a file gives a spec"
    assert spec.loader is not None, "a spec made from a file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[MAIN_ALIAS] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[MAIN_ALIAS]
        raise
    return module


def load_tracer(path: str) -> Tracer | None:
    """Let the function at `path` set OpenTelemetry up, and return what makes spans.

    Raises:
        ClassLoadError: There is no such function.
        SpawnError: OpenTelemetry is not installed.
    """
    if not path:
        return None
    try:
        from .telemetry.tracing import configure  # an extra
    except ModuleNotFoundError as error:
        reason = f'{error.name} is not installed; run `pip install "passel[otel]"`'
        raise SpawnError("traces", reason) from None
    return configure(path)
