"""What becomes of named actors when their node dies: which of them live again, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.address import service_address
from ...protocols.errors import NodeDeadError, PasselError
from ...protocols.log import log
from ..node.service import service_of
from .directives import directive_for

if TYPE_CHECKING:
    from ...protocols.control import NodeInfo, Placement, SpawnRequest
    from ..names.directory import Directory
    from ..node.node import Node
    from .supervisor import Supervisor


class Revival:
    """The leader's knowledge of how every named actor is spawned again.

    A death of a node is to its actors a `NodeDeadError`, answered by their directives. Those
    in a group are the group's; the others live again on the next life of the node. A child of an
    actor that died too is not spawned again: its parent does that.
    """

    def __init__(self, node: Node, directory: Directory, supervisor: Supervisor) -> None:
        self._node = node
        self._directory = directory
        self._supervisor = supervisor
        self._pending: dict[str, dict[str, SpawnRequest]] = {}
        directory.on_bound = self._bound
        directory.on_released = self._released

    def _bound(self, placement: Placement) -> None:
        self._supervisor.placements[placement.address.actor] = placement
        if placement.group:
            self._supervisor.joined(placement)

    def _released(self, name: str) -> None:
        placement = self._supervisor.placements.pop(name, None)
        if placement is not None and placement.group:
            self._supervisor.left(placement)

    def lost(self, death: NodeDeadError, life: int, moved: list[str]) -> None:
        """A node has died with the actors of these names, which are reserved now."""
        placements = self._supervisor.placements
        for name, placement in list(placements.items()):
            parent = placement.parent
            if parent is not None and parent.node == death.node and parent.life <= life:
                self.forget(name)
        members: list[Placement] = []
        for name in moved:
            if name in placements:
                self._answer(name, placements[name], death, members)
        self._supervisor.lost(members, str(death))
        self._directory.change()

    def forget(self, name: str) -> None:
        """The actor of this name will not live again."""
        self._directory.names.free(name)
        self._released(name)

    def give_up(self, node: str, names: list[str]) -> None:
        """A node will not come back: nor will what was on it, unless it has left already."""
        for name in [*names, *self._pending.pop(node, {})]:
            self.forget(name)

    def cease(self) -> None:
        """Nothing lives again any more; whoever waits for that is told."""
        self._supervisor.cease()
        for name in self._directory.names.reserved():
            self._directory.names.free(name)
        self._directory.change()

    async def respawn(self, info: NodeInfo) -> bool:
        """Spawn on a node's new life what is to live again; return whether that life goes on."""
        waiting = self._pending.get(info.node, {})
        service = service_of(self._node, info.node, info.life)
        life = service_address(info.node, info.life)
        while waiting:
            name, request = next(iter(waiting.items()))
            try:
                claimed = await self._supervisor.claimed(request)
                address = await service.spawn.options(timeout=None)(claimed)
            except PasselError as error:
                if isinstance(error, NodeDeadError) or self._node.router.has_died(life):
                    return False  # what is left is the next life's
                log.error("actor not restarted", actor=name, error=str(error))
                waiting.pop(name, None)
                self.forget(name)
                continue
            if self._node.router.has_died(address):
                return False
            if waiting.pop(name, None) is not None:
                self._directory.names.bind(name, address)
                self._supervisor.moved(name, address)
                self._directory.change()
        return not self._node.router.has_died(life)

    def _answer(
        self, name: str, placement: Placement, death: NodeDeadError, members: list[Placement]
    ) -> None:
        """Let the actor's directive decide what the death of its node does to it."""
        request = placement.request
        if request is None:
            reason = "its arguments cannot travel, so it cannot be spawned again"
            log.error("actor not restarted", actor=name, error=reason)
            self._drop(placement, reason if placement.group else "")
            return
        directive = directive_for(request.supervision, death)
        if directive == "stop":
            self._drop(placement, "")
        elif directive == "escalate":
            self._drop(placement, str(death))
        elif placement.group:
            members.append(placement)
        elif request.supervision.max_restarts > 0:
            self._pending.setdefault(placement.address.node, {})[name] = request
        else:
            self.forget(name)

    def _drop(self, placement: Placement, escalates: str) -> None:
        """The actor will not live again; with a reason to escalate, whoever is above fails."""
        if escalates:
            self._supervisor.escalate(placement, escalates)
        self.forget(placement.address.actor)
