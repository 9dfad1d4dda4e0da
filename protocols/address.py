"""Who is meant: nodes, actors and their incarnations."""

from __future__ import annotations

from typing import NewType

import msgspec

NodeId = NewType("NodeId", str)
"""Name of a node, unique in its runtime."""

ActorName = NewType("ActorName", str)
"""Name of an actor, unique in its runtime; one with a `#` was given by the node, `@` is a node's own."""

LEADER = NodeId("leader")
"""The node that holds names and the root of supervision."""

SERVICE = ActorName("@node")
"""The system actor of every node: spawn, stop, watch, statistics."""

MAILBOX_POLICIES = ("wait", "refuse", "drop_oldest")
"""What happens to a request when a mailbox is full; an address carries the index."""

WAIT, REFUSE, DROP_OLDEST = range(3)

LIFE_SHIFT = 32
"""An incarnation is `life << LIFE_SHIFT | serial`: the node's life, and the spawn within it."""


class Address(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an actor lives, and which life of it is meant.

    Attributes:
        node: The node it runs on.
        actor: Its name.
        incarnation: The node's life in the upper bits, the spawn within that life below; 0
            stands for whoever has the name when the first message is sent.
        window: How many requests one node may have waiting in its mailbox.
        durable: Whether it keeps a journal: an awaited tell then waits until it is in there.
        policy: What happens to one that finds no place: index of `MAILBOX_POLICIES`.
    """

    node: str
    actor: str
    incarnation: int
    window: int = 1024
    durable: bool = False
    policy: int = WAIT

    @property
    def life(self) -> int:
        """Which life of its node the actor belongs to, from 1."""
        return self.incarnation >> LIFE_SHIFT

    @property
    def named(self) -> bool:
        """Whether the directory knows it: such an actor may move, and is found again."""
        return "#" not in self.actor and not self.actor.startswith("@")

    def __str__(self) -> str:
        return f"{self.node}/{self.actor}"


def service_address(node: str, life: int) -> Address:
    """Return the address of the system actor of one life of a node."""
    return Address(node, SERVICE, life << LIFE_SHIFT)
