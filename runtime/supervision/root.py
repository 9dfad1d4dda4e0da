"""The root of supervision: what a failure that nobody could answer does to the program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from ...protocols.errors import SpawnError
from ...protocols.log import log

if TYPE_CHECKING:
    from ...protocols.errors import EscalatedError

OnEscalation: TypeAlias = Literal["end", "continue"]
"""End the runtime: its `async with` raises the error. Or log it, and go on without what failed."""

_POLICIES: Final = get_args(OnEscalation)


class Root:
    """Ends the task that runs a runtime when a failure reaches the root.

    As a task group does when one of its tasks fails, it cancels the body of the `async with`;
    leaving that then raises the escalation, with what the body ended with as its cause.

    Attributes:
        error: The escalation that ends the runtime, or None.
    """

    def __init__(self, runtime: str, policy: OnEscalation) -> None:
        if policy not in _POLICIES:
            reason = f"on_escalation is {policy!r}; choose {' or '.join(_POLICIES)}"
            raise SpawnError(f"runtime {runtime}", reason)
        self.error: EscalatedError | None = None
        self._policy = policy
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0

    def hold(self) -> None:
        """The current task is the one to end."""
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task is not None else 0

    def escalated(self, error: EscalatedError) -> None:
        """A failure has reached the root."""
        ends = self._policy == "end"
        log.error("failure reached the runtime", error=str(error), ends_it=ends)
        if ends and self.error is None:
            self.error = error
            if self._task is not None:
                self._task.cancel()

    def release(self) -> bool:
        """Let the task go on; return whether nobody else wants it cancelled."""
        task, self._task = self._task, None
        if task is None or self.error is None:
            return False
        return task.uncancel() <= self._cancelling
