"""Carries a plan out on a runtime: starts its nodes, spawns its actors in order, asks its main."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...actors.handler import HandlerSpec, handlers_of
from ...actors.pool import Pool
from ...protocols.errors import PasselError
from .arguments import constructor_of, convert_arguments, handler_callee
from .classes import find_class
from .plan import PlannedActor, PlannedNode, entry_of, plan
from .references import Reference, replace_references

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ...actors.actor import Actor
    from ..runtime import Runtime
    from .spec import ActorSpec, GroupSpec, Main, Supervise, Topology

_NODES_AT_ONCE = 4  # each start is an interpreter's worth of CPU


class NoMainError(PasselError):
    """Raised when a topology is asked for its main and has none."""

    def __init__(self, name: str) -> None:
        super().__init__(f"topology {name} has no main; add `main: {{actor: ..., ask: ...}}`")
        self.name = name


class Launched:
    """A topology on a runtime: what was started, and the call it exists for.

    Args:
        runtime: The runtime that it is to be started on; `start` needs it entered.
        topology: One that `check` finds no errors in.

    Attributes:
        topology: What was launched.
        refs: References by actor name, in the order in which they were spawned.
    """

    def __init__(self, runtime: Runtime, topology: Topology) -> None:
        self.topology = topology
        self.refs: dict[str, Any] = {}
        self._runtime = runtime
        self._plan = plan(topology)
        self._classes = {name: find_class(spec.cls) for name, spec in topology.actors.items()}

    async def start(self) -> None:
        """Start everything.

        1. The nodes start side by side.
        2. The groups begin.
        3. The actors are spawned one after the other, each after those its arguments name.

        Raises:
            SpawnError: A node or an actor did not start; the runtime stops what did.
        """
        await self._start_nodes()
        for name, group in self.topology.groups.items():
            await self._runtime.group(
                name,
                strategy=group.strategy,
                max_restarts=group.max_restarts,
                within=group.within,
                backoff=group.backoff,
            )
        for actor in self._plan.actors:
            self.refs[actor.name] = await self._spawn(actor)

    @property
    def main_streams(self) -> bool:
        """Whether main's handler is a stream."""
        return self.topology.main is not None and self._main_spec().is_stream

    async def ask_main(self) -> Any:
        """Ask main and return its answer; of a stream, the list of its items.

        Raises:
            NoMainError: The topology has none.
            PasselError: The handler raised, or its actor is gone.
        """
        if self.main_streams:
            return [item async for item in self.stream_main()]
        call, arguments = self._main_call()
        return await call(**arguments)

    def stream_main(self) -> AsyncIterator[Any]:
        """Open main's stream.

        Raises:
            NoMainError: The topology has none.
        """
        call, arguments = self._main_call()
        items: AsyncIterator[Any] = call(**arguments)
        return items

    async def _start_nodes(self) -> None:
        gate = asyncio.Semaphore(_NODES_AT_ONCE)

        async def start(node: PlannedNode) -> None:
            budget = [self._limits(a.spec) for a in self._plan.actors if a.node == node.name]
            async with gate:
                await self._runtime.start_node(
                    node.name,
                    threads=node.spec.cpus or 0,
                    max_restarts=max((s.max_restarts for s in budget), default=0),
                    within=max((s.within for s in budget), default=60.0),
                )

        try:
            async with asyncio.TaskGroup() as group:
                for node in self._plan.nodes:
                    group.create_task(start(node))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def _limits(self, spec: ActorSpec) -> Supervise | GroupSpec:
        """Return what says how often an actor may be started again."""
        group = spec.supervise.group
        return spec.supervise if group is None else self.topology.groups[group]

    async def _spawn(self, actor: PlannedActor) -> Any:
        actor_class = self._classes[actor.entry]
        args = convert_arguments(constructor_of(actor_class), actor.spec.args)
        supervise = actor.spec.supervise
        spawner = self._runtime.options(
            name=actor.name,
            node=actor.node or "",
            capacity=actor.spec.capacity,
            durable=actor.spec.durable,
            mailbox=actor.spec.mailbox,
            group=supervise.group or "",
            on_failure=supervise.on_failure,  # type: ignore[arg-type]  # keys are a part of its type
            max_restarts=supervise.max_restarts,
            within=supervise.within,
            backoff=supervise.backoff,
        )
        return await spawner.spawn(actor_class, **self._resolved(args))

    def _main_call(self) -> tuple[Any, dict[str, Any]]:
        main = self._require_main()
        callee = handler_callee(self._main_class(), self._main_spec())
        arguments = self._resolved(convert_arguments(callee, main.args))
        call = getattr(self.refs[main.actor], main.ask)
        return call.options(timeout=main.timeout), arguments

    def _require_main(self) -> Main:
        if self.topology.main is None:
            raise NoMainError(self.topology.name)
        return self.topology.main

    def _main_class(self) -> type[Actor]:
        entry = entry_of(self.topology, self._require_main().actor)
        assert entry is not None, "check has found main's actor"
        return self._classes[entry]

    def _main_spec(self) -> HandlerSpec:
        return handlers_of(self._main_class())[self._require_main().ask]

    def _resolved(self, args: dict[str, Any]) -> dict[str, Any]:
        return {name: replace_references(value, self._resolve) for name, value in args.items()}

    def _resolve(self, reference: Reference) -> Any:
        """Return the ref, list of refs or pool that a reference stands for."""
        if not reference.every:
            return self._ref(reference.name)
        members = [self._ref(name) for name in self._plan.replicas[reference.name]]
        return members if reference.route is None else Pool(members, route=reference.route)

    def _ref(self, name: str) -> Any:
        """Return an actor's ref; a lazy one may name an actor that has not been spawned yet."""
        if name in self.refs:
            return self.refs[name]
        entry = entry_of(self.topology, name)
        assert entry is not None, "check has found every ref"
        return self._runtime.named(name, self._classes[entry])
