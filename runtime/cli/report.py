"""Turns errors into sentences on stderr and into exit codes."""

from __future__ import annotations

import re
import traceback
from typing import Final

import typer

from ...protocols.errors import PasselError, RemoteError, SpawnError
from ...protocols.printable import printable
from ..topology import TopologyError
from . import exits
from .errors import ActorNotFoundError, LogNotFoundError, RuntimeNotFoundError, UsageProblemError

_FRAMES: Final = 3
"""How many frames of the traceback of a failed start, or of a handler that was asked, are shown."""


def code_of(error: Exception) -> int:
    """Return the exit code of an error."""
    if isinstance(error, TopologyError | UsageProblemError):
        return exits.USAGE
    if isinstance(error, RuntimeNotFoundError | ActorNotFoundError | LogNotFoundError):
        return exits.NOT_FOUND
    return exits.FAILED


def report(error: Exception, *, whole: bool = False, asked: bool = False) -> None:
    """Write an error to stderr: each problem on its own line, remote tracebacks below.

    What could not be started is told with the last frames of its author's code, and so is what a
    handler raised that was only `asked`; an error of Passel's own says enough without. `whole` shows
    every traceback there is, also of the command itself.
    """
    text = str(error) if isinstance(error, PasselError) else f"{type(error).__name__}: {error}"
    for line in printable(text).splitlines():
        prefix = "error: " if not line.startswith(" ") else ""
        typer.secho(prefix + line, err=True, fg="red")
    if whole:
        below = ["".join(traceback.format_exception(error))]
    elif isinstance(error, SpawnError):
        below = _last_frames(error)
    elif isinstance(error, RemoteError) and asked:
        below = [] if _speaks_for_itself(error) else _last_frames(error)
    else:
        below = getattr(error, "__notes__", [])
    for text in below:
        typer.secho(printable(text), err=True, dim=True)


def _speaks_for_itself(error: RemoteError) -> bool:
    """Return whether the handler's error is one of ours, other than what it heard from a third."""
    package, _, rest = error.type_name.partition(".")
    return package == __name__.partition(".")[0] and not rest.endswith(RemoteError.__name__)


def _last_frames(error: SpawnError | RemoteError) -> list[str]:
    """Return the lines of the last frames in the traceback of what failed."""
    cause = error.__cause__
    text = error.remote_traceback if cause is None else "".join(traceback.format_exception(cause))
    last = text.rpartition("Traceback (most recent call last):")[2]  # of a chain of several
    frames = re.findall(r'^  File ".*\n(?:    .*\n)*', last, re.MULTILINE)[-_FRAMES:]
    more = ["(more with --traceback)"] if text.count('  File "') > len(frames) else []
    return [frame.rstrip() for frame in frames] + more
