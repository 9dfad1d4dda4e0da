"""What is raised when an actor's own code keeps it from starting: who, what, and where in that code."""

from __future__ import annotations

import sysconfig
import traceback
from typing import TYPE_CHECKING

from ...protocols.errors import SpawnError, StateError
from ...protocols.tracebacks import below_runtime

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
        f"{type(cause).__name__}: {cause}{_place(trace)}",
    )
    failure.__cause__ = cause
    return failure


def _only(error: BaseException) -> BaseException:
    """Return what a group of one holds, or the error itself."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _place(trace: TracebackType | None) -> str:
    """Return the last place of the author's own in a traceback, as words; the last if none is."""
    frames = traceback.extract_tb(trace)
    if not frames:
        return ""
    own = [frame for frame in frames if not frame.filename.startswith(_INSTALLED)]
    frame = (own or frames)[-1]
    return f" ({frame.filename}:{frame.lineno}, in {frame.name})"
