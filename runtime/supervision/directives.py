"""What a failure does to its actor: a directive, chosen by the class of the error. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, get_args

from ...protocols.control import Directive
from ...protocols.errors import RemoteError, SpawnError

if TYPE_CHECKING:
    from ...protocols.control import Supervision

OnFailure: TypeAlias = Directive | Mapping[str | type[BaseException], Directive]
"""One directive for every error, or one by class (or its name); others restart."""

DIRECTIVES: Final[tuple[Directive, ...]] = get_args(Directive)


def directives_of(on_failure: OnFailure, what: str) -> dict[str, Directive]:
    """Return the directives by name of an error's class.

    Raises:
        SpawnError: One is no directive.
    """
    if isinstance(on_failure, Mapping):
        table = {_name_of(kind): directive for kind, directive in on_failure.items()}
    else:
        table = {} if on_failure == "restart" else {"BaseException": on_failure}
    for directive in table.values():
        if directive not in DIRECTIVES:
            raise SpawnError(what, f"on_failure is {directive!r}; choose {', '.join(DIRECTIVES)}")
    return table


def directive_for(supervision: Supervision, error: BaseException) -> Directive:
    """Return what `error` does to its actor; the most specific class that is named counts.

    An error that came from another actor is known by its class there.
    """
    table = supervision.on_failure
    if not table:
        return "restart"
    names = [kind.__name__ for kind in type(error).__mro__]
    if isinstance(error, RemoteError):
        names.insert(0, error.type_name.rpartition(".")[2])
    return next((table[name] for name in names if name in table), "restart")


def _name_of(kind: str | type[BaseException]) -> str:
    return kind if isinstance(kind, str) else kind.__name__
