"""What nodes say to each other about actors and nodes: the system actor's vocabulary."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

from .address import Address
from .confidential import Confidential

Directive: TypeAlias = Literal["resume", "restart", "stop", "escalate"]
"""What a failure does: go on; make the actor anew; end it; end it, and whoever is above fails."""

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
"""Whom the failure of one member of a group restarts: it, all, or it and those that came after."""


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """How failures of one actor are answered.

    Attributes:
        on_failure: Directive by name of an error's class, of which the most specific counts;
            what is not named restarts the actor.
        group: Whose strategy and numbers take the place of those below; empty for no group.
        max_restarts: Restarts allowed within the window; one more failure stops the actor.
        within: Length of the window in seconds.
        backoff: Seconds before the first restart; doubles with each further one.
        max_backoff: Longest pause in seconds.
    """

    on_failure: dict[str, Directive] = {}
    group: str = ""
    max_restarts: int = 3
    within: float = 60.0
    backoff: float = 0.05
    max_backoff: float = 5.0


class JournalClaim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to write an actor's journal, until there is a later claim.

    Attributes:
        place: Where journals are kept.
        epoch: Larger than that of every claim before.
    """

    place: str
    epoch: int


class Durability(msgspec.Struct, frozen=True, kw_only=True):
    """How an actor is durable.

    Attributes:
        claim: Its right to its journal; each spawn has one of its own.
        dedup_window: Seconds for which the answer to a key is kept if its sender does not say
            that it has it.
        snapshot_every: Events between two snapshots.
    """

    claim: JournalClaim
    dedup_window: float
    snapshot_every: int


class GroupOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a group answers the failures of its members.

    Attributes:
        strategy: Whom the failure of one restarts: it alone, all, or it and those after it.
        max_restarts: Failures allowed within the window; one more ends the group.
        within: Length of the window in seconds.
        backoff: Seconds before the first restart; doubles with each further one.
        max_backoff: Longest pause in seconds.
    """

    strategy: Strategy = "one_for_one"
    max_restarts: int = 3
    within: float = 60.0
    backoff: float = 0.05
    max_backoff: float = 5.0


class SpawnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Start an actor on the node that gets this.

    Attributes:
        class_path: `module:Class`.
        signature: Digest of its handler signatures at the sender; an unlike one is refused.
        name: Its name, or empty for one that the node gives.
        arguments: Encoded arguments of its constructor, positional ones and then keywords.
        capacity: Places in its mailbox per sending node.
        mailbox: What happens when that is full: one of `MAILBOX_POLICIES`.
        supervision: How its failures are answered.
        parent: The actor that it ends with, or None.
        durability: How it is durable, if it is.
    """

    class_path: str
    signature: str
    name: str
    arguments: bytes
    capacity: int = 1024
    mailbox: str = "wait"
    supervision: Supervision = Supervision()
    parent: Address | None = None
    durability: Durability | None = None


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """A named actor: where it is, and what it takes to spawn it again.

    Attributes:
        address: Where it is.
        group: The group that it belongs to, or empty.
        parent: The actor that it ends with, or None.
        request: How it is spawned again; None beside the leader, and where its arguments
            cannot travel.
    """

    address: Address
    group: str = ""
    parent: Address | None = None
    request: SpawnRequest | None = None


class GroupDown(msgspec.Struct, frozen=True, kw_only=True):
    """A group has ended: all its members, and why."""

    group: str
    reason: str


class GroupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One group as `passel ps` shows it.

    Attributes:
        name: Its name.
        strategy: Its strategy.
        state: `running`, `restarting`, `stopping` or `ended`.
        members: Its members' names and states, in the order in which they joined.
        restarts: How often it has restarted members.
        last_failure: What went wrong last, or empty.
    """

    name: str
    strategy: Strategy
    state: str
    members: dict[str, str] = {}
    restarts: int = 0
    last_failure: str = ""


class ActorDown(msgspec.Struct, frozen=True, kw_only=True):
    """An actor is gone.

    Attributes:
        address: Which one.
        reason: `stopped`, or why it failed, or how its node died.
        exit_code: Exit status of its node when that is why, else None.
        signal: Name of the signal that ended its node, else None.
        stderr_tail: Last lines of its node's standard error when that died.
    """

    address: Address
    reason: str
    exit_code: int | None = None
    signal: str | None = None
    stderr_tail: tuple[str, ...] = ()


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One node: its name, which life of it, where it is reached, its process."""

    node: str
    life: int
    endpoint: str
    pid: int


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a node is, as the leader sees it.

    Attributes:
        node: Its name.
        life: Which life of it.
        pid: Its process.
        state: `alive`; `busy` while its event loop does not answer; `suspected` while its process
            does not; `dead`.
        silence: Seconds for which nothing was heard of its process.
        clock_offset: Seconds that its monotonic clock is ahead of the leader's; None until known.
        round_trip: Seconds that a question to it took, at best; half of it bounds the error of
            `clock_offset`.
    """

    node: str
    life: int
    pid: int
    state: str = "alive"
    silence: float = 0.0
    clock_offset: float | None = None
    round_trip: float | None = None


class NodeDown(msgspec.Struct, frozen=True, kw_only=True):
    """A node's process has ended, or was declared dead; see NodeDeadError for the other fields.

    Attributes:
        gone: Whether its process is known to have ended, so that it reads no shared memory any
            more. False is followed by another that says True, once that is so.
    """

    node: str
    life: int
    exit_code: int | None = None
    signal: str | None = None
    stderr_tail: tuple[str, ...] = ()
    note: str = ""
    gone: bool = True


class ActorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One actor as `passel ps` and the live view show it.

    Attributes:
        name: Its name.
        class_name: Qualified name of its class.
        state: `starting`, `idle`, `busy`, `restarting` or `stopping`.
        mailbox: Messages waiting.
        handled: Messages handled since it was spawned.
        failed: Handler calls that raised.
        restarts: How often supervision restarted it.
        group: The group that it belongs to, or empty.
        last_failure: What it failed with last outside an ask, or empty.
    """

    name: str
    class_name: str
    state: str
    mailbox: int
    handled: int
    failed: int
    restarts: int
    group: str = ""
    last_failure: str = ""


class AskStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The asks that a node made and that have ended.

    Attributes:
        count: How many.
        seconds: How long they took, all together.
        buckets: How many took less than 2**n microseconds but no less than half of it, by n;
            the last one counts all that took longer.
        failed: How many ended with an error, by the name of its class.
    """

    count: int = 0
    seconds: float = 0.0
    buckets: list[int] = []
    failed: dict[str, int] = {}


class MemoryStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A node's slots of shared memory, or those on its cards.

    Attributes:
        slots: How many there are, and
        slots_used: how many of them hold an array that somebody reads.
        bytes: Their bytes, and
        bytes_used: the bytes of those in use.
        fallbacks: Arrays that went as frames because no slot was free; of those on cards:
            tensors that were copied to host memory for that.
    """

    slots: int = 0
    slots_used: int = 0
    bytes: int = 0
    bytes_used: int = 0
    fallbacks: int = 0


class NodeStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A node's counters and its actors.

    Attributes:
        node: Its name.
        life: Which life of it.
        pid: Its process.
        actors: Its actors, system actors left out.
        dead_letters: Messages that reached no handler.
        refused: Messages refused for an old incarnation or as malformed.
        late_replies: Answers that came after their caller had gone.
        failed_tells: Tells whose handler raised.
        restarts: Restarts of its actors, also of those that are gone.
        given_up: Actors that ended by a failure; at the leader, groups and nodes that gave up too.
        sent: Messages sent to other nodes.
        received: Messages received from other nodes.
        asks: The asks that its actors made, and in the leader the program.
        cpu_seconds: Processor time of its process so far.
        memory_bytes: Resident memory of its process.
        state: How the leader sees it; see NodeStatus.
        clock_offset: Seconds that its monotonic clock is ahead of the leader's; None until known.
        resent: Multiparts that were sent again, because the transport had lost them.
        possibly_lost: Tells to nodes that died, not known to have been handled.
        dropped: Multiparts that came twice or out of order, and were not handed on.
        shared_memory: Its slots of shared memory.
        card_memory: Its slots on cards, of all its cards together.
    """

    node: str
    life: int
    pid: int
    actors: list[ActorStatus] = []
    dead_letters: int = 0
    refused: int = 0
    late_replies: int = 0
    failed_tells: int = 0
    restarts: int = 0
    given_up: int = 0
    sent: int = 0
    received: int = 0
    asks: AskStatistics = AskStatistics()
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    state: str = "alive"
    clock_offset: float | None = None
    resent: int = 0
    dropped: int = 0
    possibly_lost: int = 0
    shared_memory: MemoryStatistics = MemoryStatistics()
    card_memory: MemoryStatistics = MemoryStatistics()


class HandlerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One handler as `passel ask` needs it.

    Attributes:
        name: Its name.
        parameters: Names of its parameters.
        is_stream: Whether it yields items.
        signature: The signature as text.
        defaults: Default values by parameter name, as far as they can travel.
    """

    name: str
    parameters: tuple[str, ...]
    is_stream: bool
    signature: str
    defaults: dict[str, Any] = {}


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that reached no handler: where it was going and why it did not get there.

    Attributes:
        source: Address of its sender.
        target: Address of the actor it was for.
        method: Name of the handler it was for.
        reason: Why it did not get there.
        at: When that was, by the monotonic clock of the node that kept it, in seconds.
        ago: Seconds from then until it was read.
    """

    source: str
    target: str
    method: str
    reason: str
    at: float
    ago: float = 0.0


MAX_BUSY_POLL_SECONDS: Final = 0.001
"""Longest time that a loop stays awake after a message: what it saves is a twentieth of that."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How the nodes of a runtime reach each other.

    Attributes:
        transport: `ipc`, `unix` or `tcp`.
        interface: Address, or network interface, that tcp binds; others must reach it.
        plain_tcp: Whether tcp is neither encrypted nor authenticated.
        busy_poll: Seconds for which a node's loop stays awake after traffic; 0 to sleep at once.
    """

    transport: str = "ipc"
    interface: str = "127.0.0.1"
    plain_tcp: bool = False
    busy_poll: float = 0.0

    @property
    def encrypted(self) -> bool:
        """Whether its sockets speak CURVE."""
        return self.transport == "tcp" and not self.plain_tcp


class NodeConfig(Confidential, msgspec.Struct, frozen=True, kw_only=True):
    """What the leader hands a child process on its standard input.

    Attributes:
        node: Its name.
        life: Which life of it, from 1.
        run_directory: Where its socket goes.
        leader: The leader's info.
        network: How it reaches the others, and they it.
        cookie: The runtime's secret.
        import_path: The program's `sys.path`.
        main_path: File of the program's `__main__`, or empty.
        seed: Seeds the node's randomness.
        threads: Threads for torch and OpenMP, or 0 for their own choice.
        options: Whatever else the node's Runtime was given.
        guest_key: Public key of the runtime's guests in hexadecimal digits, or empty.
        announce: Inherited descriptor on which it says where it is, before it connects, or -1.
    """

    secrets = frozenset({"cookie"})

    node: str
    life: int
    run_directory: str
    leader: NodeInfo
    cookie: str
    import_path: list[str]
    main_path: str
    seed: int = 0
    threads: int = 0
    options: dict[str, Any] = {}
    network: Network = Network()
    guest_key: str = ""
    announce: int = -1
