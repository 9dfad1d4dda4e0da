"""How many calls of a tool are under way at once."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from .errors import ToolBusyError

if TYPE_CHECKING:
    from types import TracebackType


class Places:
    """The places of one tool; who comes when all are taken waits, in order.

    Args:
        tool: Its name, for errors.
        count: How many there are.
    """

    def __init__(self, tool: str, count: int) -> None:
        self._tool = tool
        self.count = count
        self._free = count
        self._overdue = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> Place:
        """Return a place once one is free.

        Raises:
            ToolBusyError: All are taken by work whose caller has given it up.
        """
        self._check()
        if self._free:
            self._free -= 1
            return Place(self)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # passed over already, as it was its turn
                    self._waiting.remove(turn)
            elif turn.exception() is None:
                self.give_back()
            raise
        return Place(self)

    def give_back(self) -> None:
        """A place is free: it goes to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def abandon(self, work: asyncio.Future[Any]) -> None:
        """A place's work has lost its caller and cannot be interrupted; it is free when that ends."""
        self._overdue += 1
        work.add_done_callback(self._ended)
        if self._overdue == self.count:
            while self._waiting:
                turn = self._waiting.popleft()
                if not turn.done():
                    turn.set_exception(ToolBusyError(self._tool, self.count))

    def _ended(self, work: asyncio.Future[Any]) -> None:
        if not work.cancelled():
            work.exception()  # nobody else will look at it
        self._overdue -= 1
        self.give_back()

    def _check(self) -> None:
        if self._overdue == self.count:
            raise ToolBusyError(self._tool, self.count)


class Place:
    """One call's place; leaving the `with` gives it back, unless work goes on without a caller."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._work: asyncio.Future[Any] | None = None

    def hold(self, work: asyncio.Future[Any]) -> None:
        """Keep the place until `work`, which cannot be interrupted, has ended."""
        self._work = work

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._work is None or self._work.done():
            self._places.give_back()
        else:
            self._places.abandon(self._work)
