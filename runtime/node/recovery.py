"""What becomes of an actor that failed: its directive, its own restarts, or its group's decision."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...actors.call import CURRENT_CALL
from ...protocols.errors import PasselError
from ...protocols.log import log
from ..supervision.directives import directive_for
from ..supervision.policy import Failed, GiveUp, RestartPolicy

if TYPE_CHECKING:
    from ...protocols.control import Directive
    from .cell import Cell
    from .node import Node


class Recovery:
    """The failures of one actor. Made at the first, so an actor that never fails has none.

    Attributes:
        last: What went wrong last, in words.
    """

    __slots__ = ("_cell", "_node", "_policy", "last")

    def __init__(self, cell: Cell, node: Node) -> None:
        self._cell = cell
        self._node = node
        self._policy: RestartPolicy | None = None
        self.last = ""

    async def run(self) -> None:
        """Do what the directive says of `cell.failure`.

        Afterwards the actor runs, or it waits for what its group decides, or its end has begun.
        The actor's own task calls this, between two messages.
        """
        cell = self._cell
        error = cell.failure
        assert error is not None, "only a failure is recovered from"
        directive = directive_for(cell.supervision, error)
        if directive == "resume":
            cell.failure = None
        elif directive == "stop":
            self.stop(f"it failed: {error!r}")
        elif cell.supervision.group:
            cell.pause()
            self._node.start_task(self._hand_over(directive, repr(error)))
        elif directive == "escalate":
            self._escalate(repr(error))
        else:
            await self._restart()

    def stop(self, reason: str) -> None:
        """Begin the end of the actor."""
        cell = self._cell
        log.error("actor given up", actor=cell.key, reason=reason)
        self._node.report("actor given up", cell.key, reason, None)
        self._node.counters.given_up += 1
        cell.stopping = True
        self._node.start_task(self._node.stop_cell(cell, reason, grace=0.0))

    def _escalate(self, what: str) -> None:
        """End the actor; its parent, or else the runtime, fails with it."""
        self.stop(f"it escalated: {what}")
        self._node.start_task(self._node.family.escalate(self._cell, what))

    async def _hand_over(self, directive: Directive, what: str) -> None:
        """Let the group decide; the actor keeps its mailbox and waits."""
        cell, overseer = self._cell, self._node.overseer
        assert overseer is not None, "a group was found when the actor was spawned"
        CURRENT_CALL.set(None)  # the failed call's circumstances are not those of its failure
        try:
            await overseer.member_failed(cell.address, what, directive == "escalate")
        except PasselError as error:
            self.stop(f"it failed ({what}), and its group could not be told: {error}")

    async def _restart(self) -> None:
        """Make the actor anew, as often as its own policy allows, until it runs."""
        cell = self._cell
        while cell.failure is not None and not cell.stopping:
            if self._policy is None:
                self._policy = RestartPolicy(cell.supervision)
            effect = self._policy.handle(Failed(self._node.now()))
            if isinstance(effect, GiveUp):
                self.stop(
                    f"it failed {effect.failures} times within {effect.within:g} s: "
                    f"{cell.failure!r}"
                )
                return
            await cell.halt()
            await asyncio.sleep(effect.after)
            try:
                await cell.renew()
            except Exception as failure:  # noqa: BLE001  # a supervisor's edge
                cell.failure = failure
                self.last = f"restart: {failure!r}"
                log.error("actor failed to restart", actor=cell.key, exc_info=failure)
        log.info("actor restarted", actor=cell.key, restarts=cell.restarts)
