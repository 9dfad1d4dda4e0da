"""One life of a node, from its socket to its end; what is under it, its host says."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from ..actors.ref import reference_type
from ..protocols.address import LIFE_SHIFT, Address
from ..protocols.log import log
from .health.detector import Bounds
from .health.health import Health
from .loading import load_tracer
from .names.directory import Directory
from .names.locator import RemoteLocator
from .node.node import Node
from .node.service import NodeService
from .reports import Reports
from .supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from ..protocols.control import NodeConfig
    from .health.detector import Declared
    from .node.host import Host

LEADER_GRACE: Final = 60.0
"""Seconds without a sign of the leader after which a node that it may not share a host with leaves."""

LEAVE_SECONDS: Final = 5.0
"""Grace of each actor when the node leaves in order."""

DIRECTORY_SERIAL: Final = 1
SUPERVISOR_SERIAL: Final = 2


async def live(config: NodeConfig, host: Host, over: asyncio.Event) -> None:
    """Bind, join the leader, serve until `over`, and leave in order.

    A node that comes back from a silence to find that it was declared dead drops its actors, and
    begins anew as the life that the leader gives it.

    Raises:
        PasselError: It could not bind, or the leader did not take it in.
    """
    life = config.life
    while life:
        life = await _live_once(replace(config, life=life), host, over)


async def _live_once(config: NodeConfig, host: Host, over: asyncio.Event) -> int:
    """Live one life; return the number of the next, or 0 when there is none."""
    cast_out: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        node = Node(
            config.node,
            config.life,
            group=group,
            host=host,
            cookie=config.cookie,
            isolate=bool(config.options.get("isolate")),
            shared_memory=config.options.get("shared_memory"),
            card_memory=config.options.get("card_memory"),
            seed=config.seed,
        )
        node.tracer = load_tracer(str(config.options.get("traces", "")))
        leader = config.leader
        node.router.learn(leader)
        address = Address(leader.node, "@directory", leader.life << LIFE_SHIFT | DIRECTORY_SERIAL)
        directory = node.reference(reference_type(Directory), address)
        node.router.locator = RemoteLocator(directory)  # type: ignore[arg-type]  # a reference is its actor
        address = Address(leader.node, "@supervisor", leader.life << LIFE_SHIFT | SUPERVISOR_SERIAL)
        node.overseer = node.reference(reference_type(Supervisor), address)
        node.report = Reports(directory).report
        service = node.new_cell(
            NodeService,
            (node, config.main_path, over.set, config.options.get("allow")),
            {},
            name="@node",
            serial=0,
        )
        await node.start_cell(service)
        node.cast_out = partial(_resolve, cast_out)
        for other in await directory.joined(node.info):
            host.roster.learn(other)
        health = _watch_leader(node, config, over)
        waiting = group.create_task(over.wait())
        either: list[asyncio.Future[Any]] = [waiting, cast_out]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        health.close()
        if over.is_set():
            await node.close(grace=float(config.options.get("grace", LEAVE_SECONDS)))
            return 0
        waiting.cancel()
        log.error("declared dead: dropping all actors", next_life=cast_out.result())
        await node.close(grace=0.0)
    return cast_out.result()


def _watch_leader(node: Node, config: NodeConfig, over: asyncio.Event) -> Health:
    """Leave when the leader is silent for too long, if it may be on another host.

    On the same host the end of standard input tells of its end, however it ended.
    """

    def leave(verdict: Declared) -> None:
        log.error("the leader is silent: leaving", silent_for=round(verdict.silence, 1))
        over.set()

    health = Health(node, Bounds(float(config.options.get("leader_grace", LEADER_GRACE))), leave)
    if config.network.transport == "tcp":
        health.watch(config.leader)
    return health


def _resolve(future: asyncio.Future[int], life: int) -> None:
    if not future.done():
        future.set_result(life)
