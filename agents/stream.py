"""Streams of agents: left in order, and made of work that tells what it does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar, cast

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

    The task belongs to the generator and not to a task group, because none may stay open over a
    `yield`; so an error of the work leaves as itself, after everything that was told before it.
    """
    items: asyncio.Queue[tuple[T] | None] = asyncio.Queue()

    async def carry_out() -> None:
        try:
            await work(lambda item: items.put_nowait((item,)))
        finally:
            items.put_nowait(None)

    task = asyncio.create_task(carry_out())
    try:
        while (item := await items.get()) is not None:
            yield item[0]
        await task
    finally:
        task.cancel()  # if the audience has left
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # whoever is still there has it
