"""Handlers: the methods of an actor that may be called from outside.

Their type hints are the message schema. A handler is an `async def` method; one that yields
(an async generator) is a stream.
"""

from __future__ import annotations

import hashlib
import inspect
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    overload,
)

from ..protocols.errors import ClassLoadError, CodecError
from .generics import bindings_of, substitute

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class HandlerSpec:
    """What the runtime knows of one handler.

    Attributes:
        name: The method's name.
        function: The undecorated function.
        parameters: Its parameters without `self`; keyword-only ones travel by position too.
        is_stream: Whether it yields items instead of returning one result.
        concurrent: Whether it runs beside the mailbox as a task of its own.
        raises: Errors that reach the caller as themselves.
        bindings: What the type variables of a generic actor stand for in the class at hand.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        concurrent: bool = False,
        raises: tuple[type[BaseException], ...] = (),
        bindings: Mapping[Any, Any] | None = None,
    ) -> None:
        self.name = function.__name__
        self.function = function
        self.bindings = bindings or {}
        self.is_stream = inspect.isasyncgenfunction(function)
        self.concurrent = concurrent or self.is_stream
        self.raises = raises
        self.parameters = _parameters(function)
        self.count = len(self.parameters)
        self.keyword_only = sum(p.kind is p.KEYWORD_ONLY for p in self.parameters)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The resolved type hints by parameter name; what has none is `Any`.

        Raises:
            CodecError: A hint names something that is not importable at run time.
        """
        hints = resolved_hints(self.function)
        if not self.bindings:
            return hints
        return {name: substitute(hint, self.bindings) for name, hint in hints.items()}

    def bound_to(self, bindings: Mapping[Any, Any]) -> HandlerSpec:
        """Return the handler as a class has it that says what type variables stand for."""
        return HandlerSpec(
            self.function, concurrent=self.concurrent, raises=self.raises, bindings=bindings
        )

    @cached_property
    def arguments_type(self) -> Any:
        """The tuple type that the arguments decode to, in order of the parameters."""
        hints = self.hints
        kinds = tuple(hints.get(p.name, Any) for p in self.parameters)
        return types.GenericAlias(tuple, kinds)

    @cached_property
    def returns(self) -> Any:
        """The type of the result, or of one item of a stream."""
        hint = self.hints.get("return", Any)
        if not self.is_stream:
            return hint
        if typing.get_origin(hint) in {AsyncIterator, AsyncIterable, AsyncGenerator}:
            return typing.get_args(hint)[0]
        return Any

    def bind(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments in order of the parameters, with defaults filled in.

        Raises:
            TypeError: They do not fit the signature, worded as Python would.
        """
        if not keywords and len(arguments) == self.count and not self.keyword_only:
            return arguments
        signature = inspect.Signature(self.parameters)
        try:
            bound = signature.bind(*arguments, **keywords)
        except TypeError as error:
            raise TypeError(f"{self.name}(): {error}") from None
        bound.apply_defaults()
        return tuple(bound.arguments[p.name] for p in self.parameters)

    def call(self, actor: object, arguments: tuple[Any, ...]) -> Any:
        """Call the handler on `actor` with arguments in order of the parameters.

        An actor of a class that overrides the handler runs its own, whatever class the reference
        was made for.
        """
        method = getattr(actor, self.name)
        if not self.keyword_only:
            return method(*arguments)
        split = self.count - self.keyword_only
        names = (p.name for p in self.parameters[split:])
        return method(*arguments[:split], **dict(zip(names, arguments[split:], strict=True)))

    def describe(self) -> str:
        """Return the handler's signature as text; equal text means an equal wire format."""
        hints = self.hints
        words = [
            f"{p.name}:{_type_name(hints.get(p.name, Any))}{'' if p.default is p.empty else '=?'}"
            for p in self.parameters
        ]
        kind = "stream" if self.is_stream else "concurrent" if self.concurrent else "exclusive"
        return f"{kind} {self.name}({', '.join(words)}) -> {_type_name(hints.get('return', Any))}"


class BoundHandler(Generic[P, R]):
    """A handler of one actor, as seen through its reference. For type checkers.

    Calling it asks; `tell` sends without an answer; `options` sets how.
    """

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
            """Ask: send the message and return its result.

            Raises:
                DeadlineError: No result in time.
                DeadActorError: The actor, or the process it lives in, is gone.
                RemoteError: The handler raised.
                CallCycleError: The ask came back to an actor that waits for it.
            """
            ...

        async def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
            """Send the message; return once it has a place in the mailbox.

            Raises:
                DeadlineError: The mailbox stayed full.
                DeadActorError: The actor is gone.
            """

        def tell_nowait(self, *args: P.args, **kwargs: P.kwargs) -> None:
            """Send the message if its mailbox has a place.

            Raises:
                MailboxFullError: It has none.
                DeadActorError: The actor is gone.
            """

        def options(
            self, *, timeout: float | None = ..., key: str | Literal[True] | None = ...
        ) -> BoundHandler[P, R]:
            """Return the handler with another timeout in seconds; None waits for ever.

            With a `key` a call is sent again until there is an answer or its deadline: when the
            node of a named actor dies, when the actor moves, after silence. The receiver handles
            it once. `True` makes a key for this call alone; with a text of your own, a call that
            failed can be taken up again by one with the same text, which gets the answer of the
            first if there is one.

            What is promised: within one incarnation of the actor, requests with the same key
            from the same caller to the same handler take effect once, and all get the same
            answer, an error too. They are handled whether or not the caller still waits. The
            caller is an actor by its name, or all of a program outside any actor. A tell
            returns once the actor has taken it. When a call returns, its key is free again.

            What is not: an actor that lost its state (its node died, supervision gave it a new
            incarnation) has lost its keys too, unless it is durable; effects outside the actor
            may then happen twice. Calls with keys keep no order with others. An actor that
            remembers as many keys as it can refuses new ones with KeysFullError.
            """
            ...


class BoundStream(Generic[P, R]):
    """A stream handler of one actor, as seen through its reference. For type checkers."""

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
            """Open the stream; leaving the loop cancels the producer."""
            ...

        def options(self, *, timeout: float | None = ..., prefetch: int = ...) -> BoundStream[P, R]:
            """Return the stream with other options: total seconds, items sent ahead."""
            ...


class _Marked:
    """What `handler` leaves in the class: a descriptor that carries the spec."""

    def __init__(self, spec: HandlerSpec) -> None:
        self.spec = spec
        self.__doc__ = spec.function.__doc__
        self.__wrapped__ = spec.function

    def _bound(self, instance: object | None, owner: type) -> Any:
        """Return the plain method: inside its own class an actor calls handlers directly."""
        return self if instance is None else self.spec.function.__get__(instance, owner)


class Handler(_Marked, Generic[S, P, R]):
    """The descriptor of a handler that returns one result."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Handler[S, P, R]: ...
        @overload
        def __get__(self, instance: object, owner: type) -> BoundHandler[P, R]: ...

    def __get__(self, instance: object | None, owner: type) -> Any:
        """Return the plain method, bound."""
        return self._bound(instance, owner)


class StreamHandler(_Marked, Generic[S, P, R]):
    """The descriptor of a handler that yields."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> StreamHandler[S, P, R]: ...
        @overload
        def __get__(self, instance: object, owner: type) -> BoundStream[P, R]: ...

    def __get__(self, instance: object | None, owner: type) -> Any:
        """Return the plain method, bound."""
        return self._bound(instance, owner)


@overload
def handler(function: Callable[Concatenate[S, P], Awaitable[R]], /) -> Handler[S, P, R]: ...
@overload
def handler(
    function: Callable[Concatenate[S, P], AsyncIterator[R]], /
) -> StreamHandler[S, P, R]: ...
@overload
def handler(
    *, concurrent: bool = ..., raises: tuple[type[BaseException], ...] = ...
) -> _Decorator: ...
def handler(
    function: Callable[..., Any] | None = None,
    /,
    *,
    concurrent: bool = False,
    raises: tuple[type[BaseException], ...] = (),
) -> Any:
    """Mark an `async def` method as callable from outside.

    Args:
        function: The method, when used without parentheses.
        concurrent: Run beside the mailbox as a task of its own; the handler shares the actor's
            state with others at every `await`.
        raises: Errors that reach the caller as themselves; all others become `RemoteError`.

    Raises:
        TypeError: The method is not async, or takes `*args` or `**kwargs`.
    """

    def decorate(target: Callable[..., Any]) -> Any:
        if not (inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target)):
            raise TypeError(f"{target.__qualname__} is not async; a handler is an async def method")
        spec = HandlerSpec(target, concurrent=concurrent, raises=raises)
        return StreamHandler(spec) if spec.is_stream else Handler(spec)

    return decorate if function is None else decorate(function)


if TYPE_CHECKING:

    class _Decorator(typing.Protocol):
        """What `handler(...)` with options returns."""

        @overload
        def __call__(
            self, function: Callable[Concatenate[S, P], Awaitable[R]], /
        ) -> Handler[S, P, R]: ...
        @overload
        def __call__(
            self, function: Callable[Concatenate[S, P], AsyncIterator[R]], /
        ) -> StreamHandler[S, P, R]: ...


def handlers_of(cls: type) -> dict[str, HandlerSpec]:
    """Return the handlers of an actor class by name, inherited ones included."""
    found = cls.__dict__.get("_passel_handlers")
    if found is None:
        found = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, _Marked):
                    found[name] = value.spec
                elif name in found:
                    del found[name]  # overridden by something that is no handler
        bindings = bindings_of(cls)
        if bindings:
            found = {name: spec.bound_to(bindings) for name, spec in found.items()}
        cls._passel_handlers = found  # type: ignore[attr-defined]  # a cache on the class itself
    return typing.cast("dict[str, HandlerSpec]", found)


def signature_of(cls: type) -> str:
    """Return a digest of the class's handler signatures; unlike code has unlike digests.

    Raises:
        CodecError: A handler's type hints cannot be resolved.
    """
    found: str | None = cls.__dict__.get("_passel_signature")
    if found is None:
        text = "\n".join(spec.describe() for _, spec in sorted(handlers_of(cls).items()))
        found = hashlib.sha256(text.encode()).hexdigest()[:16]
        cls._passel_signature = found  # type: ignore[attr-defined]  # a cache, as that of handlers is
    return found


def class_path(cls: type) -> str:
    """Return `module:Class`, the name by which topologies and spawn requests mean a class.

    Raises:
        ClassLoadError: The class is local to a function, so nobody else can import it.
    """
    if "<locals>" in cls.__qualname__:
        path = f"{cls.__module__}:{cls.__qualname__}"
        raise ClassLoadError(path, "it is defined inside a function; move it to module level")
    return f"{cls.__module__}:{cls.__qualname__}"


def resolved_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's type hints with names resolved.

    Raises:
        CodecError: A name in them exists for type checkers only.
    """
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise CodecError(
            f"type hints of {function.__qualname__}",
            f"{error}; import it at run time, not under TYPE_CHECKING",
        ) from None


def _parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    parameters = tuple(inspect.signature(function).parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise TypeError(f"{function.__qualname__} takes {parameter}; name every parameter")
    return parameters


def _type_name(hint: Any) -> str:
    """Return a hint as text, without modules: a script's own is called otherwise in each node."""
    parts = typing.get_args(hint)
    if not parts:
        return hint.__qualname__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        return " | ".join(_type_name(part) for part in parts)
    if origin is typing.Literal:
        return f"Literal{list(parts)}"
    name = getattr(origin, "__qualname__", str(origin))
    return f"{name}[{', '.join(_type_name(part) for part in parts)}]"
