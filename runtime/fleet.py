"""The leader's fleet: node processes, their deaths and their new lives."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from ..protocols.control import (
    NodeConfig,
    NodeDown,
    NodeInfo,
    NodeStatus,
    Supervision,
)
from ..protocols.errors import NameTakenError, PasselError, SpawnError
from ..protocols.log import log
from .health.health import Health
from .health.outcast import Outcast, end_of
from .loading import main_file
from .names.lives import Lives
from .node.host import Exit, Process
from .node.service import error_of_down, service_of
from .security import split_endpoint
from .supervision.policy import Failed, GiveUp, RestartPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .health.detector import Bounds, Declared
    from .names.directory import Directory
    from .node.host import LeaderHost
    from .node.node import Node
    from .supervision.revival import Revival

JOIN_SECONDS: Final = 30.0
"""Seconds that a new process has to join; importing its program is part of that."""

FENCE_SECONDS: Final = 0.25
"""Seconds in which the process of a node that was declared dead ends, if it can be ended at all."""


@dataclass
class Member:
    """One node of the fleet, through all its lives.

    Attributes:
        name: Its name.
        threads: Threads for torch and OpenMP; 0 leaves it to them.
        policy: Decides whether it is restarted when its process ends.
        life: Which life it is in, from 1.
        process: The process of that life.
        leaving: Whether its end is wanted.
        joined: Resolved when the present life has joined, or has ended before it could.
        watch: Waits for the end of the present life's process.
        revival: Begins the next life, while that is under way.
        note: What was seen of the present life's end besides how its process ended.
        outlived: Resolved when the present life was declared dead, and its process goes on.
        outcast: That process, until the next life begins.
    """

    name: str
    threads: int
    policy: RestartPolicy
    life: int = 0
    process: Process | None = None
    leaving: bool = False
    joined: asyncio.Future[NodeInfo] | None = None
    watch: asyncio.Task[None] | None = None
    revival: asyncio.Task[None] | None = None
    note: str = ""
    outlived: asyncio.Future[None] | None = None
    outcast: Outcast | None = None


class Fleet:
    """Starts, watches, restarts and ends the other nodes of a runtime."""

    def __init__(
        self,
        node: Node,
        directory: Directory,
        revival: Revival,
        host: LeaderHost,
        *,
        options: Mapping[str, Any],
        seed: int,
        bounds: Bounds,
    ) -> None:
        self._node = node
        self._directory = directory
        self._revival = revival
        self._host = host
        self._options = dict(options)
        self._seed = seed
        self._members: dict[str, Member] = {}
        self._lives = Lives()
        self._bounds = bounds
        self._health = Health(node, bounds, self._declared_dead)
        directory.statuses_of_nodes = self.statuses
        directory.on_joined = self._joined

    @property
    def names(self) -> list[str]:
        """The nodes, in the order they were started."""
        return list(self._members)

    def statuses(self) -> list[NodeStatus]:
        """Return how each node is; one that is between two lives is `dead`."""
        found = (self.status_of(name) for name in self._members)
        return [status for status in found if status is not None]

    def status_of(self, name: str) -> NodeStatus | None:
        """Return how a node is, or None when there is no such node."""
        member = self._members.get(name)
        if member is None:
            return None
        known = self._health.status(name)
        if known is not None:
            return known
        pid = member.process.pid if member.process is not None else 0
        return NodeStatus(node=member.name, life=member.life, pid=pid, state="dead")

    async def start(self, name: str, *, threads: int, supervision: Supervision) -> NodeInfo:
        """Start a node process and return once it has joined.

        Raises:
            NameTakenError: A node has the name.
            SpawnError: The process ended, or did not join in time; says what it wrote last.
        """
        if name in self._members or name == self._node.name:
            raise NameTakenError(name, "a node")
        if not name or any(c in name for c in "/# @\n") or name.startswith("."):
            raise SpawnError(f"node {name!r}", "a name has no '/', '#', '@' or space")
        member = Member(name, threads, RestartPolicy(supervision))
        self._members[name] = member
        try:
            return await self._launch(member)
        except BaseException:
            await self._end(member, grace=0.0)
            raise

    async def stop(self, name: str, *, grace: float) -> None:
        """Stop a node: its actors in order, then its process; at once when it is not there."""
        member = self._members.get(name)
        if member is not None:
            await self._end(member, grace=grace)

    async def close(self, *, grace: float) -> None:
        """Stop every node, latest first."""
        for name in reversed(self.names):
            await self.stop(name, grace=grace)
        self._health.close()

    def cease(self) -> None:
        """Revive no node any more; whoever waits for a revival is told that it will not come."""
        for member in self._members.values():
            if member.revival is not None:
                member.leaving = True
                member.revival.cancel()
        self._revival.cease()

    def kill(self) -> None:
        """End every process at once."""
        self._health.close()
        for member in self._members.values():
            member.leaving = True
            if member.process is not None:
                member.process.kill()

    def pid_of(self, name: str) -> int:
        """Return the process id of a node's present life."""
        process = self._members[name].process
        assert process is not None, "a started node has a process"
        return process.pid

    def _next_life(self, member: Member) -> asyncio.Future[NodeInfo]:
        """Make ready for the next life of a node; return what is resolved when it has joined."""
        member.life = self._lives.next(member.name)
        self._directory.nodes[member.name] = None
        member.note = ""
        member.outlived = self._node.loop.create_future()
        member.joined = self._node.loop.create_future()
        return member.joined

    async def _begin(self, member: Member) -> NodeInfo:
        """Begin the next life of a node, in the process of the former if that goes on."""
        outcast, member.outcast = member.outcast, None
        return await (self._launch(member) if outcast is None else self._readmit(member, outcast))

    async def _readmit(self, member: Member, outcast: Outcast) -> NodeInfo:
        """Wait for a node that was declared dead, and cannot be ended, to come back."""
        joined = self._next_life(member)
        info = await outcast.until_joined(joined, member.life)
        down = replace(outcast.down, gone=True)
        self._node.router.peer_died(error_of_down(down), down.life)
        await self._tell_others(down)
        if info is None:
            raise SpawnError(f"node {member.name}", "its process ended before it came back")
        member.watch = self._node.start_task(self._watch(member, outcast.process, joined))
        log.info("node came back", node=member.name, life=member.life, pid=info.pid)
        return info

    async def _launch(self, member: Member) -> NodeInfo:
        joined = self._next_life(member)
        config = NodeConfig(
            node=member.name,
            life=member.life,
            run_directory=str(self._host.directory),
            leader=self._node.info,
            cookie=self._node.cookie,
            import_path=list(sys.path),
            main_path=main_file(),
            seed=self._seed,
            threads=member.threads,
            options=self._options,
        )
        process = member.process = self._host.start_process(config)
        member.watch = self._node.start_task(self._watch(member, process, joined))
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                info = await joined
        except TimeoutError:
            process.kill()
            raise SpawnError(
                f"node {member.name}", f"no sign of it in {JOIN_SECONDS:g} s"
            ) from None
        log.info("node started", node=member.name, life=member.life, pid=process.pid)
        return info

    def _joined(self, info: NodeInfo) -> None:
        """A node says that it is up."""
        member = self._members.get(info.node)
        if member is not None and member.life == info.life and member.joined is not None:
            self._node.router.learn(info)
            process = member.process  # a command in front of it may have a process of its own
            seen = process is not None and process.visible and process.pid == info.pid
            self._health.watch(info, process if seen else None)
            if split_endpoint(info.endpoint)[1] is not None:
                self._node.start_task(self._introduce(info))
            if not member.joined.done():
                member.joined.set_result(info)

    def _declared_dead(self, verdict: Declared) -> None:
        """A node is silent for too long: end its process, so that it is dead indeed."""
        member = self._members.get(verdict.node)
        if member is not None and member.life == verdict.life and member.process is not None:
            why = "stopped by a signal" if verdict.stopped else "silence"
            member.note = f"declared dead after {verdict.silence:.1f} s: {why}"
            member.process.kill()
            self._node.loop.call_later(FENCE_SECONDS, _resolve, member.outlived)

    async def _introduce(self, newcomer: NodeInfo) -> None:
        """Tell the other nodes whom to let in, before anybody can send the newcomer there."""
        for info in list(self._directory.nodes.values()):
            if info is not None and info.node not in {self._node.name, newcomer.node}:
                with contextlib.suppress(PasselError):  # it may be dying
                    await service_of(self._node, info.node, info.life).peer_up.tell(newcomer)

    async def _watch(
        self, member: Member, process: Process, joined: asyncio.Future[NodeInfo]
    ) -> None:
        """Wait for the end of one life; tell everybody; begin the next life if that is allowed."""
        life = member.life
        end, gone = await end_of(self._node, process, member.outlived), True
        if end is None:
            end, gone = Exit(None, None, (), "its process could not be ended"), False
        else:
            process.hang_up()
        self._health.forget(member.name, life)
        self._node.host.roster.dismiss(member.name, life)
        if not joined.done():
            joined.set_exception(SpawnError(f"node {member.name}", _words(end)))
        if joined.cancelled() or joined.exception() is not None:
            return  # it never joined; who waited for that knows
        down = NodeDown(
            node=member.name,
            life=life,
            exit_code=end.exit_code,
            signal=end.signal,
            stderr_tail=end.stderr_tail,
            note="; ".join(part for part in (member.note, end.note) if part),
            gone=gone,
        )
        if not gone:
            member.outcast = Outcast(self._node, self._bounds, joined.result(), down, process)
        self._directory.went_down(down)
        moved = self._directory.names.unsettle(member.name)
        death = error_of_down(down)
        self._node.router.peer_died(death, life, gone=gone)
        self._directory.change()
        if member.leaving:
            self._revival.give_up(member.name, moved)
        else:
            last = end.stderr_tail[-1] if end.stderr_tail else ""
            log.error("node died", node=member.name, life=life, how=_how(end), said=last)
            self._revival.lost(death, life, moved)
        await self._tell_others(down)  # also of one that said goodbye: now it reads no memory
        if member.revival is None and not member.leaving:  # else a revival is under way already
            member.revival = self._node.start_task(self._revive(member))

    async def _revive(self, member: Member) -> None:
        """Begin lives until one has everything that is to live on the node again."""
        while not member.leaving:
            effect = member.policy.handle(Failed(self._node.now()))
            if isinstance(effect, GiveUp):
                log.error("node given up", node=member.name, failures=effect.failures)
                self._node.counters.given_up += 1
                if member.process is not None:
                    member.process.hang_up()  # should it outlive the verdict, it leaves by itself
                break
            await asyncio.sleep(effect.after)
            if member.leaving:
                break
            try:
                info = await self._begin(member)
            except PasselError as error:
                log.error("node failed to restart", node=member.name, error=str(error))
                continue
            if await self._revival.respawn(info):
                member.revival = None
                return
        self._forget(member)

    async def _tell_others(self, down: NodeDown) -> None:
        for info in list(self._directory.nodes.values()):
            if info is not None and info.node not in {self._node.name, down.node}:
                with contextlib.suppress(PasselError):  # it may be dying too
                    await service_of(self._node, info.node, info.life).peer_down.tell(down)

    def _forget(self, member: Member) -> None:
        self._revival.give_up(member.name, self._directory.names.unsettle(member.name))
        if self._members.get(member.name) is member:
            del self._members[member.name]
            self._directory.nodes.pop(member.name, None)
        self._directory.change()

    async def _end(self, member: Member, *, grace: float) -> None:
        """End a node: in order within `grace` seconds, then by force."""
        member.leaving = True
        self._health.forget(member.name)  # it may be as slow as its grace allows
        if member.revival is not None:
            member.revival.cancel()
            await asyncio.wait([member.revival])
        process, watch = member.process, member.watch
        if process is None or watch is None:
            self._forget(member)
            return
        process.hang_up()
        try:
            if grace > 0.0:
                async with asyncio.timeout(grace):
                    await process.wait()
        except TimeoutError:
            log.warning("node killed", node=member.name, grace=grace)
        finally:
            process.kill()
        await asyncio.wait([watch])
        self._forget(member)


def _resolve(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _how(end: Exit) -> str:
    if end.signal:
        return f"ended by {end.signal}"
    return end.note if end.exit_code is None else f"exit code {end.exit_code}"


def _words(end: Exit) -> str:
    how = _how(end)
    lines = "".join(f"\n    {line}" for line in end.stderr_tail)
    return f"{how}; its last lines:{lines}" if lines else how
