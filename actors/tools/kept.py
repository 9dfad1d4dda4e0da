"""The calls that a tool actor remembers by their keys, so that a repeated one works once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from ...protocols.tools import ToolCall  # noqa: TC001  # a record's hints are read at run time
from .comparison import same_call
from .errors import ToolInterruptedError, ToolKeyError


@dataclass(slots=True)
class _Entry:
    call: ToolCall
    answer: asyncio.Future[Any]


class KeptCalls:
    """What became of the calls with keys.

    A finished one is remembered until `capacity` later ones have finished; one under way is never
    forgotten.

    Args:
        capacity: Most finished calls remembered.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._running: dict[str, _Entry] = {}
        self._finished: dict[str, _Entry] = {}

    def find(self, call: ToolCall) -> asyncio.Future[Any] | None:
        """Return the answer of the call, perhaps still to come, or None if it is new.

        Raises:
            ToolKeyError: Its key belongs to another call.
        """
        entry = self._running.get(call.key) or self._finished.get(call.key)
        if entry is None:
            return None
        if not same_call(entry.call, call):
            raise ToolKeyError(call.tool, call.key)
        return entry.answer

    def begin(self, call: ToolCall) -> None:
        """Remember a new call; `answer`, `fail` or `forget` ends it."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._running[call.key] = _Entry(call, answer)

    def answer(self, call: ToolCall, result: Any) -> None:
        """The call has a result."""
        self._finish(call).set_result(result)

    def fail(self, call: ToolCall, error: Exception) -> None:
        """The call has failed, after it may have had an effect."""
        self._settle(self._finish(call), error)

    def forget(self, call: ToolCall) -> None:
        """The call ended before it began; it may come again."""
        entry = self._running.pop(call.key)
        self._settle(entry.answer, ToolInterruptedError(call.tool, call.key))

    def _finish(self, call: ToolCall) -> asyncio.Future[Any]:
        entry = self._finished[call.key] = self._running.pop(call.key)
        while len(self._finished) > self._capacity:
            del self._finished[next(iter(self._finished))]
        return entry.answer

    def _settle(self, answer: asyncio.Future[Any], error: Exception) -> None:
        answer.set_exception(error)
        answer.exception()  # perhaps nobody waits for it
