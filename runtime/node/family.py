"""Parents and children: what an actor spawned ends with it, latest first."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ...actors.call import CURRENT_CALL
from ...actors.ref import Reference
from ...protocols.errors import DeadActorError, EscalatedError, PasselError
from ...protocols.log import log
from .service import service_of

if TYPE_CHECKING:
    from ...protocols.address import Address
    from .cell import Cell
    from .node import Node


class Family:
    """Who spawned whom, as far as one node has to do with it.

    A child of the same node is known to its parent's cell, and leaves that when it ends. One of
    another node is watched for as long as its parent lives; it ends when its parent's node dies.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def adopt(self, parent: Cell, child: Address) -> None:
        """Enter a child that `parent` spawned.

        Raises:
            DeadActorError: The parent has ended meanwhile; so must the child.
        """
        if parent.closed or parent.stopping:
            raise DeadActorError(parent.address, "it ended while it spawned a child")
        if parent.children is None:
            parent.children = {}
        parent.children[child] = None
        if child.node != self._node.name:
            self._node.start_task(self._follow(parent, child))

    def leave(self, child: Cell) -> None:
        """A child of this node has ended: its parent, if that is here too, forgets it."""
        parent = self._node.cell_of(child.parent) if child.parent is not None else None
        if parent is not None and parent.children is not None:
            parent.children.pop(child.address, None)

    async def end_children(self, parent: Cell, grace: float) -> None:
        """Stop what the actor spawned, latest first; `grace` is for all of them together."""
        if not parent.children:
            return
        CURRENT_CALL.set(None)  # nor may the deadline of a call keep children alive
        until = self._node.now() + grace
        while parent.children:
            child, _ = parent.children.popitem()
            left = max(0.0, until - self._node.now())
            try:
                await self._node.stop(self._reference(child), grace=left)
            except PasselError as error:
                log.error("child not stopped", actor=parent.key, child=str(child), error=str(error))

    def orphan(self, node: str, life: int) -> None:
        """A node has died: what its actors spawned here ends."""
        for cell in list(self._node.cells.values()):
            parent = cell.parent
            if parent is not None and parent.node == node and parent.life <= life:
                reason = f"the node of its parent {parent} has died"
                self._node.start_task(self._node.stop_cell(cell, reason))

    async def escalate(self, child: Cell, what: str) -> None:
        """Let the parent of an actor fail with it; one without a parent fails the runtime."""
        CURRENT_CALL.set(None)  # the failed call's circumstances are not those of its failure
        node, parent = self._node, child.parent
        with contextlib.suppress(PasselError):  # the parent is gone, and its children with it
            if parent is None:
                if node.overseer is not None:
                    await node.overseer.escalated(child.key, what)
            elif parent.node == node.name:
                self.child_failed(parent, child.key, what)
            else:
                service = service_of(node, parent.node, parent.life)
                await service.child_failed.tell(parent, child.key, what)

    def child_failed(self, parent: Address, child: str, what: str) -> None:
        """A child has escalated its failure to an actor of this node."""
        cell = self._node.cell_of(parent)
        if cell is not None:
            cell.fail(EscalatedError(child, what), f"child {child}")

    async def _follow(self, parent: Cell, child: Address) -> None:
        """Forget a child elsewhere once it has ended for good; a named one may live again."""
        CURRENT_CALL.set(None)  # it outlasts the call that spawned the child
        node = self._node
        with contextlib.suppress(PasselError):
            while parent.children is not None and child in parent.children:
                await node.watch(self._reference(child))
                if child.named and child in parent.children:
                    again = await node.router.find(child.actor)
                    if again != child:
                        parent.children = {
                            again if c == child else c: None for c in parent.children
                        }
                        child = again
                        continue
                break
        if parent.children is not None:
            parent.children.pop(child, None)

    def _reference(self, address: Address) -> Any:
        return self._node.reference(Reference, address)
