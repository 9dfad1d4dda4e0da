"""Actors between which much flows, or is held up: order, gates, chains, streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from passel import Actor, ActorRef, CallCycleError, DeadlineError, handler


class Tally(Actor):
    """Checks the order of what each sender sends."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.wrong = 0
        self.octets = 0

    @handler
    async def take(self, sender: int, number: int, payload: bytes) -> None:
        """Take a small message."""
        self._note(sender, number, len(payload))

    @handler
    async def take_array(self, sender: int, number: int, values: np.ndarray) -> None:
        """Take a message whose array has a frame of its own."""
        self._note(sender, number, values.nbytes)

    @handler
    async def result(self) -> tuple[dict[int, int], int, int]:
        """Return the last number by sender, how many were out of order, and all their bytes."""
        return self.seen, self.wrong, self.octets

    def _note(self, sender: int, number: int, size: int) -> None:
        if number != self.seen.get(sender, 0) + 1:
            self.wrong += 1
        self.seen[sender] = number
        self.octets += size


class Shooter(Actor):
    """Sends numbered messages of mixed sizes."""

    def __init__(self, me: int, target: ActorRef[Tally]) -> None:
        self.me = me
        self.target = target

    @handler
    async def fire(self, count: int, every: int) -> int:
        """Send `count` messages; return how many bytes were in them.

        Each `every`th has an array in a frame of its own, and ten times as many have some 3 kB.
        """
        array = np.arange(2048, dtype=np.float64)
        small = [bytes(n) for n in (0, 3, 17, 60)]
        octets = 0
        for number in range(1, count + 1):
            if number % every == 0:
                await self.target.take_array.tell(self.me, number, array)
                octets += array.nbytes
                continue
            payload = bytes(3000) if number % (every // 10) == 0 else small[number & 3]
            await self.target.take.tell(self.me, number, payload)
            octets += len(payload)
        return octets


class Gate(Actor):
    """Holds every message until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()
        self.passed: list[int] = []
        self.cancelled: list[int] = []
        self.stopped = 0

    async def stopping(self) -> None:
        self.stopped += 1

    @handler
    async def through(self, number: int) -> int:
        """Pass once the gate is open."""
        return await self._pass(number)

    @handler(concurrent=True)
    async def beside(self, number: int) -> int:
        """The same, beside the mailbox."""
        return await self._pass(number)

    @handler
    async def stubborn(self, number: int) -> int:
        """The same, but an order to end is answered with a result."""
        try:
            return await self._pass(number)
        except asyncio.CancelledError:
            return -number

    @handler
    async def through_when(self, witness: ActorRef[Witness], what: str) -> int:
        """Pass once a witness has heard `what`."""
        self.reached.set()
        return len(await witness.until(what))

    @handler(concurrent=True)
    async def until_reached(self) -> None:
        """Return once a message waits at the gate."""
        await self.reached.wait()

    @handler(concurrent=True)
    async def open(self) -> None:
        """Open the gate."""
        self.opened.set()

    @handler
    async def log(self) -> tuple[list[int], list[int]]:
        """Return who passed and who was cancelled."""
        return self.passed, self.cancelled

    @handler(concurrent=True)
    async def log_beside(self) -> tuple[list[int], list[int]]:
        """The same, without waiting for the mailbox."""
        return self.passed, self.cancelled

    async def _pass(self, number: int) -> int:
        self.reached.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        self.passed.append(number)
        return number


class Witness(Actor):
    """Is told what happens elsewhere; lets tests wait for it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._changed = asyncio.Event()

    @handler
    async def hear(self, what: str) -> None:
        """Remember."""
        self.heard.append(what)
        self._changed.set()
        self._changed = asyncio.Event()

    @handler(concurrent=True)
    async def until(self, what: str, times: int = 1) -> list[str]:
        """Return everything heard, once `what` is part of it, so many times."""
        while self.heard.count(what) < times:
            await self._changed.wait()
        return list(self.heard)


class Hop(Actor):
    """Hands an ask on to the next one."""

    def __init__(self, onward: ActorRef[Hop] | None, witness: ActorRef[Witness]) -> None:
        self.onward = onward
        self.witness = witness

    @handler
    async def go(self, name: str) -> str:
        """Ask the next one; the last one waits for ever."""
        try:
            if self.onward is not None:
                return await self.onward.go.options(timeout=None)(f"{name}'")
            await self.witness.hear.tell(f"{name} waits")
            await asyncio.Event().wait()
        except (asyncio.CancelledError, DeadlineError):  # whichever comes first at a deadline
            self.witness.hear.tell_nowait(f"{name} cancelled")
            raise
        return "never"

    @handler
    async def time_left(self) -> float:
        """Return how many seconds the last one's call has left; infinity when no deadline."""
        if self.onward is not None:
            return await self.onward.time_left()
        from passel.actors.call import CURRENT_CALL

        call = CURRENT_CALL.get()
        deadline = call.deadline if call is not None else None
        return float("inf") if deadline is None else deadline - self.context.now()

    @handler
    async def spawn_then_time_left(self) -> float:
        """The same, after an actor with a `started` of its own was spawned."""
        child = await self.context.spawn(Quiet)
        await self.context.stop(child)
        return await self.time_left()


class Quiet(Actor):
    """Does nothing, but in `started` and `stopping` too."""

    async def started(self) -> None:
        await asyncio.sleep(0)

    async def stopping(self) -> None:
        await asyncio.sleep(0)

    @handler
    async def source(self) -> str:
        """Return who the node says asks now."""
        from passel.actors.call import CURRENT_CALL

        call = CURRENT_CALL.get()
        return call.source if call is not None else ""


class Visitor(Actor):
    """Holds a reference of which the class is not known to it."""

    @handler
    async def pass_through(self, gate: Any) -> int:
        """Wait at a gate, and open it meanwhile."""
        waiting = asyncio.ensure_future(gate.through(7))
        await gate.until_reached()
        await gate.open()
        number: int = await waiting
        return number

    @handler
    async def visit(self, gate: Any, me: ActorRef[Visitor]) -> list[int]:
        """Be asked back, by a handler that runs beside, while this one waits."""
        return await me.look_around.options(timeout=5.0)(self.context.ref, gate)

    @handler(concurrent=True)
    async def look_around(self, other: Any, gate: Any) -> list[int]:
        """Ask the one that waits, through what it handed on."""
        await other.hello()
        return list((await gate.log_beside())[0])

    @handler(concurrent=True)
    async def hello(self) -> str:
        """Return a greeting."""
        return "hello"


class Friend(Actor):
    """Asks, and tells, another one of its kind."""

    def __init__(self) -> None:
        self.other: ActorRef[Friend] | None = None
        self.failed: list[str] = []
        self.has_failed = asyncio.Event()

    @handler
    async def meet(self, other: ActorRef[Friend]) -> None:
        """Remember the other one."""
        self.other = other

    @handler
    async def ask_back(self) -> str:
        """Ask the other, which asks back."""
        assert self.other is not None
        try:
            return await self.other.ask_back()
        except CallCycleError as error:
            return f"cycle of {len(error.chain)}"

    @handler
    async def ask_unguarded(self) -> str:
        """The same, without catching the error."""
        assert self.other is not None
        return await self.other.ask_unguarded()

    @handler
    async def echo(self) -> str:
        """Return a word."""
        return "echo"

    @handler
    async def ask_echo(self, timeout: float) -> str:
        """Ask the other for a word."""
        assert self.other is not None
        return await self.other.echo.options(timeout=timeout)()

    @handler
    async def flood(self, count: int, timeout: float) -> None:
        """Tell the other `count` times, without end if it does the same."""
        assert self.other is not None
        try:
            for _ in range(count):
                await self.other.flood.options(timeout=timeout).tell(count, timeout)
        except DeadlineError as error:
            self.failed.append(error.waiting_for)
            self.has_failed.set()

    @handler(concurrent=True)
    async def until_failed(self) -> list[str]:
        """Return the errors of `flood`, once there is one."""
        await self.has_failed.wait()
        return self.failed


class Source(Actor):
    """Streams."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = asyncio.Event()

    @handler
    async def count(self, n: int) -> AsyncIterator[int]:
        """Yield 0 to n - 1."""
        try:
            for number in range(n):
                self.made = number + 1
                yield number
        finally:
            self.closed.set()

    @handler
    async def forever(self) -> AsyncIterator[int]:
        """Yield one number, then nothing for ever."""
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.closed.set()

    @handler
    async def break_after(self, n: int) -> AsyncIterator[int]:
        """Yield n numbers, then fail."""
        for number in range(n):
            yield number
        raise ValueError("dried up")

    @handler
    async def mixed(self) -> AsyncIterator[int]:
        """Yield something that is no number."""
        try:
            yield 1
            for _ in range(100):
                yield "two"  # type: ignore[misc]
        finally:
            self.closed.set()

    @handler
    async def arrays(self, n: int) -> AsyncIterator[np.ndarray]:
        """Yield arrays that travel in frames of their own."""
        for number in range(n):
            yield np.full(4096, number, dtype=np.float64)

    @handler(concurrent=True)
    async def until_closed(self) -> int:
        """Return how many were made, once the producer has ended."""
        await self.closed.wait()
        return self.made

    @handler(concurrent=True)
    async def how_many(self) -> int:
        """Return how many were made so far."""
        return self.made
