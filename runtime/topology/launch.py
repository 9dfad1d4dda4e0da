"""Carries a plan out on a runtime: starts its nodes, spawns its actors in order, asks its main."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Self

from ...actors.handler import HandlerSpec, handlers_of
from ...actors.ref import reference_type
from ...protocols.address import Address
from ...protocols.errors import PasselError
from ..runtime import Runtime
from .check import add_import_path, require_sound
from .classes import constructor_of, convert_arguments, find_class, handler_callee
from .file import TopologyFile, read_topology, wrap_topology
from .plan import PlannedActor, PlannedNode, entry_of, plan
from .references import Reference, replace_references
from .spec import Topology

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Mapping

    from ...actors.actor import Actor
    from .spec import Main

_NODES_AT_ONCE = 4  # each start is an interpreter's worth of CPU


class NoMainError(PasselError):
    """Raised when a topology is asked for its main and has none."""

    def __init__(self, name: str) -> None:
        super().__init__(f"topology {name} has no main; add `main: {{actor: ..., ask: ...}}`")
        self.name = name


class TopologyRuntime(Runtime):
    """A runtime that starts what a topology declares.

    Entering it, step by step:
        1. The leader starts, as in any runtime.
        2. The topology's nodes start side by side.
        3. Its actors are spawned one after the other, each after those that its arguments name.
    Leaving it stops the actors in the reverse order, then the nodes.

    Args:
        topology: A file, or records.
        overrides: Values by dotted path that replace a file's, such as `{"params.workers": 4}`.
        name: Name of the runtime instead of the topology's.
        options: What `Runtime` takes besides.

    Attributes:
        topology: The records.
        refs: References by actor name, in the order in which they were spawned.

    Raises:
        TopologyError: The topology has problems; nothing was started.
    """

    def __init__(
        self,
        topology: str | os.PathLike[str] | Topology | TopologyFile,
        overrides: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        **options: Any,
    ) -> None:
        file = _file_of(topology, overrides)
        add_import_path(file.path)
        require_sound(file)
        super().__init__(name=name or file.topology.name, topology=str(file.path or ""), **options)
        self.topology = file.topology
        self.refs: dict[str, Any] = {}
        self._plan = plan(file.topology)
        self._classes = {n: find_class(spec.cls) for n, spec in file.topology.actors.items()}

    async def __aenter__(self) -> Self:
        """Start everything.

        Raises:
            SpawnError: A node or an actor did not start; what did is stopped again.
        """
        await super().__aenter__()
        try:
            await self._start_nodes()
            for actor in self._plan.actors:
                self.refs[actor.name] = await self._spawn(actor)
        except BaseException:
            await self.__aexit__(*sys.exc_info())
            raise
        return self

    @property
    def main_streams(self) -> bool:
        """Whether main's handler is a stream."""
        return self.topology.main is not None and self._main_spec().is_stream

    async def main(self) -> Any:
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
            budget = [a.spec.supervise for a in self._plan.actors if a.node == node.name]
            async with gate:
                await self.start_node(
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

    async def _spawn(self, actor: PlannedActor) -> Any:
        actor_class = self._classes[actor.entry]
        args = convert_arguments(constructor_of(actor_class), actor.spec.args)
        supervise = actor.spec.supervise
        spawner = self.options(
            name=actor.name,
            node=actor.node or "",
            capacity=actor.spec.capacity,
            max_restarts=supervise.max_restarts,
            within=supervise.within,
            backoff=supervise.backoff,
        )
        return await spawner.spawn(actor_class, **replace_references(args, self._resolve))

    def _main_call(self) -> tuple[Any, dict[str, Any]]:
        main = self._require_main()
        callee = handler_callee(self._main_class(), self._main_spec())
        arguments = replace_references(convert_arguments(callee, main.args), self._resolve)
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

    def _resolve(self, reference: Reference) -> Any:
        """Return the ref, or list of refs, that a reference stands for."""
        if reference.every:
            return [self._ref(name) for name in self._plan.replicas[reference.name]]
        return self._ref(reference.name)

    def _ref(self, name: str) -> Any:
        """Return an actor's ref; a lazy one may name an actor that has not been spawned yet."""
        if name in self.refs:
            return self.refs[name]
        planned = next(actor for actor in self._plan.actors if actor.name == name)
        address = Address(planned.node or self._parts.node.name, name, 0, planned.spec.capacity)
        return self._parts.node.reference(reference_type(self._classes[planned.entry]), address)


def _file_of(
    topology: str | os.PathLike[str] | Topology | TopologyFile,
    overrides: Mapping[str, Any] | None,
) -> TopologyFile:
    if isinstance(topology, TopologyFile):
        return topology
    if isinstance(topology, Topology):
        return wrap_topology(topology)
    return read_topology(topology, overrides)
