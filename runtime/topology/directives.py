"""Checks the errors that `on_failure` gives directives to."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .document import Document
    from .problem import KeyPath, Problem
    from .spec import Topology


def check_directives(topology: Topology, document: Document) -> Iterator[Problem]:
    """Yield names that cannot be those of errors, and a warning for each that no loaded error has.

    It comes after the classes were imported, and with them the errors that they raise. More may be
    loaded once an actor runs, so an unknown name does not keep the topology from running.
    """
    known: set[str] = set()
    for name, spec in topology.actors.items():
        on_failure = spec.supervise.on_failure
        if isinstance(on_failure, str):
            continue
        known = known or _errors_loaded()
        for error in on_failure:
            path: KeyPath = ("actors", name, "supervise", "on_failure", error)
            if not error.isidentifier():
                message = f'"{error}" is no name of an error class'
                mend = "write the class alone, without its module, as in TimeoutError"
                yield document.problem("class", path, message, mend)
            elif error not in known:
                near = difflib.get_close_matches(error, known, n=1, cutoff=0.6)
                mend = "import it where the class of its actor is defined"
                mend = f'did you mean "{near[0]}"? Else {mend}' if near else mend
                message = f'no error called "{error}" is loaded'
                yield document.warning("class", path, message, mend)


def _errors_loaded() -> set[str]:
    """Return the names of all classes of errors that have been defined in this process."""
    found: set[str] = set()
    waiting: list[type[BaseException]] = [BaseException]
    while waiting:
        kind = waiting.pop()
        found.add(kind.__name__)
        waiting.extend(kind.__subclasses__())
    return found
