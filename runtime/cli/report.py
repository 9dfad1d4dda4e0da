"""Turns errors into sentences on stderr and into exit codes."""

from __future__ import annotations

import typer

from ...protocols.errors import PasselError
from ..topology import TopologyError
from . import exits
from .errors import ActorNotFoundError, LogNotFoundError, RuntimeNotFoundError, UsageProblemError


def code_of(error: Exception) -> int:
    """Return the exit code of an error."""
    if isinstance(error, TopologyError | UsageProblemError):
        return exits.USAGE
    if isinstance(error, RuntimeNotFoundError | ActorNotFoundError | LogNotFoundError):
        return exits.NOT_FOUND
    return exits.FAILED


def report(error: Exception) -> None:
    """Write an error to stderr: each problem on its own line, remote tracebacks below."""
    notes = getattr(error, "__notes__", ())
    text = str(error) if isinstance(error, PasselError) else f"{type(error).__name__}: {error}"
    for line in text.splitlines():
        prefix = "error: " if not line.startswith(" ") else ""
        typer.secho(prefix + line, err=True, fg="red")
    for note in notes:
        typer.secho(note, err=True, dim=True)
