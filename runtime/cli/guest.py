"""A visitor's node: lets a command talk to a runtime that runs in other processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ...actors.ref import Reference, parts_of, reference_type, untyped_call
from ...protocols.address import LEADER, LIFE_SHIFT, Address
from ...protocols.control import (
    DeadLetter,
    GroupStatus,
    HandlerInfo,
    NodeInfo,
    NodeStatistics,
    NodeStatus,
)
from ...protocols.errors import DeadActorError, DeadlineError, PasselError
from ..life import DIRECTORY_SERIAL, SUPERVISOR_SERIAL
from ..machine.local import LocalHost
from ..names.directory import Directory
from ..names.locator import RemoteLocator
from ..node.node import Node
from ..node.service import service_of
from ..security import GUEST, KeyPair
from ..supervision.supervisor import Supervisor
from ..transport.endpoints import network_of
from .errors import ActorNotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ...actors.ref import ActorRef
    from ..machine.rundir import RuntimeFacts

ANSWER_SECONDS = 3.0
"""How long a node may take to say how it is; a busy one is shown as such."""

_LIFE = 1


@dataclass(frozen=True, slots=True)
class NodeLook:
    """One node as a visitor sees it; without statistics it did not answer in time.

    `status` is the leader's word on it; there is none on the leader itself.
    """

    info: NodeInfo
    statistics: NodeStatistics | None
    status: NodeStatus | None = None


class Guest:
    """Asks a running runtime, without being one of its nodes."""

    def __init__(self, node: Node, directory: ActorRef[Directory]) -> None:
        self._node = node
        self._directory = directory

    async def look(self) -> list[NodeLook]:
        """Return how each node is, and which do not answer in time.

        Raises:
            PasselError: The leader does not answer.
        """
        nodes = await self._directory.all_nodes.options(timeout=ANSWER_SECONDS)()
        statuses = await self._directory.statuses.options(timeout=ANSWER_SECONDS)()
        known = {status.node: status for status in statuses}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._look_at(info, known.get(info.node))) for info in nodes]
        return [task.result() for task in tasks]

    async def _look_at(self, info: NodeInfo, status: NodeStatus | None) -> NodeLook:
        if status is not None and status.state in {"suspected", "dead"}:
            return NodeLook(info, None, status)
        service = service_of(self._node, info.node, info.life)
        try:
            statistics = await service.statistics.options(timeout=ANSWER_SECONDS)()
        except (DeadlineError, DeadActorError):
            return NodeLook(info, None, status)
        return NodeLook(info, statistics, status)

    async def groups(self) -> list[GroupStatus]:
        """Return how every group of the runtime is.

        Raises:
            PasselError: The leader does not answer.
        """
        leader = parts_of(self._directory)[0]
        serial = leader.life << LIFE_SHIFT | SUPERVISOR_SERIAL
        supervisor: Any = self._node.reference(
            reference_type(Supervisor), Address(leader.node, "@supervisor", serial)
        )
        found: list[GroupStatus] = await supervisor.groups.options(timeout=ANSWER_SECONDS)()
        return found

    async def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters of every node that answers in time, the oldest first.

        Raises:
            PasselError: The leader does not answer.
        """
        found: list[DeadLetter] = []
        for info in await self._directory.all_nodes.options(timeout=ANSWER_SECONDS)():
            service = service_of(self._node, info.node, info.life)
            with contextlib.suppress(DeadlineError, DeadActorError):  # `ps` shows which are silent
                found += await service.dead_letters.options(timeout=ANSWER_SECONDS)()
        return sorted(found, key=lambda letter: -letter.ago)

    async def names(self) -> list[str]:
        """Return the names of the living named actors.

        Raises:
            PasselError: The leader does not answer.
        """
        return sorted(await self._directory.actors.options(timeout=ANSWER_SECONDS)())

    async def find(self, name: str) -> Address:
        """Return where a named actor is.

        Raises:
            ActorNotFoundError: No living actor has the name.
        """
        actors = await self._directory.actors.options(timeout=ANSWER_SECONDS)()
        if name not in actors:
            raise ActorNotFoundError(name, actors)
        return actors[name]

    async def handlers(self, address: Address) -> dict[str, HandlerInfo]:
        """Return an actor's handlers by name.

        Raises:
            PasselError: Its node does not answer.
        """
        service = service_of(self._node, address.node, address.life)
        found = await service.describe.options(timeout=ANSWER_SECONDS)(address.actor)
        return {info.name: info for info in found}

    async def ask(
        self, address: Address, method: str, arguments: list[Any], timeout: float | None
    ) -> Any:
        """Ask a handler and return its result as plain data."""
        call: Any = untyped_call(self._node.reference(Reference, address), method)
        return await call.options(timeout=timeout)(*arguments)

    def stream(
        self, address: Address, method: str, arguments: list[Any], timeout: float | None
    ) -> AsyncIterator[Any]:
        """Open a stream handler; items come as plain data."""
        ref = self._node.reference(Reference, address)
        call: Any = untyped_call(ref, method, stream=True)
        items: AsyncIterator[Any] = call.options(timeout=timeout)(*arguments)
        return items


@asynccontextmanager
async def visit(path: Path, facts: RuntimeFacts) -> AsyncIterator[Guest]:
    """Visit the runtime of a run directory; its sockets are closed on leaving.

    Raises:
        PasselError: What the visitor's own calls raise.
    """
    name = f"{GUEST}-{os.getpid()}-{os.urandom(3).hex()}"
    pair = KeyPair.of(bytes.fromhex(facts.guest_key)) if facts.guest_key else None
    host = LocalHost(path, network_of(facts.endpoint), pair=pair)
    failure: PasselError | None = None
    async with asyncio.TaskGroup() as group:
        node = Node(name, _LIFE, group=group, host=host, cookie=facts.cookie, shared_memory=0)
        leader = NodeInfo(node=LEADER, life=_LIFE, endpoint=facts.endpoint, pid=facts.pid)
        node.router.learn(leader)
        address = Address(LEADER, "@directory", _LIFE << LIFE_SHIFT | DIRECTORY_SERIAL)
        directory = cast("ActorRef[Directory]", node.reference(reference_type(Directory), address))
        node.router.locator = RemoteLocator(directory)
        try:
            yield Guest(node, directory)
        except PasselError as error:  # not as a group of one
            failure = error
        finally:
            await node.close(grace=0.0)
    if failure is not None:
        raise failure
