from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from passel import DeadActorError, DeadlineError, RemoteError
from passel.actors.ref import Reference, untyped_call
from passel.protocols.errors import CodecError
from tests.runtime.crew_flow import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.runtime.worlds import World


async def collect(items: AsyncIterator[int], into: list[int]) -> None:
    """Read a stream into a list that is there also when the stream ends with an error."""
    async for item in items:
        into.append(item)  # noqa: PERF401  # a comprehension would lose them


async def test_a_stream_yields_everything_in_order(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        assert [i async for i in ref.count(500)] == list(range(500))
        assert [i async for i in ref.count(0)] == []
        assert [float(a[0]) async for a in ref.arrays(20)] == [float(n) for n in range(20)]


async def test_a_stream_that_is_asked_and_an_ask_that_is_streamed_say_so(world: World) -> None:
    """Only references of unknown class can get there."""
    async with world.open() as home:
        source: Any = await home.there().spawn(Source)
        unknown: Any = Reference(source._address, source._sender)
        with pytest.raises(CodecError, match="count is a stream: iterate over it"):
            await unknown.count(3)
        stream: Any = untyped_call(unknown, "how_many", stream=True)
        with pytest.raises(CodecError, match="how_many is no stream: ask it"):
            await collect(stream(), [])


@pytest.mark.parametrize("prefetch", [1, 2, 16])
async def test_a_producer_is_never_further_ahead_than_it_may(world: World, prefetch: int) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        taken = 0
        async for _ in ref.count.options(prefetch=prefetch)(50):
            taken += 1
            assert await ref.how_many() <= taken + prefetch + 1
        assert taken == 50


async def test_a_stream_must_be_allowed_one_item_at_least(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        with pytest.raises(ValueError, match="prefetch"):
            ref.count.options(prefetch=0)


async def test_leaving_a_stream_early_ends_its_producer(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        async for number in ref.count(1_000_000):
            if number == 3:
                break
        assert await ref.until_closed.options(timeout=10.0)() <= 4 + 17


async def test_closing_a_stream_ends_its_producer(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        items = ref.forever()
        assert await anext(items) == 1
        await items.aclose()  # type: ignore[attr-defined]
        assert await ref.until_closed.options(timeout=10.0)() == 0
        with pytest.raises(StopAsyncIteration):
            await anext(items)


async def test_cancelling_who_reads_a_stream_ends_its_producer(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        seen = asyncio.Event()

        async def read() -> None:
            async for _ in ref.forever():
                seen.set()

        reader = asyncio.ensure_future(read())
        await seen.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await ref.until_closed.options(timeout=10.0)()


async def test_an_error_of_a_stream_comes_after_its_items(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        seen: list[int] = []
        with pytest.raises(RemoteError, match="dried up"):
            await collect(ref.break_after(40), seen)
        assert seen == list(range(40))


async def test_a_stream_ends_at_its_deadline_and_so_does_its_producer(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        seen: list[int] = []
        with pytest.raises(DeadlineError):
            await collect(ref.forever.options(timeout=0.2)(), seen)
        assert seen == [1]
        await ref.until_closed.options(timeout=10.0)()


async def test_an_item_that_does_not_fit_the_hint_ends_the_stream_at_both_ends(
    world: World,
) -> None:
    if not world.encodes:
        pytest.skip("items are handed over as they are")
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        seen: list[int] = []
        with pytest.raises(CodecError, match="int"):
            await collect(ref.mixed(), seen)
        assert seen == [1]
        await ref.until_closed.options(timeout=10.0)()


async def test_a_stream_of_an_actor_that_is_stopped_says_so(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Source)
        items = ref.forever()
        assert await anext(items) == 1
        await home.runtime.stop(ref, grace=0.0)
        with pytest.raises(DeadActorError, match="stopped"):
            await anext(items)


async def test_many_streams_run_beside_each_other(world: World) -> None:
    async with world.open() as home:
        ref = await home.there(capacity=4).spawn(Source)

        async def total() -> int:
            return sum([i async for i in ref.count(100)])

        assert await asyncio.gather(*(total() for _ in range(20))) == [4950] * 20
