"""Watches other nodes: carries probes and questions to the detector, and its verdicts out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ...actors.call import CURRENT_CALL
from ...protocols.control import NodeInfo, NodeStatus
from ...protocols.errors import PasselError
from ...protocols.log import log
from ..node.host import Process  # noqa: TC001  # a dataclass field's type
from ..node.service import service_of
from ..transport.seam import Probe  # noqa: TC001  # a dataclass field's type
from .clock_offset import ClockOffset
from .detector import (
    Answered,
    Changed,
    Continued,
    Declared,
    Detector,
    Heard,
    Joined,
    Left,
    Looked,
    Lost,
    Question,
    Reached,
    Stopped,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..node.node import Node
    from .detector import Bounds, Effect, Event

    OnDead = Callable[[Declared], None]


@dataclass(slots=True)
class Watched:
    """One life of a node under watch.

    Attributes:
        info: Where it is reached.
        process: Its process, or None if that cannot be looked at.
        stopped: Whether that was stopped when last looked at.
        probe: Its probe, or None where there are no sockets.
        clock: How far its clock is from ours.
        received: How many of its messages had come when last looked at.
    """

    info: NodeInfo
    process: Process | None
    stopped: bool = False
    probe: Probe | None = None
    clock: ClockOffset = field(default_factory=ClockOffset)
    received: int = 0


class Health:
    """How the other nodes are, as this one sees it.

    Args:
        node: The node that watches.
        bounds: How long a node may be silent.
        on_dead: Told when a node is declared dead.
    """

    def __init__(self, node: Node, bounds: Bounds, on_dead: OnDead) -> None:
        self._node = node
        self._bounds = bounds
        self._on_dead = on_dead
        self._detector = Detector(bounds)
        self._watched: dict[str, Watched] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def watch(self, info: NodeInfo, process: Process | None = None) -> None:
        """Watch a life of a node from now on, in place of any former one.

        Args:
            info: Where it is reached.
            process: Its process, if that is on this host.
        """
        self.forget(info.node)
        self._watched[info.node] = watched = Watched(info, process)
        self._take(Joined(info.node, info.life, self._node.now(), here=process is not None))
        if self._node.transport is not None:
            on_change = partial(self._probed, info.node, info.life)
            watched.probe = self._node.transport.probe(info, self._bounds, on_change)

    def forget(self, node: str, life: int | None = None) -> None:
        """Watch a node no more; with `life`, only if that is the one under watch."""
        watched = self._watched.get(node)
        if watched is None or life not in {None, watched.info.life}:
            return
        del self._watched[node]
        self._take(Left(node, watched.info.life))
        if watched.probe is not None:
            watched.probe.close()

    def status(self, node: str) -> NodeStatus | None:
        """Return how a node is, or None when it is not under watch."""
        watched, peer = self._watched.get(node), self._detector.peers.get(node)
        if watched is None or peer is None:
            return None
        return NodeStatus(
            node=node,
            life=peer.life,
            pid=watched.info.pid,
            state=peer.state,
            silence=peer.quiet,
            clock_offset=watched.clock.offset,
            round_trip=watched.clock.round_trip,
        )

    def close(self) -> None:
        """Watch nobody any more."""
        for node in list(self._watched):
            self.forget(node)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _probed(self, node: str, life: int, reached: bool) -> None:
        now = self._node.now()
        if reached:
            self._take(Reached(node, life, now))
            return
        self._news_of(node)  # what came before the silence is no sign of life after it
        self._take(Lost(node, life, now))

    def _news_of(self, node: str) -> bool:
        """Return whether messages of a node have come since this was last asked."""
        watched, link = self._watched[node], self._node.router.links.get(node)
        if link is None or link.life != watched.info.life or link.received == watched.received:
            return False
        watched.received = link.received
        return True

    def _look(self) -> None:
        self._timer = None
        now = self._node.now()
        for node, watched in self._watched.items():
            if self._news_of(node):
                self._take(Heard(node, watched.info.life, now))
            self._glance(watched, now)
        self._take(Looked(now))

    def _glance(self, watched: Watched, now: float) -> None:
        """Look whether the process of a node is stopped."""
        since = watched.process.standstill() if watched.process is not None else None
        node, life = watched.info.node, watched.info.life
        if since is not None:
            self._take(Stopped(node, life, now, since))
        elif watched.stopped:
            self._take(Continued(node, life, now))
        watched.stopped = since is not None

    def _take(self, event: Event) -> None:
        for effect in self._detector.handle(event):
            self._carry_out(effect)
        self._schedule()

    def _schedule(self) -> None:
        """See to it that the next look comes when it is due, or sooner."""
        if not self._watched:
            return
        pause = self._detector.pause
        due = self._node.loop.time() + pause
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._node.loop.call_later(pause, self._look)

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, Question):
            self._node.start_task(self._ask(effect.node, effect.life))
        elif isinstance(effect, Declared):
            self._on_dead(effect)
        else:
            _tell_log(effect)

    async def _ask(self, node: str, life: int) -> None:
        """Ask the event loop of a node; the question stays open for as long as the node lives."""
        CURRENT_CALL.set(None)  # the watch began in some node's call, whose deadline is not ours
        asked = self._node.now()
        with contextlib.suppress(PasselError):  # its end is told by others
            theirs = await service_of(self._node, node, life).clock.options(timeout=None)()
            now = self._node.now()
            watched = self._watched.get(node)
            if watched is not None and watched.info.life == life:
                watched.clock.add(asked, now, theirs)
            self._take(Answered(node, life, now, asked))


def _tell_log(change: Changed) -> None:
    facts = {"node": change.node, "life": change.life}
    if change.state == "suspected":
        log.warning("node is silent", **facts)
    elif change.state == "dead":
        log.error("node declared dead", **facts, silent_for=round(change.silence, 2))
    else:
        log.debug("node is " + change.state, **facts)
