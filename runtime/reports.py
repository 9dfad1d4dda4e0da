"""What a node tells the leader of its failures, so that they are seen where the program was started."""

from __future__ import annotations

from typing import Any, Final

from ..protocols.errors import DeadActorError, MailboxFullError, RuntimeClosedError
from ..protocols.log import log
from ..protocols.tracebacks import short_text, text_of

_CHARACTERS: Final = 2_000


class Reports:
    """Tells the leader's directory of each failure. No report is worth a wait: what cannot leave now never does."""

    def __init__(self, directory: Any) -> None:
        self._directory = directory

    def report(self, event: str, actor: str, what: str, error: BaseException | None) -> None:
        """Tell of a failure; `error` is one of the actor's own code."""
        try:
            told = "" if error is None else short_text(error)
            said = text_of(str, what[:_CHARACTERS])
            self._directory.failed.tell_nowait(event, actor, said, told)
        except (RuntimeClosedError, DeadActorError, MailboxFullError):
            pass  # the leader is gone or flooded; the node's log has the failure
        except Exception as problem:  # noqa: BLE001  # no failure may fail of being told
            log.error("failure not reported", actor=actor, what=event, error=repr(problem))
