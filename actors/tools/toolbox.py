"""What all actors that offer tools have in common."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from ...protocols.tools import ToolCall, ToolSpec  # noqa: TC001  # hints are read at run time
from ..actor import Actor
from ..handler import handler
from .errors import (
    ToolBusyError,
    ToolDefinitionError,
    ToolError,
    ToolFailedError,
    ToolInterruptedError,
    ToolTimeoutError,
    UnknownToolError,
)
from .kept import KeptCalls
from .places import Place, Places
from .results import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS_KEPT = 1024
"""How many finished calls with keys a tool actor remembers."""

MAX_CONCURRENCY = 256
"""Most calls of one tool that may be under way at once in one actor."""


class Tool(Protocol):
    """One tool, as a toolbox calls it."""

    @property
    def spec(self) -> ToolSpec:
        """What it says of itself."""
        ...

    def bind(self, call: ToolCall) -> dict[str, Any]:
        """Return the arguments of a call by name, as `run` takes them.

        Raises:
            ToolArgumentsError: They do not fit.
        """
        ...

    async def run(self, given: dict[str, Any], place: Place) -> Any:
        """Do the work; when it is cancelled, end it, or let it hold the place until it ends."""
        ...


class Toolbox(Actor):
    """Offers tools. Every tool actor is one, so that whoever calls tools needs to know no other.

    Calls run beside each other, of each tool as many as its policy allows; who comes when all its
    places are taken waits. A call whose caller leaves is cancelled.

    What is promised of a call with a key, of a tool that is not idempotent: within this life of the
    actor it is made once. The same call again waits for the first one's answer or gets it, an
    error too. A call that was cancelled, or ran out of time, is not made again under its key,
    because how far it came is not known. The last KEYS_KEPT finished calls are remembered.
    """

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self._places: dict[str, Places] = {}
        self._kept = KeptCalls(KEYS_KEPT)
        self.offer(tools)

    def offer(self, tools: Iterable[Tool]) -> None:
        """Offer these tools and no others from now on; for subclasses.

        Raises:
            ToolDefinitionError: Two have the same name, or a policy makes no sense.
        """
        offered: dict[str, Tool] = {}
        for tool in tools:
            spec = tool.spec
            if spec.name in offered:
                raise ToolDefinitionError(spec.name, reason="the name is taken; give it another")
            check_policy(spec)
            offered[spec.name] = tool
            places = self._places.get(spec.name)
            if places is None or places.count != spec.policy.concurrency:
                self._places[spec.name] = Places(spec.name, spec.policy.concurrency)
        self._tools = offered

    @handler(concurrent=True, raises=(ToolError,))
    async def tools(self) -> tuple[ToolSpec, ...]:
        """Return what this actor offers."""
        return tuple(tool.spec for tool in self._tools.values())

    @handler(concurrent=True, raises=(ToolError,))
    async def check(self, call: ToolCall) -> None:
        """Return if a call may be made; nothing is called.

        Raises:
            UnknownToolError: There is no such tool here.
            ToolArgumentsError: The arguments do not fit it.
        """
        self._found(call.tool).bind(call)

    @handler(concurrent=True, raises=(ToolError,))
    async def call(self, call: ToolCall) -> Any:
        """Call a tool; return its result as plain data, unchanged by anything it says.

        Raises:
            UnknownToolError: There is no such tool here.
            ToolArgumentsError: The arguments do not fit it.
            ToolTimeoutError: It took longer than its policy allows.
            ToolFailedError: It failed, in its own words.
            ToolBusyError: Calls that cannot be interrupted take all its places.
            ToolKeyError: The key belongs to another call.
            ToolInterruptedError: The call with this key was cut short before.
        """
        tool = self._found(call.tool)
        given = tool.bind(call)
        if call.key and not tool.spec.policy.idempotent:
            return await self._once(tool, call, given)
        with await self._places[call.tool].take() as place:
            return await perform(tool, given, place)

    @handler
    async def withdraw(self, keys: list[str]) -> None:
        """Hear that nobody comes back for calls with these keys; what waits for somebody minds that."""

    def _found(self, name: str) -> Tool:
        tool = self._tools.get(name)
        if tool is None:
            raise UnknownToolError(name, known=self._tools)
        return tool

    async def _once(self, tool: Tool, call: ToolCall, given: dict[str, Any]) -> Any:
        """Make a call that must not be made twice, or wait for the one that was made."""
        answer = self._kept.find(call)
        if answer is not None:
            return await asyncio.shield(answer)
        self._kept.begin(call)
        try:
            place = await self._places[call.tool].take()
        except (asyncio.CancelledError, ToolBusyError):
            self._kept.forget(call)
            raise
        with place:
            try:
                result = await perform(tool, given, place)
            except asyncio.CancelledError:
                self._kept.fail(call, ToolInterruptedError(call.tool, call.key))
                raise
            except ToolError as error:
                self._kept.fail(call, error)
                raise
        self._kept.answer(call, result)
        return result


async def perform(tool: Tool, given: dict[str, Any], place: Place) -> Any:
    """Run a tool within its time; return its result as plain data.

    Raises:
        ToolTimeoutError: Its time was not enough.
        ToolError: It failed, or its result cannot travel.
    """
    name, seconds = tool.spec.name, tool.spec.policy.timeout
    try:
        async with asyncio.timeout(seconds) as limit:
            return plain(name, await tool.run(given, place))
    except ToolError:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ToolFailedError(
            name, "CancelledError", "something it waited for was cancelled"
        ) from None
    except TimeoutError as error:
        if limit.expired():
            raise ToolTimeoutError(name, seconds) from None
        raise failure(name, error) from error
    except Exception as error:  # a tool may raise anything
        raise failure(name, error) from error
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:  # it must not end the node
        raise failure(name, error) from error


def failure(tool: str, error: BaseException) -> ToolFailedError:
    """Return what a caller is told of an error that a tool raised."""
    return ToolFailedError(tool, type(error).__name__, str(error))


def check_policy(spec: ToolSpec) -> None:
    """Raise unless a tool may be called as its policy says.

    Raises:
        ToolDefinitionError: A figure of it makes no sense.
    """
    policy = spec.policy
    wrong = ""
    if not 1 <= policy.concurrency <= MAX_CONCURRENCY:
        wrong = f"its concurrency is {policy.concurrency}, not 1 to {MAX_CONCURRENCY}"
    elif not policy.timeout > 0:
        wrong = f"its timeout is {policy.timeout}, not more than 0"
    elif policy.retries < 0 or policy.backoff < 0:
        wrong = (
            f"its retries are {policy.retries} with a backoff of {policy.backoff}; give 0 or more"
        )
    elif policy.retries and not policy.idempotent:
        wrong = "it has retries but is not idempotent; say that calling it twice does no harm"
    elif policy.hedge_after is not None and not policy.idempotent:
        wrong = "it is hedged but not idempotent; say that calling it twice does no harm"
    if wrong:
        raise ToolDefinitionError(spec.name, reason=wrong)
