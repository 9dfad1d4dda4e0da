"""Two nodes in one process over a transport that loses, repeats and reorders multiparts."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from passel.protocols.control import NodeInfo
from passel.runtime.memory import HeapSegments
from passel.runtime.node.host import Usage, Worker
from passel.runtime.node.node import Node
from passel.runtime.security import Roster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from passel.protocols.arrays import Buffer
    from passel.runtime.durable.store import Store
    from passel.runtime.health.detector import Bounds
    from passel.runtime.transport.seam import OnBatch, OnRefused, Probe


class LossyNetwork:
    """Carries multiparts between transports by endpoint, each with a fate of its own.

    Attributes:
        loss: Share of the multiparts that are lost.
        repeat: Share that come twice.
        delay: Most seconds that one is under way; later ones may overtake it.
        lost: How many were lost.
        memory: What the nodes share beside it.
    """

    def __init__(self, seed: int, *, loss: float, repeat: float, delay: float) -> None:
        self.loss, self.repeat, self.delay = loss, repeat, delay
        self.lost = 0
        self.memory = HeapSegments("lossy", 64 << 20)
        self.inlets: dict[str, OnBatch] = {}
        self._random = random.Random(seed)

    def carry(self, endpoint: str, identity: bytes, parts: list[Buffer]) -> None:
        """Let a multipart arrive at an endpoint: never, once or twice."""
        if self._random.random() < self.loss:
            self.lost += 1
            return
        for _ in range(1 + (self._random.random() < self.repeat)):
            delay = self._random.random() * self.delay
            asyncio.get_running_loop().call_later(
                delay, self._arrive, endpoint, identity, list(parts)
            )

    def _arrive(self, endpoint: str, identity: bytes, parts: list[Buffer]) -> None:
        if endpoint in self.inlets:
            batch, *frames = parts
            self.inlets[endpoint](identity, bytes(batch), frames)


class LossyTransport:
    """One node's attachment to a lossy network."""

    def __init__(self, network: LossyNetwork, identity: bytes) -> None:
        self._network = network
        self._identity = identity
        self.endpoint = f"lossy://{identity.decode()}"

    def start(self, on_batch: OnBatch, on_refused: OnRefused) -> None:
        """Begin to receive."""
        self._network.inlets[self.endpoint] = on_batch

    def connect(self, endpoint: str) -> LossyOutlet:
        """Return an outlet to an endpoint."""
        return LossyOutlet(self._network, self._identity, endpoint)

    def probe(self, peer: NodeInfo, bounds: Bounds, on_change: Callable[[bool], None]) -> Probe:
        """Refuse: no test here looks for silent nodes."""
        raise NotImplementedError(peer.node)

    def close(self) -> None:
        """Receive nothing any more."""
        self._network.inlets.pop(self.endpoint, None)


class LossyOutlet:
    """Sends to one endpoint."""

    def __init__(self, network: LossyNetwork, identity: bytes, endpoint: str) -> None:
        self._network, self._identity, self._peer = network, identity, endpoint

    def send(self, parts: list[Buffer]) -> None:
        """Give a multipart to its fate."""
        self._network.carry(self._peer, self._identity, parts)

    def close(self) -> None:
        """There is nothing to close."""


class LossyHost:
    """A host whose only way to the outside is a lossy network."""

    pid = 0

    def __init__(self, network: LossyNetwork) -> None:
        self._network = network
        self.roster = Roster()

    @property
    def now(self) -> Callable[[], float]:
        """The loop's clock."""
        return asyncio.get_running_loop().time

    def open_transport(self, node: str, life: int) -> LossyTransport:
        """Return the attachment of one life of a node."""
        return LossyTransport(self._network, f"{node}/{life}".encode())

    def open_worker(self, actor: str, threads: int) -> Worker:
        """Refuse: no test here blocks."""
        raise NotImplementedError(actor)

    def open_cards(self) -> None:
        """There are none."""

    def open_memory(self) -> HeapSegments:
        """Return memory that loses nothing."""
        return self._network.memory

    def open_store(self, place: str) -> Store:
        """Refuse: no test here keeps anything."""
        raise NotImplementedError(place)

    def usage(self) -> Usage:
        """Return nothing used."""
        return Usage(0.0, 0)

    def attach(self, node: Node) -> None:
        """Nobody watches it."""


@asynccontextmanager
async def two_nodes(
    network: LossyNetwork, names: tuple[str, str] = ("near", "far")
) -> AsyncIterator[tuple[Node, Node]]:
    """Open two nodes that know each other."""
    async with asyncio.TaskGroup() as group:
        nodes = [Node(name, 1, group=group, host=LossyHost(network), cookie="c") for name in names]
        near, far = nodes
        for node in nodes:
            for peer in nodes:
                info = NodeInfo(node=peer.name, life=1, endpoint=peer.endpoint, pid=0)
                node.router.peers[peer.name] = info
        try:
            yield near, far
        finally:
            for node in nodes:
                await node.close(grace=0.0)
