from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from passel.agents.stream import told_by

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_an_error_of_the_work_comes_as_itself_after_what_was_told() -> None:
    async def work(tell: Callable[[int], None]) -> None:
        tell(1)
        tell(2)
        raise ZeroDivisionError

    items = told_by(work)

    assert [await anext(items), await anext(items)] == [1, 2]
    with pytest.raises(ZeroDivisionError):
        await anext(items)


async def test_leaving_the_stream_ends_the_work_before_it_is_left() -> None:
    ended = []

    async def work(tell: Callable[[int], None]) -> None:
        tell(1)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    async with aclosing(told_by(work)) as items:
        assert await anext(items) == 1

    assert ended == [True]
