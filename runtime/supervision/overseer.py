"""Who hears of failures that an actor's own supervision does not settle: the leader's supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...protocols.address import Address


class Overseer(Protocol):
    """What a node tells the leader's supervisor."""

    async def member_failed(self, address: Address, what: str, escalate: bool) -> None:
        """A member of a group has failed and waits for what the group decides."""
        ...

    async def escalated(self, source: str, what: str) -> None:
        """An actor without parent or group has escalated its failure to the runtime."""
        ...
