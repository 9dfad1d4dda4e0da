"""A process that outlives the verdict on its node: cut off, or waiting for what cannot be broken."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ...protocols.control import NodeDown, NodeInfo
    from ..node.host import Exit, Process
    from ..node.node import Node
    from .detector import Bounds

CALL_SECONDS: Final = 1.0
"""How often a node that is back is told that it was declared dead, until it has joined again."""

_REASON: Final = "it was declared dead; it may join again as another life"


async def end_of(leader: Node, process: Process, other: asyncio.Future[Any] | None) -> Exit | None:
    """Return how a process ended, or None when `other` is resolved before it does."""
    assert other is not None, "a life that has begun has one"
    ended: asyncio.Future[Exit] = leader.loop.create_future()
    waiting = leader.start_task(_wait(process, ended))
    try:
        await asyncio.wait([ended, other], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return ended.result() if ended.done() else None


async def _wait(process: Process, ended: asyncio.Future[Exit]) -> None:
    ended.set_result(await process.wait())


class Outcast:
    """Calls a node back that was declared dead while its process goes on.

    Nothing that it says is listened to. Once it is reached again it is told so, drops its actors
    and joins as the next life.

    Args:
        node: The leader.
        bounds: How often to look for it.
        info: Where its last life was reached.
        down: What was said of that life's end.
        process: Its process.
    """

    def __init__(
        self, node: Node, bounds: Bounds, info: NodeInfo, down: NodeDown, process: Process
    ) -> None:
        self.down = down
        self.process = process
        self._node = node
        self._bounds = bounds
        self._info = info
        self._timer: asyncio.TimerHandle | None = None

    async def until_joined(self, joined: asyncio.Future[NodeInfo], life: int) -> NodeInfo | None:
        """Return once it has joined as `life`, or None when its process has ended instead."""
        assert self._node.transport is not None, "a leader has sockets"
        on_change = partial(self._changed, life)
        probe = self._node.transport.probe(self._info, self._bounds, on_change)
        try:
            await end_of(self._node, self.process, joined)
        finally:
            self._changed(life, reached=False)
            probe.close()
        if joined.done():
            return joined.result()
        self.process.hang_up()
        return None

    def _changed(self, life: int, reached: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if reached:
            self._call(life)

    def _call(self, life: int) -> None:
        self._node.router.call_back(self._info, _REASON, life)
        self._timer = self._node.loop.call_later(CALL_SECONDS, self._call, life)
