"""Lanes between nodes that share memory, on memory of this process: no file, no socket."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch

from passel.protocols.arrays import MissingFrame, pack_array, unpack_array
from passel.protocols.envelope import Reply, Returned
from passel.protocols.errors import CodecError, LimitError, ProtocolError, SharedMemoryError
from passel.protocols.slots import SlotRecord, check_slot
from passel.runtime.memory import Copies, HeapSegments, Lane, NodeMemory

if TYPE_CHECKING:
    from passel.protocols.arrays import Frame

KIB, MIB = 1 << 10, 1 << 20


def returned_by(lane: Lane) -> Returned | None:
    """Return what a lane gives back, if there is anything."""
    said = lane.news()
    assert len(said) < 2
    for message in said:
        assert isinstance(message, Returned)
        return message
    return None


class Pair:
    """Two nodes of one host and the lanes between them."""

    def __init__(self, *, limit: int = 16 * MIB, capacity: int = 64 * MIB) -> None:
        self.store = HeapSegments("host", capacity)
        loop = asyncio.get_running_loop()
        self.one, self.two = (
            NodeMemory(self.store, (name, 1), loop=loop, now=loop.time, limit=limit)
            for name in ("one", "two")
        )
        self.woken = asyncio.Event()
        self.copies = Copies(loop, lambda: None)
        self.there: Lane = self.one.lane_to(("two", 1), lambda: None)
        self.back: Lane = self.two.lane_to(("one", 1), self.woken.set)

    def sent(self, array: Any) -> Any:
        """Send an array from `one` to `two`, and return what arrives."""
        frames: list[Frame] = []
        body = pack_array(array, frames)
        return unpack_array(body, self.carried(frames))

    def carried(self, frames: list[Frame]) -> list[Frame]:
        """Carry the frames of a message from `one` to `two`."""
        reply = Reply(1, 0.0, len(frames), msgspec.Raw())
        message, left = self.there.lend(reply, frames, self.copies)
        assert isinstance(message, Reply)
        if isinstance(message.frames, int):
            return list(left)
        return self.back.borrow(message.frames, [bytes(frame) for frame in left])

    def returned(self) -> None:
        """Carry what `two` gives back to `one`."""
        message = returned_by(self.back)
        if message is not None:
            self.there.returned(message)

    @property
    def used(self) -> int:
        """How many slots of `one` are in use."""
        return self.one.statistics.slots_used


async def test_an_array_arrives_in_a_slot_and_the_slot_is_returned_with_its_last_view() -> None:
    pair = Pair()
    array = pair.sent(np.arange(100_000))
    view = array[10:20].reshape(2, 5)
    assert array[-1] == 99_999
    assert not array.flags.writeable
    del array
    pair.returned()
    assert pair.used == 1
    del view
    pair.returned()
    assert pair.used == 0
    assert pair.one.statistics.fallbacks == 0


async def test_a_torch_tensor_travels_the_same_way() -> None:
    pair = Pair()
    tensor = pair.sent(torch.arange(100_000, dtype=torch.bfloat16))
    assert torch.equal(tensor, torch.arange(100_000, dtype=torch.bfloat16))
    part = tensor[5:]
    del tensor
    pair.returned()
    assert pair.used == 1
    del part
    pair.returned()
    assert pair.used == 0


async def test_arrays_below_64_kib_need_no_slot() -> None:
    pair = Pair()
    assert pair.sent(np.ones(5_000)).sum() == 5_000
    assert pair.used == 0
    assert pair.one.statistics.slots == 0


async def test_without_a_free_slot_the_frame_itself_travels_and_is_counted() -> None:
    pair = Pair(limit=MIB)
    kept = [pair.sent(np.full(MIB // 8, float(n))) for n in range(3)]
    assert [array[0] for array in kept] == [0.0, 1.0, 2.0]
    assert pair.one.statistics.fallbacks == 2
    assert pair.used == 1


async def test_a_full_file_system_is_a_fallback_too() -> None:
    pair = Pair(capacity=MIB)
    assert pair.sent(np.ones(MIB)).sum() == MIB
    assert pair.one.statistics.fallbacks == 1
    assert pair.one.statistics.slots == 0


async def test_a_slot_is_not_written_to_while_it_is_read() -> None:
    pair = Pair()
    first = pair.sent(np.full(MIB // 8, 1.0))
    seconds = [pair.sent(np.full(MIB // 8, 2.0)) for _ in range(20)]
    assert (first == 1.0).all()
    assert len(seconds) == 20


async def test_slots_are_used_again_and_not_made_anew() -> None:
    pair = Pair()
    for _ in range(50):
        pair.sent(np.ones(MIB // 8))
        pair.returned()
    assert len(pair.store.names) == 1


async def test_the_death_of_the_reader_frees_its_slots() -> None:
    pair = Pair()
    kept = pair.sent(np.ones(MIB))
    pair.one.peer_gone(("two", 1))
    assert pair.used == 0
    assert kept.sum() == MIB


async def test_the_death_of_the_writer_leaves_the_reader_its_arrays() -> None:
    pair = Pair()
    kept = pair.sent(np.ones(MIB))
    pair.two.peer_gone(("one", 1))
    assert pair.store.names == []
    assert kept.sum() == MIB


async def test_an_array_that_ends_in_another_thread_is_returned() -> None:
    pair = Pair()
    held = [pair.sent(np.ones(MIB))]
    thread = threading.Thread(target=held.clear)
    thread.start()
    async with asyncio.timeout(5.0):
        await pair.woken.wait()
    thread.join()
    pair.returned()
    assert pair.used == 0


async def test_a_small_slot_is_returned_without_waiting_for_a_message() -> None:
    pair = Pair()
    pair.sent(np.ones(10_000))
    async with asyncio.timeout(5.0):
        await pair.woken.wait()


async def test_a_frame_that_is_never_decoded_is_returned() -> None:
    pair = Pair()
    frames: list[Frame] = []
    pack_array(np.ones(MIB), frames)
    borrowed = pair.carried(frames)
    assert pair.used == 1
    del borrowed
    gc.collect()
    pair.returned()
    assert pair.used == 0


# What a peer may send.


async def refusal(pair: Pair, segment: int, offset: int, size: int) -> str:
    """Return why an array in a slot cannot be had."""
    (found,) = pair.back.borrow([SlotRecord(segment, offset, size)], [])
    assert isinstance(found, MissingFrame)
    body = pack_array(np.ones(MIB), [])
    with pytest.raises(CodecError, match="array") as caught:
        unpack_array(body, [found])
    return str(caught.value)


async def test_a_slot_beyond_its_segment_is_refused() -> None:
    pair = Pair()
    pair.sent(np.ones(MIB))
    size = pair.one.statistics.bytes
    for offset, length in ((size, 1), (0, size + 1), (size - 1, 2)):
        assert "slot of" in await refusal(pair, 1, offset, length)


async def test_a_segment_that_is_not_there_is_refused_and_its_slot_returned() -> None:
    pair = Pair()
    assert "segment one.1.77 cannot be read" in await refusal(pair, 77, 0, 100)
    message = returned_by(pair.back)
    assert message is not None
    assert message.slots == [(77, 0)]


@pytest.mark.parametrize("record", [(0, 0, 1), (1, -1, 1), (1, 0, 0), (1, 0, -5)])
async def test_numbers_out_of_range_are_refused(record: tuple[int, int, int]) -> None:
    pair = Pair()
    pair.sent(np.ones(MIB))
    assert await refusal(pair, *record)


async def test_a_slot_larger_than_any_frame_is_refused() -> None:
    with pytest.raises(LimitError):
        check_slot(SlotRecord(1, 0, 1 << 60), 1 << 61)


async def test_what_was_not_lent_cannot_be_returned() -> None:
    pair = Pair()
    kept = pair.sent(np.ones(MIB))
    message = returned_by(pair.back)
    assert message is None
    pair.sent(np.ones(MIB))
    message = returned_by(pair.back)
    assert message is not None
    pair.there.returned(message)
    with pytest.raises(ProtocolError, match="is not lent to two/1"):
        pair.there.returned(message)
    assert pair.used == 1
    assert kept.sum() == MIB


# Sharing.


async def test_a_shared_array_is_copied_once_and_then_referred_to() -> None:
    pair = Pair()
    shared = pair.one.share(np.arange(MIB))
    got = [pair.sent(shared) for _ in range(5)]
    assert pair.used == 1
    assert all(np.array_equal(array, shared) for array in got)
    del got
    pair.returned()
    assert pair.used == 1


async def test_a_shared_array_is_free_when_it_and_all_that_was_sent_of_it_are_gone() -> None:
    pair = Pair()
    shared = pair.one.share(np.arange(MIB))
    got = pair.sent(shared)
    del shared
    assert pair.used == 1
    del got
    pair.returned()
    assert pair.used == 0


async def test_a_part_of_a_shared_array_is_referred_to_where_its_items_are_in_order() -> None:
    pair = Pair()
    shared = pair.one.share(np.arange(MIB).reshape(1024, 1024))
    rows, columns = pair.sent(shared[100:300]), pair.sent(shared[:, 100:300])
    assert pair.used == 2
    assert np.array_equal(rows, shared[100:300])
    assert np.array_equal(columns, shared[:, 100:300])


async def test_a_shared_array_may_be_small_and_cannot_be_written_to() -> None:
    pair = Pair()
    shared = pair.one.share(np.arange(10))
    assert shared.tolist() == list(range(10))
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 5
    assert pair.sent(shared).tolist() == list(range(10))


async def test_a_tensor_can_be_shared() -> None:
    pair = Pair()
    shared = pair.one.share(torch.arange(MIB))
    assert torch.equal(pair.sent(shared), torch.arange(MIB))
    assert pair.used == 1


async def test_sharing_what_is_shared_makes_no_copy() -> None:
    pair = Pair()
    shared = pair.one.share(np.arange(MIB))
    assert pair.one.share(shared) is shared
    assert pair.used == 1


async def test_without_room_sharing_is_an_error() -> None:
    pair = Pair(limit=MIB)
    with pytest.raises(SharedMemoryError, match=r"8388608 bytes cannot be shared: 0 of 1048576"):
        pair.one.share(np.arange(MIB))
    with pytest.raises(CodecError, match="int is no numpy array"):
        pair.one.share(3)
