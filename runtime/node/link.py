"""One node's side of the connection to another: what leaves, what waits for an answer.

All that is said to a peer within one turn of the event loop leaves as one multipart message. It
arrives once and in order, whatever the transport does: see `reliability`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from ...protocols.arrays import MissingFrame
from ...protocols.batch import frames_of, pack_batch
from ...protocols.cards import CardBytes
from ...protocols.envelope import (
    Ask,
    Closed,
    Credit,
    Failure,
    Goodbye,
    Hello,
    Item,
    Open,
    Reply,
    Request,
    Taken,
    Tell,
)
from ...protocols.errors import CodecError, NodeDeadError
from ...protocols.failure import refusal
from ...protocols.limits import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_FRAMES
from ...protocols.log import log
from ...protocols.slots import LOST_SLOT, SlotRecord
from ..delivery.reliability import ACKNOWLEDGE_EVERY, TICK, GoBackN, Resend
from ..memory import Copies
from ..memory.lane import CARD_FAILED
from .sending import ASK, OPEN, TELL
from .target import RemoteTarget

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ...protocols.address import Address
    from ...protocols.arrays import Buffer, Frame
    from ...protocols.codec import Codec
    from ...protocols.envelope import AnyMessage, Frames, Mark
    from ...protocols.errors import DeadActorError, PasselError
    from ..delivery.reliability import Effect
    from ..memory import Lane, NodeCards
    from ..transport.seam import Outlet
    from .cell import Cell
    from .inbound import Inbound
    from .sending import Sending

_FLUSH_BYTES = 4 << 20
_NO_LANE = "its bytes are in shared memory, and none was agreed with their sender"

_UNACKNOWLEDGED_BYTES = 16 << 20


class Link:
    """The connection to one life of one node.

    Attributes:
        node: The peer's name.
        life: Which life of it.
        pending: Our requests that wait for the peer's answer, by id.
        serving: The peer's requests that wait for ours, by id.
        flow: The order of multiparts in both directions, and what is not acknowledged.
        dead: Why the link is of no use any more, or None.
        lane: The way of large arrays, when both nodes share memory.
    """

    raw = msgspec.Raw

    def __init__(
        self,
        node: str,
        life: int,
        *,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        codec: Codec,
        lose: Callable[[Sending, str], None],
        on_gone: Callable[[Link, int], None],
        cards: NodeCards | None = None,
    ) -> None:
        self.node = node
        self.life = life
        self.codec = codec
        self.now = now
        self.pending: dict[int, Sending] = {}
        self.serving: dict[int, Inbound] = {}
        self.targets: dict[tuple[str, int], RemoteTarget] = {}
        self.flow = GoBackN()
        self.dead: DeadActorError | None = None
        self.lose = lose
        self._on_gone = on_gone
        self.lane: Lane | None = None
        self.sent = 0
        self.received = 0
        self._loop = loop
        self._cards = cards
        self._copies = Copies(loop, self.flush)
        self._outlet: Outlet | None = None
        self._hello: Hello | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticking = False
        self._owed_bytes = 0
        self._outbox: list[AnyMessage] = []
        self._frames: list[Buffer] = []
        self._bytes = 0
        self._scheduled = False
        self._next_id = 0
        self._taken: dict[Cell, int] = {}
        self._taken_beside: dict[Cell, int] = {}

    @property
    def connected(self) -> bool:
        """Whether there is somewhere to send to; until then messages wait in the outbox."""
        return self._outlet is not None

    def connect(self, outlet: Outlet, hello: Hello) -> None:
        """Use `outlet` from now on; the Hello goes first."""
        self._outlet = outlet
        self._hello = hello
        self._ship(outlet, [hello], [])  # alone: nobody reads much of a peer that is not known yet
        if self._outbox:
            self._schedule()

    def target(self, address: Address) -> RemoteTarget:
        """Return the one target for an actor of this peer."""
        key = (address.actor, address.incarnation)
        found = self.targets.get(key)
        if found is None:
            found = self.targets[key] = RemoteTarget(address, self)
            if self.dead is not None:
                found.closed = True
        return found

    def request(self, target: RemoteTarget, sending: Sending) -> None:
        """Encode and send a request for which a place was taken.

        Raises:
            CodecError: Its arguments cannot travel.
            NodeDeadError: The peer is dead.
        """
        if self.dead is not None:
            raise self.dead
        try:
            body, frames = self.encode(sending.arguments)
        except CodecError as error:
            what = f"arguments of {target.key}.{sending.spec.name}"
            raise CodecError(what, error.detail) from None
        self._next_id = sending.id = self._next_id + 1
        sending.transmitted = True
        if sending.kind != TELL or sending.key:
            self.pending[sending.id] = sending
        else:
            target.told += 1
        now = self.now()
        left = -1.0 if sending.deadline is None else max(0.0, sending.deadline - now)
        address = target.address
        fields = (
            sending.id, sending.source, address.actor, address.incarnation, sending.spec.name, left,
            target.next_sequence(), now, sending.chain, sending.trace, sending.key,
            sending.spec.concurrent, len(frames), msgspec.Raw(body),
        )  # fmt: skip
        if sending.kind == ASK:
            self.send(Ask(*fields), frames, len(body))
            if len(self.pending) == 1:
                self.flush()  # nothing else is under way: there is no batch to wait for
        elif sending.kind == OPEN:
            assert sending.consumer is not None, "a stream has a consumer"
            self.send(Open(*fields, sending.consumer.prefetch), frames, len(body))
        else:
            self.send(Tell(*fields), frames, len(body))

    def encode(self, value: Any) -> tuple[bytes, Sequence[Frame]]:
        """Return the body of a value and its frames, to be handed to `send` at once.

        CUDA tensors stay on their cards until then: nothing waits for a card here.

        Raises:
            CodecError: Some part of the value has a type that cannot travel.
            LimitError: It is too large.
        """
        if self._cards is None:
            return self.codec.encode(value)
        return self.codec.encode_in_place(value)

    def send(self, message: AnyMessage, frames: Sequence[Frame] = (), size: int = 0) -> None:
        """Send a message, whose body has `size` bytes, at the end of this turn of the loop.

        A message with a tensor that a card has yet to copy keeps its place, and those behind it
        theirs, until the copy is done.
        """
        outbox = self._outbox
        outbox.append(message)
        if frames:
            if self.lane is not None:
                message, frames = self.lane.lend(message, frames, self._copies)
            for frame in frames:
                if isinstance(frame, CardBytes):
                    self._fetch(message, frame)
                else:
                    self._frames.append(frame)
        self._bytes += size
        if self._bytes > _FLUSH_BYTES or len(outbox) >= MAX_BATCH_MESSAGES:
            self.flush()
        elif not self._scheduled:
            self._schedule()

    def flush(self) -> None:
        """Hand everything in the outbox to the transport as one multipart."""
        self._scheduled = False
        if self._outlet is None:
            return
        if self.lane is not None and self._outbox:
            self._outbox.extend(self.lane.news())
        messages, frames = self._leaving()
        if messages:
            self.sent += len(messages)
            self._ship(self._outlet, messages, frames)
        elif self.flow.owed:
            self._send_mark(self._outlet)

    def _leaving(self) -> tuple[list[AnyMessage], list[Buffer]]:
        """Take what may leave out of the outbox: all before the first that waits for a copy."""
        held = self._copies.held() if self._copies else None
        messages, frames = self._outbox, self._frames
        if held is None:
            self._outbox, self._frames = [], []
            self._bytes = 0
            return messages, frames
        count = next(index for index, message in enumerate(messages) if message is held)
        share = sum(frames_of(message) for message in messages[:count])
        self._outbox, self._frames = messages[count:], frames[share:]
        return messages[:count], frames[:share]

    def _fetch(self, message: AnyMessage, frame: CardBytes) -> None:
        """Let a card copy a tensor to this process's memory; the message waits for that."""
        assert self._cards is not None, "else it would have been copied when it was encoded"
        buffer: Buffer
        try:
            buffer, work = self._cards.fetch(frame)
        except RuntimeError as error:
            log.error("a card failed before a tensor was copied", error=str(error))
            buffer = bytearray()  # takes its place until the message says that it is lost
            self._frames.append(buffer)
            self._lost(message, buffer)
            return
        self._frames.append(buffer)
        failed = partial(self._lost, message, buffer)
        self._copies.add(message, work, done=_nothing, failed=failed)

    def _lost(self, message: AnyMessage, buffer: Buffer) -> None:
        """A card failed before a tensor was copied: the message says so instead."""
        assert isinstance(message, Request | Reply | Item), "the others have no arrays"
        before = self._outbox[: next(i for i, m in enumerate(self._outbox) if m is message)]
        place = next(index for index, frame in enumerate(self._frames) if frame is buffer)
        del self._frames[place]
        wanted: list[SlotRecord | None] = (
            [None] * message.frames if isinstance(message.frames, int) else message.frames
        )
        own = [index for index, slot in enumerate(wanted) if slot is None]
        wanted[own[place - sum(frames_of(each) for each in before)]] = LOST_SLOT
        message.frames = wanted

    def _ship(self, outlet: Outlet, messages: list[AnyMessage], frames: list[Buffer]) -> None:
        """Send messages as one multipart, or as several when one would be beyond the limits."""
        batch = pack_batch([self.flow.mark(), *messages])
        count = len(messages)
        if count == 1 or (
            count < MAX_BATCH_MESSAGES
            and len(batch) <= MAX_BATCH_BYTES
            and len(frames) <= MAX_FRAMES
        ):
            parts: list[Buffer] = [batch, *frames]
            self.flow.keep(parts)
            self._owed_bytes = 0
            outlet.send(parts)
            if self._timer is None:
                self._wait(TICK)
            return
        first, rest = messages[: count // 2], messages[count // 2 :]
        share = sum(frames_of(message) for message in first)
        self._ship(outlet, first, frames[:share])
        self._ship(outlet, rest, frames[share:])

    # What keeps multiparts in order, and sends them again when they were lost.

    def arrived(self, mark: Mark, frames: Sequence[Buffer]) -> bool:
        """Take note of a multipart of the peer; return whether its messages are to be handed on."""
        flow = self.flow
        if not flow.accept(mark):
            return False
        if mark.number == 0:
            self._carry_out(flow.answer(mark))
            return True
        for frame in frames:
            self._owed_bytes += memoryview(frame).nbytes
        if not self._ticking:
            self._wait(TICK)
        if flow.owed >= ACKNOWLEDGE_EVERY or self._owed_bytes > _UNACKNOWLEDGED_BYTES:
            self._schedule()
        return True

    def _tick(self) -> None:
        self._timer = None
        if self._taken or self._taken_beside:
            self._give_back()
        now = self.now()
        self._carry_out(self.flow.tick(now))
        pause = self.flow.pause(now)
        self._ticking = False
        if pause is not None:
            self._wait(pause)

    def _wait(self, seconds: float) -> None:
        """Look after what is unacknowledged in a while; an idle link has no timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._ticking = seconds <= TICK
        if self._outlet is not None:
            self._timer = self._loop.call_later(seconds, self._tick)

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        outlet = self._outlet
        if outlet is None:
            return
        for effect in effects:
            if isinstance(effect, Resend):
                for parts in effect.multiparts:
                    outlet.send(parts)
            else:
                self._send_mark(outlet, wanted=effect.wanted)

    def question(self) -> None:
        """Ask the peer's node what it has received; it answers by itself, at once."""
        if self._outlet is not None:
            self._send_mark(self._outlet, wanted=True)

    def _send_mark(self, outlet: Outlet, *, wanted: bool = False) -> None:
        """Say what has been received; introduce this node again if the peer may not know it yet."""
        batch: list[AnyMessage] = [self.flow.lone_mark(wanted=wanted)]
        if wanted and self._hello is not None and self.flow.acknowledged == 0:
            batch.append(self._hello)
        self._owed_bytes = 0
        outlet.send([pack_batch(batch)])

    # Slots of shared memory.

    def wake(self) -> None:
        """Send what the lane has to say, without waiting for a message to go with it."""
        if self.lane is not None:
            for message in self.lane.news():
                self.send(message)

    def buffers(self, wanted: Frames, frames: Sequence[Buffer]) -> Sequence[Frame]:
        """Return where the bytes of a message's arrays are: in its frames, or in slots."""
        if isinstance(wanted, int):
            return frames
        if self.lane is not None:
            return self.lane.borrow(wanted, frames)
        own = iter(frames)
        return [next(own) if slot is None else _missing(slot) for slot in wanted]

    def consumed(self, cell: Cell, *, beside: bool) -> None:
        """One of the peer's requests gave up its place; give places back, many at a time."""
        taken = self._taken_beside if beside else self._taken
        count = taken.get(cell, 0) + 1
        if count * 2 >= cell.address.window:
            taken.pop(cell, None)
            if not cell.closed:
                self.send(Credit(cell.address.actor, cell.address.incarnation, count, beside))
        else:
            taken[cell] = count
            if not self._ticking:
                self._wait(TICK)

    def _give_back(self) -> None:
        """Give back the places that are left: else what was handled long ago counts as waiting."""
        for taken, beside in ((self._taken, False), (self._taken_beside, True)):
            for cell, count in taken.items():
                self.send(Credit(cell.address.actor, cell.address.incarnation, count, beside))
            taken.clear()

    def taken(self, cell: Cell, *, beside: bool) -> int:
        """Return how many places of the peer at an actor of ours are still to be given back."""
        return (self._taken_beside if beside else self._taken).get(cell, 0)

    def answer(
        self, message: Reply | Failure | Taken, frames: Sequence[Frame] = (), size: int = 0
    ) -> None:
        """Send an answer; at once when the peer waits for no other, so that it need not wait."""
        self.send(message, frames, size)
        if not self.serving:
            self.flush()

    def reject(self, request: int, error: PasselError) -> None:
        """Answer a request of the peer with the runtime's own refusal."""
        body, _ = self.codec.encode(refusal(error))
        self.answer(Failure(request, self.now(), msgspec.Raw(body)))

    def forget(self, cell: Cell, reason: str) -> None:
        """Tell the peer that an actor of ours, which it wrote to, is gone."""
        self._taken.pop(cell, None)
        self._taken_beside.pop(cell, None)
        self.send(Closed(cell.address.actor, cell.address.incarnation, reason))

    def fail(self, error: DeadActorError) -> None:
        """The peer is dead: every request that waits for it ends with `error`."""
        if self.dead is not None:
            return
        told = sum(target.told for target in self.targets.values())
        if told and isinstance(error, NodeDeadError):
            error = error.losing(told)
        self.dead = error
        if self.lane is not None:
            self.lane.close()
            self.lane = None
        pending, self.pending = self.pending, {}
        for sending in pending.values():
            sending.refuse(error.about(sending.target.address))
        for target in self.targets.values():
            target.close(error.about(target.address))
        serving, self.serving = self.serving, {}
        for inbound in serving.values():
            inbound.cell.cancel(inbound)
        self.close()
        self.flow.forget()
        self._taken.clear()
        self._taken_beside.clear()
        self._on_gone(self, told)

    def close(self, goodbye: Goodbye | None = None) -> None:
        """Send what is left and let go of the transport."""
        if goodbye is not None and self._outlet is not None:
            self.send(goodbye)
        if self.dead is None:
            self._copies.wait()
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._outlet is not None:
            self._outlet.close()
            self._outlet = None

    def _schedule(self) -> None:
        if self._outlet is not None and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)


def _missing(slot: SlotRecord) -> MissingFrame:
    return MissingFrame(CARD_FAILED if slot == LOST_SLOT else _NO_LANE)


def _nothing() -> None:
    """What is to be done about a frame when it is there: it goes with its message."""
