"""How a node finds named actors and other nodes: by asking the leader, or by being it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...actors.ref import ActorRef
    from ...protocols.address import Address
    from ...protocols.control import JournalClaim, NodeDown, NodeInfo, Placement
    from .directory import Directory


class Locator(Protocol):
    """What a node asks of the directory."""

    async def lookup(self, name: str) -> Address:
        """Return where the named actor is; waits while it is being restarted.

        Raises:
            DeadActorError: No actor has the name.
        """
        ...

    async def node(self, name: str) -> NodeInfo:
        """Return where a node is; waits while it is being restarted.

        Raises:
            DeadActorError: There is no such node.
        """
        ...

    async def watch_node(self, name: str) -> NodeDown:
        """Return how the present life of a node ended, once it has; at once when it is not up.

        Raises:
            DeadActorError: There is no such node.
        """
        ...

    async def claim_journal(self) -> JournalClaim:
        """Return the right to write a durable actor's journal from now on.

        Raises:
            StateError: The runtime's state cannot be gone on from.
        """
        ...

    async def reserve(self, name: str, group: str) -> None:
        """Take a name for an actor that is about to be spawned, as a member of `group` if given.

        Raises:
            NameTakenError: A living actor has it.
            SpawnError: There is no such group, or it has ended.
        """
        ...

    async def bind(self, placement: Placement) -> None:
        """Say where the actor of a reserved name is."""
        ...

    async def release(self, address: Address) -> None:
        """The named actor is gone; its name is free unless it has moved on."""
        ...

    async def free(self, name: str) -> None:
        """Forget a name whose actor could not be spawned."""
        ...


class RemoteLocator:
    """Asks the leader's directory."""

    def __init__(self, directory: ActorRef[Directory]) -> None:
        self._directory = directory

    async def lookup(self, name: str) -> Address:
        """Return where the named actor is."""
        return await self._directory.lookup(name)

    async def node(self, name: str) -> NodeInfo:
        """Return where a node is."""
        return await self._directory.node(name)

    async def watch_node(self, name: str) -> NodeDown:
        """Wait for the end of a node's present life."""
        return await self._directory.watch_node.options(timeout=None)(name)

    async def claim_journal(self) -> JournalClaim:
        """Claim a journal."""
        claim: JournalClaim = await self._directory.claim_journal()
        return claim

    async def reserve(self, name: str, group: str) -> None:
        """Take a name."""
        await self._directory.reserve(name, group)

    async def bind(self, placement: Placement) -> None:
        """Say where the actor of a name is."""
        await self._directory.bind(placement)

    async def release(self, address: Address) -> None:
        """Free a name."""
        await self._directory.release(address)

    async def free(self, name: str) -> None:
        """Forget a name."""
        await self._directory.free(name)
