"""Turns errors into sentences on stderr and into exit codes."""

from __future__ import annotations

import traceback

import typer

from ...protocols.errors import PasselError, RemoteError, SpawnError
from ...protocols.printable import printable
from ..topology import TopologyError
from . import exits
from .errors import ActorNotFoundError, LogNotFoundError, RuntimeNotFoundError, UsageProblemError
from .last_frames import last_frames


def code_of(error: Exception) -> int:
    """Return the exit code of an error."""
    if isinstance(error, TopologyError | UsageProblemError):
        return exits.USAGE
    if isinstance(error, RuntimeNotFoundError | ActorNotFoundError | LogNotFoundError):
        return exits.NOT_FOUND
    return exits.FAILED


def report(error: Exception, *, whole: bool = False, asked: bool = False) -> None:
    """Write an error to stderr: each problem on its own line, remote tracebacks below.

    What could not be started is told with its notes and the last frames of its author's code, and so
    is what a handler raised that was only `asked`; an error of Passel's own says enough without.
    `whole` shows every traceback there is, also of the command itself.
    """
    text = str(error) if isinstance(error, PasselError) else f"{type(error).__name__}: {error}"
    for line in printable(text).splitlines():
        prefix = "error: " if not line.startswith(" ") else ""
        typer.secho(prefix + line, err=True, fg="red")
    if whole:
        below = ["".join(traceback.format_exception(error))]
    elif isinstance(error, SpawnError):
        below = _end_of(error)
    elif isinstance(error, RemoteError) and asked:
        below = [] if _speaks_for_itself(error) else _end_of(error)
    else:
        below = getattr(error, "__notes__", [])
    for text in below:
        typer.secho(printable(text), err=True, dim=True)


def _speaks_for_itself(error: RemoteError) -> bool:
    """Return whether the handler's error is one of ours, other than what it heard from a third."""
    package, _, rest = error.type_name.partition(".")
    return package == __name__.partition(".")[0] and not rest.endswith(RemoteError.__name__)


def _end_of(error: SpawnError | RemoteError) -> list[str]:
    """Return an error's notes, and the last frames in the traceback of what failed."""
    cause, remote = error.__cause__, error.remote_traceback
    text = remote if cause is None else "".join(traceback.format_exception(cause))
    notes = [n for n in getattr(error, "__notes__", ()) if not (remote and remote in n)]
    return notes + last_frames(text, str(error))
