from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.topic import SlowPolicy, Topic
from passel.protocols.errors import SlowSubscriberError, SpawnError
from tests.runtime.crew_shared import Price, Prices, Reader

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_every_subscriber_gets_everything_in_order_and_typed(world: World) -> None:
    async with world.open() as home:
        topic = await home.there().spawn(Prices)
        readers = [await home.runtime.spawn(Reader, topic) for _ in range(3)]
        await topic.until_subscribed(3)
        sent = [Price("pear", n) for n in range(200)]
        for price in sent:
            assert await topic.publish(price) == 3
        for reader in readers:
            while len(got := await reader.read()) < len(sent):
                pass
            assert got == sent


async def test_publishing_to_nobody_is_no_error(world: World) -> None:
    async with world.open() as home:
        topic: Any = await home.there().spawn(Topic)
        assert await topic.publish({"plain": 1}) == 0
        found = await topic.statistics()
        assert (found.published, found.subscribers, found.waiting) == (1, 0, 0)


async def test_publishing_waits_for_a_slow_subscriber_that_wants_it(world: World) -> None:
    async with world.open() as home:
        topic: Any = await home.there().spawn(Topic, capacity=4, slow="wait")
        stream = topic.subscribe.options(prefetch=1)()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(anext(stream))
            await topic.until_subscribed()
            flood = group.create_task(publish(topic, 50))
            assert await first == 0
            while (await topic.statistics()).waiting < 4:
                pass
            assert not flood.done()
            assert [await anext(stream) for _ in range(49)] == list(range(1, 50))
        assert (await topic.statistics()).dropped == 0
        await stream.aclose()


async def publish(topic: Any, count: int) -> None:
    for number in range(count):
        await topic.publish(number)


async def test_a_slow_subscriber_may_lose_its_oldest_items(world: World) -> None:
    async with world.open() as home:
        topic: Any = await home.there().spawn(Topic)
        stream = topic.subscribe.options(prefetch=1)(capacity=4, slow="drop_oldest")
        async with asyncio.TaskGroup() as group:
            first = group.create_task(anext(stream))
            await topic.until_subscribed()
            await publish(topic, 100)
            assert await first == 0
        rest = [await anext(stream) for _ in range(4)]
        assert rest == sorted(rest)
        dropped = (await topic.statistics()).dropped
        assert 90 <= dropped <= 96
        await stream.aclose()


async def test_a_slow_subscriber_may_be_sent_away(world: World) -> None:
    async with world.open() as home:
        topic: Any = await home.there().spawn(Topic, slow="disconnect", capacity=4)
        stream = topic.subscribe.options(prefetch=1)()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(anext(stream))
            await topic.until_subscribed()
            await publish(topic, 100)
            assert await first == 0
        with pytest.raises(SlowSubscriberError, match="more than 4 items") as caught:
            while True:
                await anext(stream)
        assert caught.value.capacity == 4
        found = await topic.statistics()
        assert (found.disconnected, found.subscribers) == (1, 0)


@pytest.mark.parametrize("slow", ["wait", "drop_oldest", "disconnect"])
async def test_one_that_leaves_is_forgotten_and_holds_nobody_up(
    world: World, slow: SlowPolicy
) -> None:
    async with world.open() as home:
        topic: Any = await home.there().spawn(Topic, capacity=1, slow=slow)
        stream = topic.subscribe.options(prefetch=1)()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(anext(stream))
            await topic.until_subscribed()
            await topic.publish(0)
            assert await first == 0
            await topic.publish(1)
            await stream.aclose()
            await publish(topic, 10)
        while (await topic.statistics()).subscribers:
            pass


async def test_no_room_at_all_is_refused(world: World) -> None:
    async with world.open() as home:
        with pytest.raises(SpawnError, match="capacity is 0"):
            await home.there().spawn(Topic, capacity=0)
        topic: Any = await home.there().spawn(Topic)
        with pytest.raises(ValueError, match="capacity is 0"):
            await anext(topic.subscribe(capacity=0))
