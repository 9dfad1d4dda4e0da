"""The records of a topology: what a file says, typed, or what a program builds itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ...protocols.control import MAX_BUSY_POLL_SECONDS, Directive, Strategy

MAX_COUNT = 10_000
"""Most nodes or replicas that one entry may ask for."""

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*$"
"""What the name of a topology, node or actor looks like; 64 characters at most."""

Name = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        max_length=64,
        description='Letters, digits, "_" and "-", not beginning with a digit.',
    ),
]


class Supervise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens when an actor fails: how often it may be started again, and how soon.

    Attributes:
        on_failure: What a failed tell, timer or background work does; or that by class of the error.
        group: The group that it belongs to, whose numbers take the place of those below.
        max_restarts: Restarts allowed within `within` seconds; one more failure stops the actor.
        within: Length of the window, in seconds.
        backoff: Pause before the first restart, in seconds; it doubles with each one after.
    """

    on_failure: Annotated[
        Directive | dict[str, Directive], Meta(description="For all errors, or by class.")
    ] = "restart"
    group: Annotated[str, Meta(description="The group that decides for it.")] | None = None
    max_restarts: Annotated[int, Meta(ge=0, description="Restarts allowed in the window.")] = 3
    within: Annotated[float, Meta(gt=0, description="Length of the window, in seconds.")] = 60.0
    backoff: Annotated[
        float, Meta(ge=0, description="Pause before the first restart, in seconds; it doubles.")
    ] = 0.05


class GroupSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Actors that are supervised together; they name it in `supervise`.

    Attributes:
        strategy: Whom the failure of one restarts: it alone, all, or it and those that come after.
        max_restarts: Failures allowed within `within` seconds; one more ends the group, and escalates.
        within: Length of the window, in seconds.
        backoff: Pause before the first restart, in seconds; it doubles with each one after.
    """

    strategy: Annotated[Strategy, Meta(description="Whom one failure restarts.")] = "one_for_one"
    max_restarts: Annotated[int, Meta(ge=0, description="Failures allowed in the window.")] = 3
    within: Annotated[float, Meta(gt=0, description="Length of the window, in seconds.")] = 60.0
    backoff: Annotated[
        float, Meta(ge=0, description="Pause before the first restart, in seconds; it doubles.")
    ] = 0.05


class NodeSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A process, or `count` of them, that actors run in.

    Attributes:
        count: How many; nodes are then called `name-0`, `name-1`, ... Without it there is one, `name`.
        gpus: GPUs of each node; `auto` takes what is there.
        cpus: Threads that torch and OpenMP may use in each node; None leaves it to them.
    """

    count: (
        Annotated[
            int, Meta(ge=1, le=MAX_COUNT, description="How many processes: name-0, name-1, ...")
        ]
        | None
    ) = None
    gpus: Annotated[int, Meta(ge=0, description="GPUs of each process.")] | Literal["auto"] = 0
    cpus: (
        Annotated[int, Meta(ge=1, description="Threads of torch and OpenMP in each process.")]
        | None
    ) = None


class ActorSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An actor, or `replicas` of it.

    Attributes:
        cls: Its class as `"module:Class"`; the key is `class` in a file. `passel.actors.handler.class_path`
            gives it for a class at hand.
        node: The node it runs in; without it, beside the leader.
        replicas: How many; they are called `name-0`, `name-1`, ... and go round the node's `count`.
        args: Arguments of the constructor. `{ref: other}`, `{refs: other}` (all replicas, as a list)
            and `{pool: other}` (all replicas, as a `Pool`) stand for actors, at any depth.
        capacity: Bound of its mailbox, in messages.
        durable: Keep its state and messages in a journal, for the next life or run of it.
        mailbox: What happens to a request when the mailbox is full: it waits at the sender, is refused
            there, or takes the place of the oldest one.
        supervise: What happens when it fails.
    """

    cls: Annotated[
        str, Meta(pattern=r"^[^:\s]+:[^:\s]+$", description='The class, as "module:Class".')
    ] = msgspec.field(name="class")
    node: Annotated[str, Meta(description="The node it runs in; default: the leader.")] | None = (
        None
    )
    replicas: (
        Annotated[int, Meta(ge=1, le=MAX_COUNT, description="How many: name-0, name-1, ...")] | None
    ) = None
    args: Annotated[
        dict[str, Any],
        Meta(description="Constructor arguments; {ref: x}, {refs: x}, {pool: x} stand for actors."),
    ] = {}
    capacity: Annotated[int, Meta(ge=1, description="Bound of the mailbox, in messages.")] = 1024
    durable: Annotated[bool, Meta(description="Keep its state and messages in a journal.")] = False
    mailbox: Annotated[
        Literal["wait", "refuse", "drop_oldest"],
        Meta(description="What a request does that finds the mailbox full."),
    ] = "wait"
    supervise: Supervise = Supervise()


class Main(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one call that the topology exists for; when it has ended, the runtime stops.

    Attributes:
        actor: Name of the actor that is asked.
        ask: Name of its handler; a stream handler's items are shown as they come.
        args: Arguments of the handler, refs allowed.
        timeout: Seconds until it must have ended; None waits for ever.
    """

    actor: Annotated[str, Meta(description="The actor that is asked.")]
    ask: Annotated[str, Meta(description="Its handler; may be a stream.")]
    args: Annotated[dict[str, Any], Meta(description="Arguments of the handler.")] = {}
    timeout: Annotated[float, Meta(gt=0, description="Seconds; default: no limit.")] | None = None


class Simulate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `passel simulate` runs the topology under faults.

    Attributes:
        invariants: What must hold in every run: a subclass of `passel.runtime.simulation.Invariants`,
            as `"module:Class"`. What holds for every runtime is checked anyway.
        classes: Stand-ins, by actor: what runs there instead, as `"module:Class"`, because the real
            class needs what cannot be simulated.
        duration: Seconds of simulated time in which things go wrong.
        every: Mean seconds of simulated time between two faults.
    """

    invariants: (
        Annotated[
            str,
            Meta(
                pattern=r"^[^:\s]+:[^:\s]+$",
                description='What must hold: a class, as "module:Class".',
            ),
        ]
        | None
    ) = None
    classes: Annotated[
        dict[Name, Annotated[str, Meta(pattern=r"^[^:\s]+:[^:\s]+$")]],
        Meta(description='Stand-ins by actor, as "module:Class".'),
    ] = {}
    duration: Annotated[
        float, Meta(gt=0, description="Simulated seconds in which things go wrong.")
    ] = 30.0
    every: Annotated[float, Meta(gt=0, description="Mean simulated seconds between faults.")] = 2.0


class Topology(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A runtime, declared: its processes, its actors, how they are wired, and what it is asked.

    Attributes:
        name: Name of the runtime; `passel ps` and the others find it by this.
        version: Version of the format.
        transport: How its processes talk: `ipc` is ZeroMQ, `unix` a Unix socket without it, `tcp` is
            ZeroMQ, encrypted.
        node_silence: Seconds after which a node whose process answers no heartbeat is dead; by
            default 2.5, and 0.4 for one that is seen to be stopped.
        busy_poll: Seconds for which its loops stay awake after a message; 0 to sleep at once.
        loop: Event loop of its processes; `auto` takes uvloop where it is installed.
        params: Values that `${name}` stands for; already put in place in a loaded topology.
        nodes: Processes by name.
        groups: Groups of actors by name.
        actors: Actors by name.
        simulate: How `passel simulate` runs it.
        main: The call it exists for; without it the runtime serves until it is stopped.
    """

    name: Name
    version: Annotated[Literal[1], Meta(description="Version of the format.")] = 1
    transport: Annotated[
        Literal["ipc", "unix", "tcp"],
        Meta(description="How processes talk: ZeroMQ, Unix sockets, or ZeroMQ over encrypted tcp."),
    ] = "ipc"
    node_silence: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Seconds of silence after which a node is dead; 2.5, or 0.4 if stopped."),
    ] = None
    busy_poll: Annotated[
        float,
        Meta(
            ge=0, le=MAX_BUSY_POLL_SECONDS, description="Seconds a loop stays awake after messages."
        ),
    ] = 0.0
    loop: Annotated[
        Literal["auto", "asyncio", "uvloop"], Meta(description="Event loop of its processes.")
    ] = "auto"
    params: Annotated[dict[str, Any], Meta(description="What ${name} stands for.")] = {}
    nodes: Annotated[dict[Name, NodeSpec], Meta(description="Processes by name.")] = {}
    groups: Annotated[dict[Name, GroupSpec], Meta(description="Groups of actors by name.")] = {}
    actors: Annotated[dict[Name, ActorSpec], Meta(min_length=1, description="Actors by name.")]
    main: Main | None = None
    simulate: Simulate = Simulate()
