"""Streams of agents: left in order, and made of work that tells what it does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine

T = TypeVar("T")


def closing(stream: AsyncIterator[T]) -> aclosing[AsyncGenerator[T]]:
    """Return a context that closes a reference's stream when it is left: its producer learns at once."""
    return aclosing(cast("AsyncGenerator[T]", stream))  # it can be, though its type does not say so


async def told_by(
    work: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]],
) -> AsyncGenerator[T]:
    """Yield what `work` tells while it goes on; leaving the stream ends it.

    Raises:
        PasselError: What ended the work, after everything that it told.
    """
    items: asyncio.Queue[tuple[T] | PasselError | None] = asyncio.Queue()

    async def carry_out() -> None:
        try:
            await work(lambda item: items.put_nowait((item,)))
            items.put_nowait(None)
        except PasselError as error:
            items.put_nowait(error)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(carry_out())
        failure: PasselError | None = None
        try:
            while (item := await items.get()) is not None:
                if isinstance(item, PasselError):
                    failure = item
                    break
                yield item[0]
        except GeneratorExit:  # the audience has left
            task.cancel()
    if failure is not None:
        raise failure
