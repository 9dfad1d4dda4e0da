"""References: location-transparent handles to actors.

For a type checker `ActorRef[Counter]` is `Counter`, so `await ref.add(3)` is an `int` without
any plugin. At run time it is a `Reference` that sends messages.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Protocol, TypeVar

from ..protocols.errors import NotAHandlerError
from .handler import HandlerSpec, handlers_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from ..protocols.address import Address

A = TypeVar("A")

DEFAULT_TIMEOUT: Final = 60.0
"""Seconds until an ask, awaited tell, spawn or stop fails when nothing else is said."""

MAX_KEY_CHARACTERS: Final = 256
"""Longest idempotency key."""

DEFAULT_PREFETCH: Final = 16
"""Items that a stream's producer may send ahead of its consumer."""


class UntypedSpec:
    """A handler of which only the name is known, because the actor's class is not loaded here."""

    is_stream = False
    concurrent = False
    raises: tuple[type[BaseException], ...] = ()
    arguments_type: Any = list[Any]
    returns: Any = Any

    def __init__(self, name: str) -> None:
        self.name = name

    def bind(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments as they are; without the signature they have no names.

        Raises:
            TypeError: Keywords were given.
        """
        if keywords:
            raise TypeError(f"{self.name}(): give positional arguments, the signature is unknown")
        return arguments

    def call(self, actor: object, arguments: tuple[Any, ...]) -> Any:
        """Call the handler by name: the actor turned out to live on this node."""
        spec = handlers_of(type(actor)).get(self.name)
        if spec is None:
            raise NotAHandlerError(
                type(actor).__qualname__, self.name, list(handlers_of(type(actor)))
            )
        return spec.call(actor, spec.bind(arguments, {}))


AnySpec = HandlerSpec | UntypedSpec


class Sender(Protocol):
    """What a reference needs of the node it is used on."""

    def ask(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> Coroutine[Any, Any, Any]:
        """Send and wait for the result."""
        ...

    def tell(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> Coroutine[Any, Any, None]:
        """Send; wait for a place in the mailbox."""
        ...

    def keyed(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        key: str | bool,
        *,
        tell: bool,
    ) -> Coroutine[Any, Any, Any]:
        """Send under an idempotency key until there is an answer, or the tell is taken."""
        ...

    def tell_nowait(self, ref: Reference, spec: AnySpec, arguments: tuple[Any, ...]) -> None:
        """Send, or raise when there is no place."""
        ...

    def stream(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        prefetch: int,
    ) -> AsyncIterator[Any]:
        """Open a stream."""
        ...


class Reference:
    """A handle to one actor. Handlers are its attributes; it may be sent in messages.

    Two references are equal when they mean the same incarnation of the same actor.
    """

    actor_class: ClassVar[type | None] = None

    def __init__(self, address: Address, sender: Sender) -> None:
        self._address = address
        self._sender = sender
        self._target: Any = None  # the sender's cached route

    def __class_getitem__(cls, actor_class: Any) -> Any:
        """Return the reference type of an actor class."""
        return reference_type(actor_class) if isinstance(actor_class, type) else cls

    def __getattr__(self, name: str) -> Any:
        """Return the handler `name`, typed or, when the class is unknown here, untyped."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self.actor_class is None:
            call: HandlerCall = HandlerCall(self, UntypedSpec(name))
            self.__dict__[name] = call
            return call
        raise NotAHandlerError(
            self.actor_class.__qualname__, name, list(handlers_of(self.actor_class))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._address == other._address

    def __hash__(self) -> int:
        return hash(self._address)

    def __repr__(self) -> str:
        kind = self.actor_class.__qualname__ if self.actor_class else "?"
        return f"<ActorRef[{kind}] {self._address}>"


class HandlerCall:
    """A handler of one actor: call it to ask, or use `tell`, `tell_nowait`, `options`."""

    __slots__ = ("_ref", "_sender", "_spec", "_timeout")

    def __init__(
        self,
        ref: Reference,
        spec: AnySpec,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        self._ref = ref
        self._sender = ref._sender  # noqa: SLF001  # the two classes are one concept
        self._spec = spec
        self._timeout = timeout

    def __call__(self, *arguments: Any, **keywords: Any) -> Coroutine[Any, Any, Any]:
        """Return the coroutine that asks; the message is sent when it is awaited."""
        bound = self._spec.bind(arguments, keywords)
        return self._sender.ask(self._ref, self._spec, bound, self._timeout)

    def tell(self, *arguments: Any, **keywords: Any) -> Coroutine[Any, Any, None]:
        """Return the coroutine that sends and waits for a place in the mailbox."""
        bound = self._spec.bind(arguments, keywords)
        return self._sender.tell(self._ref, self._spec, bound, self._timeout)

    def tell_nowait(self, *arguments: Any, **keywords: Any) -> None:
        """Send at once, or raise MailboxFullError."""
        bound = self._spec.bind(arguments, keywords)
        self._sender.tell_nowait(self._ref, self._spec, bound)

    def options(
        self, *, timeout: float | None = DEFAULT_TIMEOUT, key: str | bool | None = None
    ) -> HandlerCall:
        """Return the handler with another timeout (seconds; None waits for ever), or a key.

        Raises:
            ValueError: The timeout is no number, or the key is empty or too long.
        """
        if key is None or key is False:
            return HandlerCall(self._ref, self._spec, _seconds(timeout))
        if isinstance(key, str) and not 0 < len(key) <= MAX_KEY_CHARACTERS:
            raise ValueError(f"a key has 1 to {MAX_KEY_CHARACTERS} characters, not {len(key)}")
        return KeyedCall(self._ref, self._spec, _seconds(timeout), key)


class KeyedCall(HandlerCall):
    """A handler of one actor, called with an idempotency key."""

    __slots__ = ("_key",)

    def __init__(
        self, ref: Reference, spec: AnySpec, timeout: float | None, key: str | bool
    ) -> None:
        super().__init__(ref, spec, timeout)
        self._key = key

    def __call__(self, *arguments: Any, **keywords: Any) -> Coroutine[Any, Any, Any]:
        """Return the coroutine that asks, again and again until there is an answer."""
        return self._keyed(arguments, keywords, tell=False)

    def tell(self, *arguments: Any, **keywords: Any) -> Coroutine[Any, Any, None]:
        """Return the coroutine that sends, again and again until the actor has taken it."""
        return self._keyed(arguments, keywords, tell=True)

    def tell_nowait(self, *arguments: Any, **keywords: Any) -> None:
        """Refuse: somebody has to wait until the tell is taken.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{self._spec.name}: a tell with a key is sent until taken; await tell")

    def _keyed(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any], *, tell: bool
    ) -> Coroutine[Any, Any, Any]:
        bound = self._spec.bind(arguments, keywords)
        return self._sender.keyed(self._ref, self._spec, bound, self._timeout, self._key, tell=tell)


class StreamCall:
    """A stream handler of one actor: call it to open the stream."""

    __slots__ = ("_prefetch", "_ref", "_spec", "_timeout")

    def __init__(
        self,
        ref: Reference,
        spec: AnySpec,
        timeout: float | None = None,
        prefetch: int = DEFAULT_PREFETCH,
    ) -> None:
        self._ref = ref
        self._spec = spec
        self._timeout = timeout
        self._prefetch = prefetch

    def __call__(self, *arguments: Any, **keywords: Any) -> AsyncIterator[Any]:
        """Return an iterator that opens the stream at its first step."""
        bound = self._spec.bind(arguments, keywords)
        sender = self._ref._sender  # noqa: SLF001  # the two classes are one concept
        return sender.stream(self._ref, self._spec, bound, self._timeout, self._prefetch)

    def options(
        self,
        *,
        timeout: float | None = None,
        prefetch: int = DEFAULT_PREFETCH,
        key: object = None,
    ) -> StreamCall:
        """Return the stream with a limit on its whole duration, or another prefetch.

        Raises:
            ValueError: `prefetch` is not positive: nothing would ever be sent; or the timeout is
                no number; or a key was given.
        """
        if key is not None:
            name = self._spec.name
            raise ValueError(f"{name} is a stream, which takes no key; number its items instead")
        if prefetch < 1:
            raise ValueError(f"prefetch is {prefetch}; a stream needs at least 1")
        return StreamCall(self._ref, self._spec, _seconds(timeout), prefetch)


def _seconds(timeout: float | None) -> float | None:
    """Return a timeout that a timer can hold: an endless one is none."""
    if timeout is None or timeout == math.inf:
        return None
    if math.isnan(timeout):
        raise ValueError("timeout is not a number; give seconds, or None to wait for ever")
    return timeout


class _HandlerAttribute:
    """Makes a handler an attribute of typed references, created at its first use."""

    def __init__(self, spec: HandlerSpec) -> None:
        self.spec = spec

    def __get__(self, ref: Reference | None, owner: type) -> Any:
        if ref is None:
            return self
        call = StreamCall(ref, self.spec) if self.spec.is_stream else HandlerCall(ref, self.spec)
        ref.__dict__[self.spec.name] = call
        return call


def reference_type(actor_class: type) -> type[Reference]:
    """Return the reference class whose attributes are the handlers of `actor_class`."""
    found: type[Reference] | None = actor_class.__dict__.get("_passel_reference")
    if found is None:
        body: dict[str, Any] = {"actor_class": actor_class, "__module__": __name__}
        body.update({n: _HandlerAttribute(s) for n, s in handlers_of(actor_class).items()})
        found = type(f"ActorRef[{actor_class.__qualname__}]", (Reference,), body)
        actor_class._passel_reference = found  # type: ignore[attr-defined]  # noqa: SLF001  # a cache
    return found


def parts_of(ref: Any) -> tuple[Address, Sender]:
    """Return what a reference consists of: where it leads, and what sends for it."""
    return ref._address, ref._sender  # noqa: SLF001  # the one way out


def untyped_call(ref: Reference, name: str, *, stream: bool = False) -> HandlerCall | StreamCall:
    """Return a handler of `ref` by name, without knowing its class."""
    spec = UntypedSpec(name)
    if stream:
        spec.is_stream = True
        return StreamCall(ref, spec)
    return HandlerCall(ref, spec)


if TYPE_CHECKING:
    ActorRef = Annotated[A, "a reference to an actor of this class"]
else:
    ActorRef = Reference
