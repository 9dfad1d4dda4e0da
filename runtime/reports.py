"""What a node tells the leader of its failures, so that they are seen where the program was started."""

from __future__ import annotations

from typing import Any, Final

from ..protocols.errors import DeadActorError, MailboxFullError, RuntimeClosedError
from ..protocols.log import log
from ..protocols.tracebacks import encodable_text, short_text

_CHARACTERS: Final = 2_000

KINDS_KEPT: Final = 1_000
"""Of how many of the latest kinds of failures a node knows that their traceback was told."""


class Reports:
    """Tells the leader's directory of each failure; the traceback goes along with the first of a kind.

    Of a kind are failures of one actor with errors of one class from one place. No report is worth a
    wait: what cannot leave now never does.
    """

    def __init__(self, directory: Any) -> None:
        self._directory = directory
        self._told: dict[object, None] = {}

    def report(self, event: str, actor: str, what: str, error: BaseException | None) -> None:
        """Tell of a failure; `error` is one of the actor's own code."""
        try:
            kind = None if error is None else (actor, _kind(error))
            told = "" if error is None or kind in self._told else short_text(error)
            said = encodable_text(str, what[:_CHARACTERS])
            self._directory.failed.tell_nowait(event, actor, said, told)
            if kind is not None:
                self._remember(kind)
        except (RuntimeClosedError, DeadActorError, MailboxFullError):
            pass  # the leader is gone or flooded; the node's log has the failure
        except Exception as problem:  # noqa: BLE001  # no failure may fail of being told
            log.error("failure not reported", actor=actor, what=event, error=repr(problem))

    def _remember(self, kind: object) -> None:
        """Keep a kind as the latest, and forget the one that was not met for longest."""
        self._told.pop(kind, None)
        self._told[kind] = None
        if len(self._told) > KINDS_KEPT:
            del self._told[next(iter(self._told))]


def _kind(error: BaseException) -> object:
    """Return what equal failures have in common: class and place; of a group also its members'."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else None
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return type(error), place, frozenset(_kind(member) for member in members)
