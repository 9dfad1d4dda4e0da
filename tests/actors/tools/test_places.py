"""How many calls of a tool are under way at once."""

from __future__ import annotations

import asyncio

import pytest

from passel.actors.tools import ToolBusyError
from passel.actors.tools.places import Places


async def test_places_go_to_those_who_wait_in_their_order() -> None:
    places = Places("t", 1)
    order: list[int] = []

    async def come(number: int) -> None:
        with await places.take():
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(come(number) for number in range(5)))
    assert order == list(range(5))


async def test_a_place_is_not_lost_with_who_waited_for_it() -> None:
    places = Places("t", 1)
    first = await places.take()
    waiting = [asyncio.ensure_future(places.take()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    with first:
        pass
    waiting[1].cancel()  # its turn has come, and it does not know yet
    await asyncio.gather(*waiting, return_exceptions=True)
    with await places.take():
        pass


async def test_work_that_nobody_waits_for_keeps_its_place_until_it_ends() -> None:
    places = Places("t", 1)
    work = asyncio.get_running_loop().create_future()
    with await places.take() as place:
        waiting = asyncio.ensure_future(places.take())
        await asyncio.sleep(0)
        place.hold(work)
    with pytest.raises(ToolBusyError, match="all its 1 places"):
        await waiting
    with pytest.raises(ToolBusyError):
        await places.take()
    work.set_result(None)
    await asyncio.sleep(0)
    with await places.take():
        pass


async def test_who_leaves_the_line_as_its_turn_comes_is_cancelled_and_takes_nothing_along() -> None:
    places = Places("t", 1)
    first = await places.take()
    waiting = asyncio.ensure_future(places.take())
    await asyncio.sleep(0)
    waiting.cancel()
    with first:
        pass
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with await places.take():
        pass
