"""What an actor is given of the runtime: itself, its children, time, threads and a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

    from ..protocols.address import Address
    from ..protocols.control import ActorDown
    from .actor import Actor
    from .ref import ActorRef

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A", bound="Actor")
T = TypeVar("T")


class Timer(Protocol):
    """A handler that is called again and again."""

    @property
    def ticks(self) -> int:
        """Calls made so far."""
        ...

    @property
    def skipped(self) -> int:
        """Ticks that fell due while a call still waited or ran."""
        ...

    def cancel(self) -> None:
        """Call no more; a call that is under way goes on."""
        ...


class Threads(Protocol):
    """Threads of one actor, for blocking calls that need not wait for each other."""

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, once a thread is free and it has ended.

        When the caller is cancelled the work runs out in its thread and its result is dropped.
        """
        ...


class Spawner(Protocol):
    """Something that starts actors, with options already chosen."""

    async def spawn(
        self, actor_class: Callable[P, A], /, *args: P.args, **kwargs: P.kwargs
    ) -> ActorRef[A]:
        """Start an actor and return a reference to it once its `started` has run."""
        ...


class Context(Spawner, Protocol):
    """An actor's view of its node. Everything that is not pure computation goes through it."""

    @property
    def address(self) -> Address:
        """Where this actor lives."""
        ...

    @property
    def name(self) -> str:
        """The actor's name."""
        ...

    @property
    def ref(self) -> Any:
        """A reference to this actor, to be handed to others."""
        ...

    @property
    def random(self) -> random.Random:
        """Randomness of this actor alone, seeded by the runtime."""
        ...

    @property
    def log(self) -> Any:
        """A structlog logger with node and actor bound."""
        ...

    def options(self, **options: Any) -> Spawner:
        """Return a spawner with options: see `Runtime.options`.

        What an actor spawns is its child, wherever it lives: it ends when this actor stops,
        restarts or dies with its node, the latest first.
        """
        ...

    async def stop(self, ref: Any, *, drain: bool = False, grace: float = 5.0) -> None:
        """Stop an actor; returns when it is stopped."""
        ...

    async def watch(self, ref: Any) -> ActorDown:
        """Wait until an actor is gone and return why; at once when it already is."""
        ...

    async def lookup(self, name: str, actor_class: type[A]) -> ActorRef[A]:
        """Return a reference to the named actor.

        Raises:
            DeadActorError: No living actor has the name.
        """
        ...

    async def share(self, array: T) -> T:
        """Put an array or tensor into shared memory once; see `Runtime.share`.

        Raises:
            SharedMemoryError: There is no room for it.
        """
        ...

    async def run_blocking(
        self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run blocking work (files, torch) in this actor's own thread and return its result.

        Calls of one actor run one after the other. When the caller is cancelled the work runs
        out in its thread and its result is dropped.
        """
        ...

    def threads(self, count: int) -> Threads:
        """Return up to `count` threads, for blocking calls that may run at once.

        They end with the actor's life, as the one of `run_blocking` does. A thread is started
        when it is needed for the first time.

        Raises:
            ValueError: The count is not positive.
        """
        ...

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background; it is cancelled when the actor stops or restarts.

        An error in it counts as a failure of the actor, as one in a tell does.
        """
        ...

    def every(
        self, seconds: float, method: Callable[..., Any], /, *arguments: Any, at_once: bool = False
    ) -> Timer:
        """Call one of this actor's handlers every `seconds`: `self.context.every(5.0, self.flush)`.

        Each call takes its turn in the mailbox. Ticks that fall due while one still waits or runs
        are skipped. An error in a call is one of the actor, as an error in a tell is. A timer ends
        with its actor's life: `started` begins it anew after a restart.

        Args:
            seconds: Time between the beginnings of two calls.
            method: A handler of this actor, as `self.name`; no stream.
            arguments: What it is called with.
            at_once: Call it now, too, and not first after `seconds`.

        Raises:
            NotAHandlerError: The method is no handler of this actor.
            ValueError: The time is not positive.
        """
        ...

    def journal(self, event: Any) -> None:
        """Change a durable actor by an event: `self.apply(event)` is called, and the event kept.

        For an actor whose state is large: each message then writes its events, and the whole
        state only now and then. All changes must come through here.

        Raises:
            StateError: The actor is not durable, or handles no message.
            CodecError: The event cannot be encoded.
        """
        ...

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, in the runtime's time."""
        ...
