"""The runtime: a leader node in this process, and the nodes it starts in others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from msgspec.structs import replace

from ..protocols.control import Network, Supervision
from ..protocols.errors import ActorError, RuntimeClosedError, StateError
from ..protocols.log import log
from .durable.state import DEDUP_WINDOW, SNAPSHOT_EVERY
from .health.detector import Bounds
from .held_state import HeldState
from .leader import Leader, LeaderOptions
from .life import LEADER_GRACE
from .loading import main_module
from .machine.local import LocalLeaderHost
from .machine.loops import check_loop
from .node.service import letters_of, service_of, statistics_of
from .node.spawning import Spawn
from .supervised import Supervised
from .supervision.root import Root
from .transport.endpoints import check_network

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from types import TracebackType

    from ..actors.actor import Actor
    from ..actors.ref import ActorRef
    from ..protocols.address import Address
    from ..protocols.control import (
        ActorDown,
        DeadLetter,
        NodeInfo,
        NodeStatistics,
        NodeStatus,
    )
    from .names.directory import Directory
    from .node.host import LeaderHost
    from .supervision.directives import OnFailure
    from .supervision.root import OnEscalation
    from .supervision.supervisor import Supervisor
    from .topology import Topology
    from .topology.launch import Launched

P = ParamSpec("P")
A = TypeVar("A", bound="Actor")
T = TypeVar("T")


class Runtime(Supervised):
    """A set of nodes started together; this process is their leader.

    Use it as an asynchronous context manager: inside, actors run; leaving it stops the actors
    (latest first), then the other nodes, and leaves no process, socket or file behind. It
    installs no signal handlers.

    Args:
        name: By which `passel ps` and the like know it.
        isolate: Encode messages between actors of one node too, as if they crossed a wire.
        shared_memory: Most bytes that the arrays of one node may take in shared memory; None
            for a quarter of what the host has, 0 to use none.
        card_memory: Most bytes that the CUDA tensors of one node may take on each card for other
            processes to read there; None for a sixteenth of the card, 0 to copy them all.
        transport: `ipc` (ZeroMQ over Unix sockets), `unix` (Unix sockets without ZeroMQ between:
            quicker answers on one host) or `tcp` (ZeroMQ, encrypted and authenticated by CURVE).
        interface: Address of this host, or name of a network interface, that tcp binds; the
            default is reached from this host alone.
        plain_tcp: Leave tcp unencrypted: whoever is on the network can read and forge messages.
        busy_poll: Seconds for which the loop of every process stays awake after a message, such as
            1e-4, at most 0.001: answers come sooner, and each burst of messages costs up to so much
            of a core. 0 for none.
        loop: Event loop of node processes: `asyncio`, `uvloop`, or `auto`, which takes uvloop where
            it is installed. This process runs on whatever loop the program chose.
        allow: Modules of which nodes may ask each other to load classes, each with what lies below
            it; the program's own file always is. By default whatever can be imported.
        seed: Seeds the randomness of actors.
        run_directory: Parent of the run directory instead of the user's usual one.
        grace: Seconds that actors, and then processes, have to end when the runtime does.
        node_silence: Seconds after which a node whose process answers no heartbeat is declared
            dead: stopped, or cut off. One that only computes is never declared dead. By default
            2.5, and 0.4 for a process of this host that is seen to be stopped by a signal.
        leader_grace: Seconds without a sign of this process after which nodes that talk over tcp
            leave; the others notice its end at once.
        topology: Path of the topology file, shown by `passel ps`.
        on_escalation: What a failure does that reaches the root: `end` cancels the body of the
            `async with`, which then raises `EscalatedError`; `continue` only logs it.
        traces: `module:function` that sets up OpenTelemetry; called once in every process of the
            runtime, this one included. Asks, tells and handlers then have spans.
        state: Directory in which durable actors keep what outlives the runtime; by default
            `$XDG_STATE_HOME/passel/NAME`, made when the first durable actor is spawned.
        resume: Go on from the state of an earlier run, if there is any.
        discard_state: Start anew and lose the state of an earlier run.
        host: How it reaches the outside instead of by this machine; a simulator's.
    """

    def __init__(
        self,
        *,
        name: str = "passel",
        isolate: bool = False,
        shared_memory: int | None = None,
        card_memory: int | None = None,
        transport: str = "ipc",
        interface: str = "127.0.0.1",
        plain_tcp: bool = False,
        busy_poll: float = 0.0,
        loop: str = "auto",
        allow: Sequence[str] | None = None,
        seed: int = 0,
        run_directory: str | os.PathLike[str] | None = None,
        grace: float = 5.0,
        node_silence: float | None = None,
        leader_grace: float = LEADER_GRACE,
        topology: str = "",
        on_escalation: OnEscalation = "end",
        traces: str = "",
        state: str | os.PathLike[str] | None = None,
        resume: bool = False,
        discard_state: bool = False,
        host: LeaderHost | None = None,
    ) -> None:
        network = Network(
            transport=transport, interface=interface, plain_tcp=plain_tcp, busy_poll=busy_poll
        )
        check_network(network, name)
        check_loop(loop)
        if resume and discard_state:
            raise StateError(f"runtime {name}: say either resume or discard_state, not both")
        self.name = name
        base = None if run_directory is None else Path(run_directory)
        self._host = host or LocalLeaderHost(name, network=network, base=base)
        self._state = HeldState(self._host, state, resume=resume, discard=discard_state)
        self._root = Root(name, on_escalation)
        self._options = LeaderOptions(
            isolate=isolate,
            shared_memory=shared_memory,
            card_memory=card_memory,
            loop=loop,
            allow=None if allow is None else [*allow, main_module()],
            seed=seed,
            grace=grace,
            bounds=Bounds.of(node_silence),
            leader_grace=leader_grace,
            topology=topology,
            traces=traces,
        )
        self._group: asyncio.TaskGroup | None = None
        self._open: Leader | None = None
        self._closing: Leader | None = None
        self._launched: Launched | None = None

    @classmethod
    def from_topology(
        cls,
        source: str | os.PathLike[str] | Topology,
        overrides: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Runtime:
        """Return a runtime that starts a topology's nodes and actors when it is entered.

        Args:
            source: A topology file, or a topology made in Python.
            overrides: Values by dotted path, such as `{"params.workers": 4}`.
            options: What the constructor takes.

        Raises:
            TopologyError: The file has mistakes; says where and what mends them.
        """
        from .topology import (  # loads networkx, which nodes do without
            Topology,
            add_import_path,
            read_topology,
            require_sound,
            wrap_topology,
        )
        from .topology.launch import Launched

        if isinstance(source, Topology):
            file = wrap_topology(source)
        else:
            file = read_topology(source, overrides)
        add_import_path(file.path)
        require_sound(file)
        options.setdefault("name", file.topology.name)
        options.setdefault("transport", file.topology.transport)
        options.setdefault("node_silence", file.topology.node_silence)
        options.setdefault("loop", file.topology.loop)
        options.setdefault("busy_poll", file.topology.busy_poll)
        options.setdefault("topology", str(file.path or ""))
        runtime = cls(**options)
        runtime._launched = Launched(runtime, file.topology)
        return runtime

    @property
    def launched(self) -> Launched:
        """The topology that this runtime was made from.

        Raises:
            LookupError: It was made without one.
        """
        if self._launched is None:
            raise LookupError(f"runtime {self.name} was not made from a topology")
        return self._launched

    async def main(self) -> Any:
        """Ask the topology's main and return its answer; of a stream, the list of its items."""
        return await self.launched.ask_main()

    def stream_main(self) -> AsyncIterator[Any]:
        """Open the stream that is the topology's main."""
        return self.launched.stream_main()

    async def __aenter__(self) -> Self:
        """Open the run directory and the leader's socket, start its system actors."""
        group = self._group = asyncio.TaskGroup()
        await group.__aenter__()
        self._root.hold()
        try:
            self._open = await Leader.open(
                group, self._host, self._state, self._root, self._options
            )
            if self._launched is not None:
                await self._launched.start()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop actors, nodes and sockets; wait until all are gone.

        Raises:
            EscalatedError: A failure reached the root, and `on_escalation` says to end.
        """
        assert self._group is not None, "it was entered"
        ours = self._root.release()
        try:
            await self.aclose()
        finally:
            cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
            if cancelled and not ours:
                await self._group.__aexit__(kind, error, trace)
            else:
                await self._group.__aexit__(None, None, None)
        if ours and self._root.error is not None:
            raise self._root.error from error

    async def aclose(self) -> None:
        """Stop everything; called again it does nothing."""
        leader, self._open = self._open, None
        if leader is None:
            return
        self._closing = leader
        launched = [] if self._launched is None else list(reversed(self._launched.refs.values()))
        await leader.close(launched, grace=self._options.grace)

    def kill(self) -> None:
        """End the other nodes' processes and remove the run directory, at once and for good."""
        leader = self._open or self._closing
        if leader is not None:
            leader.kill()

    # Actors.

    def options(
        self,
        *,
        name: str = "",
        node: str = "",
        capacity: int = 1024,
        mailbox: str = "wait",
        group: str = "",
        on_failure: OnFailure = "restart",
        max_restarts: int = 3,
        within: float = 60.0,
        backoff: float = 0.05,
        max_backoff: float = 5.0,
        durable: bool = False,
        dedup_window: float = DEDUP_WINDOW,
        snapshot_every: int = SNAPSHOT_EVERY,
        timeout: float | None = 60.0,
    ) -> Spawn:
        """Return a spawner with options.

        Args:
            name: Name in the directory; a named actor survives the death of its node.
            node: Name of the node to start it on; empty for this process.
            capacity: Places in its mailbox per sending node.
            mailbox: What happens to a request when that is full: it waits at the sender (`wait`),
                is refused there with MailboxFullError (`refuse`), or takes the place of the oldest
                that waits (`drop_oldest`): a dead letter, whose caller gets DroppedError.
            group: Name of the group that it joins, whose limits take the place of its own.
            on_failure: What a failed tell, timer or background work does: `resume`, `restart`,
                `stop` or `escalate`; or that by class of the error, others restart:
                `{TimeoutError: "resume", "OSError": "stop"}`.
            max_restarts: Restarts allowed within the window; one more failure stops it.
            within: Length of that window in seconds.
            backoff: Seconds before the first restart; doubles with each further one.
            max_backoff: Longest pause in seconds.
            durable: Keep its state and messages in a journal, so that a crash of its process, or
                of the whole runtime, loses and doubles nothing that was acknowledged. It needs a
                name, and a class with `snapshot` and `restore`.
            dedup_window: Seconds for which a durable actor keeps the answer to a key whose sender
                does not say that it has it.
            snapshot_every: Events between two snapshots of a durable actor with `apply`.
            timeout: Seconds until the spawn fails.
        """
        return Spawn(
            self._leader.node,
            name=name,
            node=node,
            capacity=capacity,
            mailbox=mailbox,
            group=group,
            on_failure=on_failure,
            max_restarts=max_restarts,
            within=within,
            backoff=backoff,
            max_backoff=max_backoff,
            durable=durable,
            dedup_window=dedup_window,
            snapshot_every=snapshot_every,
            timeout=timeout,
        )

    async def spawn(
        self, actor_class: Callable[P, A], /, *args: P.args, **kwargs: P.kwargs
    ) -> ActorRef[A]:
        """Start an unnamed actor in this process; see `Spawn.spawn`."""
        return await Spawn(self._leader.node).spawn(actor_class, *args, **kwargs)

    async def lookup(self, name: str, actor_class: type[A]) -> ActorRef[A]:
        """Return a reference to the named actor, wherever it runs.

        Raises:
            DeadActorError: No living actor has the name.
        """
        return cast("ActorRef[A]", await self._leader.node.lookup(name, actor_class))

    def named(self, name: str, actor_class: type[A]) -> ActorRef[A]:
        """Return a reference to a named actor that may not be there yet.

        It is looked up when the first message is sent, which waits for it until its deadline.
        """
        return cast("ActorRef[A]", self._leader.node.named(name, actor_class))

    async def stop(self, ref: Any, *, drain: bool = False, grace: float = 5.0) -> None:
        """Stop an actor; returns when it is stopped, also when it was already.

        Its running handler has `grace` seconds to end. What waits in the mailbox is handled
        first with `drain`, within the same grace; the rest becomes dead letters.
        """
        await self._leader.node.stop(ref, drain=drain, grace=grace)

    async def watch(self, ref: Any) -> ActorDown:
        """Wait until an actor is gone and return why; at once when it already is."""
        return await self._leader.node.watch(ref)

    async def share(self, array: T) -> T:
        """Put an array or tensor into shared memory once, and return it as it lies there.

        A CUDA tensor is put into memory of its card that other processes can open. Those that do
        not see the card get copies.

        The array that is returned is read-only and equal to the one given. Messages to other
        processes of the host refer to it, and to contiguous parts of it, instead of copying: how
        large it is does not matter. Receivers get a read-only array that lies in the same memory.
        The memory is free again when this array, every view of it and everything that was sent
        of it is gone, or the processes that had it. An actor of another host gets a copy.

        Raises:
            SharedMemoryError: There is no room for it.
            CodecError: It is no array that can travel.
        """
        return cast("T", self._leader.node.share(array))

    # Nodes.

    async def start_node(
        self, name: str, *, threads: int = 0, max_restarts: int = 3, within: float = 60.0
    ) -> NodeInfo:
        """Start a node in a process of its own and return once it has joined.

        Args:
            name: Its name.
            threads: Threads for torch and OpenMP in it; 0 leaves it to them.
            max_restarts: How often it is restarted within the window when its process ends.
            within: Length of that window in seconds.

        Raises:
            NameTakenError: A node has the name.
            SpawnError: The process did not come up; says what it wrote last.
        """
        supervision = Supervision(max_restarts=max_restarts, within=within)
        return await self._leader.fleet.start(name, threads=threads, supervision=supervision)

    async def stop_node(self, name: str, *, grace: float = 5.0) -> None:
        """Stop a node with all its actors."""
        await self._leader.fleet.stop(name, grace=grace)

    def nodes(self) -> list[NodeStatus]:
        """Return how each node is that was started: alive, busy, suspected or dead."""
        return self._leader.fleet.statuses()

    def pid_of(self, node: str) -> int:
        """Return the process id of a node that was started."""
        return self._leader.fleet.pid_of(node)

    async def statistics(self) -> list[NodeStatistics]:
        """Return the counters and actors of every node that answers within two seconds."""
        own = statistics_of(self._leader.node)
        others = await self._of_all(lambda service: service.statistics)
        return [own, *map(self._with_status, others)]

    def _with_status(self, found: NodeStatistics) -> NodeStatistics:
        """Return what a node counts, with what the leader knows of it."""
        status = self._leader.fleet.status_of(found.node)
        if status is None or status.life != found.life:
            return found
        return replace(found, state=status.state, clock_offset=status.clock_offset)

    async def dead_letters(self) -> list[DeadLetter]:
        """Return the latest messages that reached no handler, the oldest first.

        Every node keeps its last 1,000; those that do not answer within two seconds are left out.
        """
        found = letters_of(self._leader.node)
        for letters in await self._of_all(lambda service: service.dead_letters):
            found += letters
        return sorted(found, key=lambda letter: -letter.ago)

    async def _of_all(self, what: Callable[[Any], Any]) -> list[Any]:
        """Ask the system actors of all other nodes the same; return what came in time."""
        leader = self._leader
        peers = [leader.node.router.peers.get(name) for name in leader.fleet.names]

        async def ask(peer: NodeInfo) -> Any:
            service = service_of(leader.node, peer.node, peer.life)
            try:
                return await what(service).options(timeout=2.0)()
            except ActorError as error:
                log.warning("node does not answer", node=peer.node, error=str(error))
                return None

        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(peer)) for peer in peers if peer]
        answers = (task.result() for task in asked)
        return [answer for answer in answers if answer is not None]

    @property
    def directory(self) -> Path:
        """The run directory: sockets and the nodes' logs."""
        if self._open is None:
            raise RuntimeClosedError(f"runtime {self.name}")
        return self._host.directory

    async def actors(self) -> dict[str, Address]:
        """Return every named actor."""
        return self._leader.names.names.all()

    @property
    def _supervisor(self) -> Supervisor:
        return self._leader.supervisor

    @property
    def _directory(self) -> Directory:
        return self._leader.names

    @property
    def _leader(self) -> Leader:
        if self._open is None:
            raise RuntimeClosedError(f"runtime {self.name}")
        return self._open
