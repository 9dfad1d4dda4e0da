"""Python functions as tools."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Sequence  # noqa: TC003  # hints are read at run time
from functools import partial
from typing import TYPE_CHECKING, Any

from ...protocols.tools import ToolCall, ToolPolicy, ToolSpec
from .declaration import declaration_of
from .docstring import read_docstring
from .errors import ToolDefinitionError, ToolError
from .parameters import Parameters, hints_of
from .toolbox import Toolbox, failure

if TYPE_CHECKING:
    from ..context import Threads
    from .places import Place

_NAME = re.compile(r"[A-Za-z_]\w{0,63}")


class FunctionTools(Toolbox):
    """Offers Python functions as tools.

    A tool's schema comes from the function's type hints and from its docstring in Google's style;
    `tool` says how it may be called. An async function runs in the actor's event loop, all others in
    threads, as many calls at once as the policy allows. A thread cannot be interrupted: when its
    caller leaves, or its time is over, the function runs out unheard and keeps its place until then.

    Args:
        functions: Each `"module:function"`, or, where actor and program share a process, the
            function itself.
    """

    def __init__(self, *, functions: Sequence[Any]) -> None:
        self._functions = [FunctionTool(loaded(function)) for function in functions]
        super().__init__(self._functions)

    @classmethod
    def check_arguments(cls, *, functions: Sequence[Any]) -> None:
        """Look for what the constructor refuses, for `passel check`.

        Raises:
            ToolDefinitionError: One of the functions is not there, or can be no tool.
        """
        for function in functions:
            FunctionTool(loaded(function))

    async def started(self) -> None:
        """Get the threads that blocking functions may need."""
        blocking = [function for function in self._functions if function.blocks]
        if blocking:
            count = sum(function.spec.policy.concurrency for function in blocking)
            threads = self.context.threads(count)
            for function in blocking:
                function.threads = threads


class FunctionTool:
    """One function as a tool.

    Args:
        function: The function, a bound method, or an object that can be called.
        name: What models call it, instead of what the function says.
        description: What models are told of it, instead of the docstring.
        policy: How it may be called, instead of what `tool` was told.

    Raises:
        ToolDefinitionError: It cannot be one: a parameter has no type hint, or it yields.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str = "",
        description: str = "",
        policy: ToolPolicy | None = None,
    ) -> None:
        self._function = function
        self.threads: Threads | None = None
        target = function if inspect.isroutine(function) else type(function).__call__
        if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
            what = getattr(function, "__qualname__", repr(function))
            raise ToolDefinitionError(what, reason="it yields; return the whole result")
        self.blocks = not inspect.iscoroutinefunction(target)
        declared = declaration_of(function)
        name = name or declared.name or getattr(function, "__name__", "")
        if not _NAME.fullmatch(name):
            raise ToolDefinitionError(
                name or repr(function),
                reason="give it a name of letters and digits: @tool(name=...)",
            )
        self._parameters = Parameters.of(function, name)
        self.spec = ToolSpec(
            name=name,
            description=description or read_docstring(inspect.getdoc(function) or "").text or name,
            parameters=self._parameters.schema(),
            returns=_name_of(hints_of(function, name).get("return", Any)),
            policy=policy or declared.policy,
        )

    def bind(self, call: ToolCall) -> dict[str, Any]:
        """Return the arguments of a call by name, each of its parameter's type.

        Raises:
            ToolArgumentsError: They do not fit.
        """
        return self._parameters.bind(call.arguments, call.keywords)

    def signature(self) -> str:
        """Return how it is called, in one line."""
        return self._parameters.signature()

    async def run(self, given: dict[str, Any], place: Place) -> Any:
        """Call the function, in a thread if it blocks.

        Raises:
            ToolFailedError: It raised; async functions raise what they raise.
        """
        arguments, keywords = self._parameters.split(given)
        if not self.blocks:
            return await self._function(*arguments, **keywords)
        assert self.threads is not None, "made in started()"
        work = BlockingCall(partial(self._function, *arguments, **keywords))
        try:
            result, error = await self.threads.run(work.run)
        except asyncio.CancelledError:
            if work.begun:
                place.hold(work.ended)
            raise
        if isinstance(error, ToolError):
            raise error
        if error is not None:
            raise failure(self.spec.name, error) from error
        return result


class BlockingCall:
    """One call of a function in a thread, of which the event loop learns when it has ended."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self.begun = False
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def run(self) -> tuple[Any, BaseException | None]:
        """Call it; return its result, or the error, some of which must not leave a thread."""
        self.begun = True
        try:
            return self._function(), None
        except BaseException as error:  # noqa: BLE001  # a tool may raise anything
            return None, error
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.ended.set_result, None)


def loaded(function: Any) -> Callable[..., Any]:
    """Return the function that `module:function` names, or the one that was given.

    Raises:
        ToolDefinitionError: There is none.
    """
    if callable(function) and not isinstance(function, type):
        return typing.cast("Callable[..., Any]", function)
    if not isinstance(function, str):
        raise ToolDefinitionError(repr(function), reason="give a function, or 'module:function'")
    module, colon, name = function.partition(":")
    if not colon or not module or not name:
        raise ToolDefinitionError(function, reason="write it as 'module:function'")
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise ToolDefinitionError(function, reason=str(error)) from None
    except AttributeError:
        raise ToolDefinitionError(function, reason=f"module {module} has no {name}") from None
    if isinstance(found, type) or not callable(found):
        reason = f"it is a {type(found).__name__}, no function"
        raise ToolDefinitionError(function, reason=reason)
    return typing.cast("Callable[..., Any]", found)


def _name_of(hint: Any) -> str:
    """Return the name of a type as a model reads it; empty for what says nothing."""
    if hint is Any:
        return ""
    if hint in {None, types.NoneType}:
        return "None"
    plain = isinstance(hint, type) and not typing.get_args(hint)
    return hint.__name__ if plain else str(hint).replace("typing.", "")
