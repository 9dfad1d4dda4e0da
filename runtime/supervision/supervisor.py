"""The leader's supervisor: carries out what groups decide, and is the root of escalation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from ...actors.actor import Actor
from ...actors.call import CURRENT_CALL
from ...actors.handler import handler
from ...actors.ref import Reference
from ...protocols.address import Address  # noqa: TC001  # handler hints are read at run time
from ...protocols.control import GroupDown, GroupOptions, GroupStatus, Placement, Strategy
from ...protocols.errors import (
    DeadActorError,
    EscalatedError,
    NameTakenError,
    NodeDeadError,
    PasselError,
    SpawnError,
)
from ...protocols.log import log
from ..node.service import service_of
from .groups import (
    Closed,
    Ended,
    Escalate,
    Escalated,
    Failed,
    Group,
    Halt,
    Halted,
    Joined,
    Left,
    Lost,
    Restarted,
    Start,
    StartFailed,
    Stop,
    Wait,
    Waited,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from ...protocols.control import SpawnRequest
    from ..names.directory import Directory
    from ..node.node import Node
    from .groups import Effect, Event

_STRATEGIES = get_args(Strategy)

HALT_SECONDS = 60.0
"""Seconds that a member has to end its object before the group gives up."""


class Supervisor(Actor):
    """Knows the groups of a runtime. All handlers are concurrent.

    Args:
        node: The leader.
        directory: Its directory.
        on_escalation: Told when an actor or group fails that nobody else is above.

    Attributes:
        placements: The named actors, and how each is spawned again.
    """

    def __init__(
        self, node: Node, directory: Directory, on_escalation: Callable[[EscalatedError], None]
    ) -> None:
        self.placements: dict[str, Placement] = {}
        self._node = node
        self._directory = directory
        self._on_escalation = on_escalation
        self._groups: dict[str, Group] = {}
        self._options: dict[str, GroupOptions] = {}
        self._watchers: dict[str, list[asyncio.Future[str]]] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._ceased = False
        directory.refuse_member = self._refusal

    # What the runtime and the directory say.

    def open(self, name: str, options: GroupOptions) -> None:
        """Begin a group; one of the same name must have ended.

        Raises:
            NameTakenError: A group of that name lives.
            SpawnError: There is no such strategy.
        """
        if options.strategy not in _STRATEGIES:
            reason = f"strategy is {options.strategy!r}; choose {', '.join(_STRATEGIES)}"
            raise SpawnError(f"group {name}", reason)
        known = self._groups.get(name)
        if known is not None and known.state != "ended":
            raise NameTakenError(name, "a group")
        self._groups[name] = Group(options)
        self._options[name] = options

    def joined(self, placement: Placement) -> None:
        """A member has been spawned."""
        self._tell(placement.group, Joined(placement.address.actor))

    def left(self, placement: Placement) -> None:
        """A member has ended for good."""
        self._tell(placement.group, Left(placement.address.actor))

    def lost(self, members: list[Placement], reason: str) -> None:
        """Members have died with their node."""
        groups = dict.fromkeys(placement.group for placement in members)
        for group in groups:
            names = tuple(p.address.actor for p in members if p.group == group)
            self._tell(group, Lost(names, reason, self._node.now()))

    def moved(self, name: str, address: Address) -> None:
        """A named actor lives again, at another address."""
        self.placements[name] = replace(self.placements[name], address=address)

    async def claimed(self, request: SpawnRequest) -> SpawnRequest:
        """Return the request with a new right to the journal, if the actor is durable."""
        terms = request.durability
        if terms is None:
            return request
        claim = await self._directory.claim_journal()
        return replace(request, durability=replace(terms, claim=claim))

    def escalate(self, placement: Placement, reason: str) -> None:
        """An actor is beyond help: its group gives up, or the runtime does."""
        if placement.group:
            self._tell(placement.group, Escalated(placement.address.actor, reason))
        else:
            self._on_escalation(EscalatedError(placement.address, reason))

    def cease(self) -> None:
        """Restart nobody any more: the runtime ends."""
        self._ceased = True
        for task in list(self._tasks):
            task.cancel()

    # What others ask.

    @handler(concurrent=True)
    async def member_failed(self, address: Address, what: str, escalate: bool) -> None:
        """A member has failed and waits for what its group decides."""
        current = await self._directory.lookup(address.actor)  # waits while it is being spawned
        placement = self.placements.get(address.actor)
        if placement is None or current.incarnation != address.incarnation:
            return  # it has died since, and lives again or not
        name = address.actor
        if escalate:
            self._tell(placement.group, Escalated(name, what))
        else:
            self._tell(placement.group, Failed(name, what, self._node.now()))

    @handler(concurrent=True)
    async def escalated(self, source: str, what: str) -> None:
        """An actor without parent or group has escalated its failure to the runtime."""
        if not self._ceased:
            self._on_escalation(EscalatedError(source, what))

    @handler(concurrent=True)
    async def groups(self) -> list[GroupStatus]:
        """Return how every group is."""
        return [
            GroupStatus(
                name=name,
                strategy=self._options[name].strategy,
                state=group.state,
                members={member: state.value for member, state in group.members.items()},
                restarts=group.restarts,
                last_failure=group.last,
            )
            for name, group in self._groups.items()
        ]

    @handler(concurrent=True, raises=(DeadActorError,))
    async def watch_group(self, name: str) -> GroupDown:
        """Return once a group has ended, at once when it has."""
        group = self._find(name)
        if group.state == "ended":
            return GroupDown(group=name, reason=group.reason)
        waiter: asyncio.Future[str] = self._node.loop.create_future()
        waiters = self._watchers.setdefault(name, [])
        waiters.append(waiter)
        try:
            return GroupDown(group=name, reason=await waiter)
        finally:
            waiters.remove(waiter)

    @handler(concurrent=True, raises=(DeadActorError,))
    async def stop_group(self, name: str) -> None:
        """Stop the members of a group, the latest first; return when it has ended."""
        group = self._find(name)
        if group.state != "ended":
            self._tell(name, Closed())
            await self.watch_group(name)

    # Carrying out.

    def _find(self, name: str) -> Group:
        group = self._groups.get(name)
        if group is None:
            raise DeadActorError(f"group {name}", "there is no such group")
        return group

    def _refusal(self, name: str) -> str:
        group = self._groups.get(name)
        if group is None:
            return f"there is no group {name}; make it first"
        return f"its group {name} has ended: {group.reason}" if group.reason else ""

    def _tell(self, name: str, event: Event) -> None:
        group = self._groups.get(name)
        if group is None or self._ceased:
            return
        for effect in group.handle(event):
            self._carry_out(name, effect)

    def _carry_out(self, group: str, effect: Effect) -> None:
        if isinstance(effect, Wait):
            self._start(self._wait(group, effect))
        elif isinstance(effect, Halt):
            self._start(self._halt(group, effect.member))
        elif isinstance(effect, Start):
            self._start(self._restart(group, effect.member))
        elif isinstance(effect, Stop):
            self._start(self._stop(group, effect))
        elif isinstance(effect, Escalate):
            log.error("group given up", group=group, reason=effect.reason)
            self._node.counters.given_up += 1
            self._on_escalation(EscalatedError(f"group {group}", effect.reason))
        else:
            self._ended(group, effect)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._node.start_task(work)
        self._tasks[task] = None
        task.add_done_callback(lambda _: self._tasks.pop(task, None))

    async def _wait(self, group: str, effect: Wait) -> None:
        await asyncio.sleep(effect.seconds)
        self._tell(group, Waited(effect.ticket))

    async def _halt(self, group: str, name: str) -> None:
        CURRENT_CALL.set(None)
        placement = self.placements.get(name)
        event: Event = Halted(name)
        if placement is not None:
            address = placement.address
            service = service_of(self._node, address.node, address.life)
            try:
                await service.halt.options(timeout=HALT_SECONDS)(address)
            except DeadActorError:
                pass  # its node died, which says more
            except PasselError as error:
                event = Escalated(name, f"it could not be ended: {error}")
        self._tell(group, event)

    async def _restart(self, group: str, name: str) -> None:
        CURRENT_CALL.set(None)
        placement = self.placements.get(name)
        if placement is None:
            return  # it has left
        try:
            if self._is_there(name):
                address = placement.address
                service = service_of(self._node, address.node, address.life)
                await service.restart.options(timeout=None)(address)
            else:
                await self._spawn_again(name, placement)
        except NodeDeadError:
            return  # the death is an event of its own
        except DeadActorError as error:
            self._tell(group, Escalated(name, error.reason))
        except PasselError as error:
            log.error("actor failed to restart", actor=name, group=group, error=str(error))
            self._tell(group, StartFailed(name, str(error), self._node.now()))
        else:
            log.info("actor restarted", actor=name, group=group)
            self._tell(group, Restarted(name))

    def _is_there(self, name: str) -> bool:
        """Return whether a member is where it was; else it died with its node."""
        return name in self._directory.names.all()

    async def _spawn_again(self, name: str, placement: Placement) -> None:
        """Spawn a member that died with its node on the next life of that.

        Raises:
            DeadActorError: The node will not come back.
            SpawnError: The actor could not be started.
        """
        request = placement.request
        assert request is not None, "what cannot be spawned again is not lost but gone"
        while True:
            info = await self._directory.node(placement.address.node)
            service = service_of(self._node, info.node, info.life)
            try:
                claimed = await self.claimed(request)
                address = await service.spawn.options(timeout=None)(claimed)
            except NodeDeadError:
                continue
            if not self._node.router.has_died(address):
                break
        if name not in self.placements:  # it was stopped meanwhile
            await self._node.stop(self._node.reference(Reference, address))
            raise DeadActorError(address, "it was stopped while it was being restarted")
        self._directory.names.bind(name, address)
        self.moved(name, address)
        self._directory.change()

    async def _stop(self, group: str, effect: Stop) -> None:
        CURRENT_CALL.set(None)
        placement = self.placements.get(effect.member)
        if placement is not None and self._is_there(effect.member):
            try:
                await self._node.stop(self._node.reference(Reference, placement.address))
            except PasselError as error:
                log.error("member not stopped", actor=effect.member, error=str(error))
        elif placement is not None:
            self._directory.names.free(effect.member)
            self.placements.pop(effect.member, None)
            self._directory.change()
        self._tell(group, Left(effect.member))

    def _ended(self, group: str, effect: Ended) -> None:
        log.info("group ended", group=group, reason=effect.reason)
        for waiter in self._watchers.get(group, ()):
            if not waiter.done():
                waiter.set_result(effect.reason)
