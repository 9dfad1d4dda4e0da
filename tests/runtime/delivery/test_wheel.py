from __future__ import annotations

import asyncio
import random

import pytest

from passel.runtime.delivery.wheel import RESOLUTION, DeadlineWheel
from tests.runtime.virtual_time import virtual_time


class Entry:
    """Notes when it expired."""

    def __init__(self) -> None:
        self.expired: list[float] = []

    def expire(self) -> None:
        self.expired.append(asyncio.get_running_loop().time())


@virtual_time
async def test_every_deadline_fires_once_and_hardly_late() -> None:
    loop = asyncio.get_running_loop()
    wheel = DeadlineWheel(loop, loop.time)
    source = random.Random(7)
    entries = [(source.uniform(0.0, 50.0), Entry()) for _ in range(2_000)]
    for when, entry in entries:
        wheel.add(when, entry)
    await asyncio.sleep(51.0)
    for when, entry in entries:
        (at,) = entry.expired
        assert when <= at <= when + 2 * RESOLUTION
    wheel.close()


@virtual_time
async def test_a_deadline_at_every_slot_is_met() -> None:
    """Slots times their width do not always divide back: the timer must not go round for ever."""
    loop = asyncio.get_running_loop()
    wheel = DeadlineWheel(loop, loop.time)
    for slot in (29, 58, 59, 116, 117, 1_000):
        entry = Entry()
        wheel.add(slot * RESOLUTION - RESOLUTION / 2, entry)
        await asyncio.sleep(slot * RESOLUTION)
        assert entry.expired
    wheel.close()


@virtual_time
async def test_a_discarded_deadline_does_not_fire() -> None:
    wheel = DeadlineWheel(asyncio.get_running_loop(), asyncio.get_running_loop().time)
    kept, dropped = Entry(), Entry()
    wheel.add(1.0, kept)
    slot = wheel.add(1.0, dropped)
    wheel.discard(slot, dropped)
    wheel.discard(slot, dropped)
    await asyncio.sleep(2.0)
    assert len(kept.expired) == 1
    assert not dropped.expired
    wheel.discard(slot, kept)
    wheel.close()


@virtual_time
async def test_an_earlier_deadline_overtakes_the_timer() -> None:
    wheel = DeadlineWheel(asyncio.get_running_loop(), asyncio.get_running_loop().time)
    late, early, past = Entry(), Entry(), Entry()
    wheel.add(30.0, late)
    wheel.add(1.0, early)
    await asyncio.sleep(2.0)
    assert early.expired
    assert not late.expired
    wheel.add(0.5, past)
    await asyncio.sleep(2 * RESOLUTION)
    assert past.expired
    await asyncio.sleep(30.0)
    assert late.expired
    wheel.close()


@virtual_time
async def test_an_entry_may_add_another_while_it_expires() -> None:
    wheel = DeadlineWheel(asyncio.get_running_loop(), asyncio.get_running_loop().time)

    class Chain(Entry):
        def expire(self) -> None:
            super().expire()
            if len(self.expired) < 3:
                wheel.add(asyncio.get_running_loop().time() + 1.0, self)

    chain = Chain()
    wheel.add(1.0, chain)
    await asyncio.sleep(10.0)
    assert chain.expired == pytest.approx([1.0, 2.0, 3.0], abs=6 * RESOLUTION)
    wheel.close()


@virtual_time
async def test_a_closed_wheel_forgets_everything() -> None:
    wheel = DeadlineWheel(asyncio.get_running_loop(), asyncio.get_running_loop().time)
    entry = Entry()
    wheel.add(1.0, entry)
    wheel.close()
    await asyncio.sleep(2.0)
    assert not entry.expired


@virtual_time
async def test_a_bucket_that_was_emptied_takes_deadlines_again() -> None:
    wheel = DeadlineWheel(asyncio.get_running_loop(), asyncio.get_running_loop().time)
    first, second = Entry(), Entry()
    wheel.discard(wheel.add(1.0, first), first)
    wheel.add(1.0, second)
    await asyncio.sleep(2.0)
    assert not first.expired
    assert len(second.expired) == 1
    wheel.close()


@virtual_time
async def test_buckets_that_were_emptied_keep_no_table() -> None:
    wheel = DeadlineWheel(asyncio.get_running_loop(), asyncio.get_running_loop().time)
    entries = [Entry() for _ in range(1_000)]
    slots = [wheel.add(60.0, entry) for entry in entries]
    for slot, entry in zip(slots, entries, strict=True):
        wheel.discard(slot, entry)
    assert list(wheel._buckets.values()) == [None]
    wheel.close()
