"""What is raised when an actor's own code keeps it from starting: who, what, and where in that code."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import PurePath
from typing import TYPE_CHECKING

from ...protocols.errors import SpawnError, StateError
from ...protocols.tracebacks import below_runtime, is_runtime, module_of

if TYPE_CHECKING:
    from types import TracebackType

    from .cell import Cell

_INSTALLED = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def start_failure(cell: Cell, error: BaseException) -> BaseException:
    """Return the error to raise for one that ended an actor's start.

    What another actor could not be started with is returned as it is, and so is no `Exception`.
    Else the cause of what is returned is the author's error: the only one of a group, with a
    traceback that begins in the author's code.
    """
    cause = _only(error)
    if isinstance(cause, SpawnError | StateError) or not isinstance(cause, Exception):
        return cause
    trace = below_runtime(cause.__traceback__) or below_runtime(error.__traceback__)
    cause.__traceback__ = trace
    kind = cell.actor_class
    failure = SpawnError(
        f"actor {cell.key} ({kind.__module__}:{kind.__qualname__})",
        f"{type(cause).__name__}: {cause}{_place(trace, kind)}",
    )
    failure.__cause__ = cause
    return failure


def _only(error: BaseException) -> BaseException:
    """Return what a group of one holds, or the error itself."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _place(trace: TracebackType | None, actor_class: type) -> str:
    """Return the last place of the author's own in a traceback, as words.

    That is in the package of the actor's class, which may be an installed one; else in anything
    that is not installed; else the last place there is.
    """
    frames = list(traceback.walk_tb(trace))
    if not frames:
        return ""
    package = _package(actor_class.__module__)
    of_package = [
        f for f in frames if _package(module_of(f[0])) == package and not is_runtime(f[0])
    ]
    own = of_package or [f for f in frames if not _is_installed(f[0].f_code.co_filename)]
    frame, line = (own or frames)[-1]
    return f" ({frame.f_code.co_filename}:{line}, in {frame.f_code.co_name})"


def _package(module: str) -> str:
    return module.partition(".")[0]


def _is_installed(file: str) -> bool:
    path = PurePath(file)
    return any(path.is_relative_to(folder) for folder in _INSTALLED)
