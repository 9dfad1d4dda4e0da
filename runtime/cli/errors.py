"""What the commands refuse, beside the errors of the runtime itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.address import LEADER
from ...protocols.errors import PasselError
from ..topology.problem import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class CommandError(PasselError):
    """Raised when a command cannot do what it was asked; its text says what mends it."""


class UsageProblemError(CommandError):
    """Raised when arguments do not fit each other or what they name."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}; {mend}")


class MissingExtraError(CommandError):
    """Raised when a command needs a package that is not installed with the rest."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f'{package} is not installed; run `pip install "passel[{extra}]"`')
        self.extra = extra
        self.package = package


class RuntimeNotFoundError(CommandError):
    """Raised when no running runtime, or more than one, has the name."""

    def __init__(self, name: str, candidates: Sequence[str], *, ambiguous: bool) -> None:
        if ambiguous:
            text = (
                f'several runtimes are called "{name}": {", ".join(candidates)}; name one of these'
            )
        elif candidates:
            text = f'no running runtime is called "{name}"; running: {", ".join(candidates)}'
        else:
            text = f'no running runtime is called "{name}"; none is running (see `passel run`)'
        super().__init__(text)
        self.name = name
        self.candidates = tuple(candidates)
        self.ambiguous = ambiguous


class ActorNotFoundError(CommandError):
    """Raised when a running runtime has no actor of the name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f'no actor is called "{name}"; {suggestion(name, known)}')
        self.name = name


class LogNotFoundError(CommandError):
    """Raised when a running runtime has neither a node's log nor an actor of the name."""

    def __init__(self, name: str, nodes: Sequence[str], actors: Sequence[str]) -> None:
        if name == LEADER:
            text = "the leader writes to where its program was started, not to a log"
        else:
            text = f'no node with a log and no actor is called "{name}"'
        super().__init__(f"{text}; {_listed('nodes', nodes)}; {_listed('actors', actors)}")
        self.name = name


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}: {', '.join(names) or 'none'}"
