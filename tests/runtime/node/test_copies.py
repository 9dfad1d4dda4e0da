"""What leaves a link while cards copy tensors that some of its messages hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from passel.actors.ref import Reference
from passel.protocols.address import Address
from passel.protocols.arrays import MissingFrame
from passel.protocols.batch import deal_frames, unpack_batch
from passel.protocols.codec import Codec
from passel.protocols.envelope import Credit, Hello, Item, Mark, Reply
from passel.protocols.limits import PROTOCOL_VERSION
from passel.runtime.memory import NodeCards
from passel.runtime.node.link import Link
from tests.runtime.memory.heap_cards import HeapCards, Rack

if TYPE_CHECKING:
    from passel.protocols.arrays import Buffer
    from passel.protocols.envelope import AnyMessage


class Outlet:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[AnyMessage, list[bytes]]] = []
        self.closed = False
        self.more = asyncio.Event()

    def send(self, parts: list[Buffer]) -> None:
        """Keep each message of a multipart with its own frames."""
        messages = unpack_batch(parts[0])
        dealt = deal_frames(messages, parts[1:]) or [()] * len(messages)
        for message, frames in zip(messages, dealt, strict=True):
            if not isinstance(message, Mark | Hello):
                self.sent.append((message, [bytes(frame) for frame in frames]))
        self.more.set()

    def close(self) -> None:
        """There is nothing to close."""
        self.closed = True

    @property
    def ids(self) -> list[int]:
        """Ids of the answers and items that were sent, in order."""
        return [message.id for message, _ in self.sent if isinstance(message, Reply | Item)]


class Sending:
    """A link that is connected, without a lane, and the cards of its node."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.rack = Rack()
        self.rack.lazy = True
        self.driver = HeapCards(self.rack, "a")
        cards = NodeCards(self.driver, ("near", 1), loop=loop, now=loop.time)
        codec = Codec(Reference, lambda _: Address("", "", 0), lambda kind, address: kind(address))
        self.outlet = Outlet()
        self.link = Link(
            "far",
            1,
            loop=loop,
            now=loop.time,
            codec=codec,
            lose=lambda _sending, _reason: None,
            on_gone=lambda _link, _told: None,
            cards=cards,
        )
        self.link.connect(self.outlet, Hello("near", 1, "", PROTOCOL_VERSION, {}, ""))

    def send(self, id_: int, *values: Any) -> None:
        """Send a reply with tensors on a card."""
        frames = [
            self.driver.bytes_on(value) if value.dtype == np.float64 else value.tobytes()
            for value in values
        ]
        self.link.send(Reply(id_, 0.0, len(frames), msgspec.Raw(b"\xc0")), frames)

    async def turn(self) -> None:
        """Let what is due at the end of this turn of the loop happen."""
        for _ in range(3):
            await asyncio.sleep(0)

    async def sent(self, *ids: int) -> None:
        """Return once these answers have left; a link looks after its copies in its own time."""
        while len(self.outlet.ids) < len(ids):
            self.outlet.more.clear()
            await self.outlet.more.wait()
        assert self.outlet.ids == list(ids)


async def test_messages_behind_a_copy_wait_and_those_before_it_leave() -> None:
    near = Sending()
    near.link.send(Reply(1, 0.0, 0, msgspec.Raw(b"\xc0")))
    near.send(2, np.arange(3.0))
    near.send(3, np.arange(4, dtype=np.uint8))
    near.link.send(Credit("counter", 1, 5))
    await near.turn()
    assert near.outlet.ids == [1]
    near.send(4, np.arange(5.0), np.arange(6.0))
    near.rack.run()
    await near.sent(1, 2, 3, 4)
    frames = [frames for _, frames in near.outlet.sent if frames]
    assert frames == [
        [np.arange(3.0).tobytes()],
        [bytes(range(4))],
        [np.arange(5.0).tobytes(), np.arange(6.0).tobytes()],
    ]
    near.link.close()


async def test_a_copy_that_is_still_under_way_holds_only_what_comes_after_it() -> None:
    near = Sending()
    near.send(1, np.arange(3.0))
    near.rack.run()
    near.send(2, np.arange(4.0))
    await near.sent(1)
    await near.turn()
    assert near.outlet.ids == [1]
    near.rack.run()
    await near.sent(1, 2)
    near.link.close()


async def test_a_link_that_closes_waits_for_its_copies() -> None:
    near = Sending()
    near.send(1, np.arange(3.0))
    near.link.close()
    assert near.outlet.ids == [1]
    assert near.outlet.closed


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_when_a_card_fails_its_array_alone_is_lost(place: int) -> None:
    near = Sending()
    near.send(1, np.arange(2, dtype=np.uint8))
    values: list[Any] = [np.arange(index, dtype=np.uint8) for index in (3, 4, 5)]
    values[place] = np.arange(6.0)
    near.send(2, *values)
    near.rack.fail()
    await near.sent(1, 2)
    (first, _), (message, frames) = near.outlet.sent
    assert isinstance(first, Reply)
    assert isinstance(message, Reply)
    assert len(frames) == 2
    arrays = near.link.buffers(message.frames, frames)
    for index, (array, value) in enumerate(zip(arrays, values, strict=True)):
        if index == place:
            assert isinstance(array, MissingFrame)
            assert "card failed" in array.reason
        else:
            assert bytes(array) == value.tobytes()
    near.link.close()


async def test_a_card_that_has_failed_before_costs_its_arrays_alone() -> None:
    near = Sending()
    near.send(1, np.arange(2, dtype=np.uint8))
    near.rack.broken = True
    near.send(2, np.arange(6.0), np.arange(3, dtype=np.uint8), np.arange(7.0))
    near.send(3, np.arange(4, dtype=np.uint8))
    await near.sent(1, 2, 3)
    (_, first), (message, frames), (_, last) = near.outlet.sent
    assert (first, last) == ([bytes(range(2))], [bytes(range(4))])
    assert isinstance(message, Reply)
    lost, kept, lost_too = near.link.buffers(message.frames, frames)
    assert isinstance(lost, MissingFrame)
    assert isinstance(lost_too, MissingFrame)
    assert bytes(kept) == bytes(range(3))
    near.link.close()
