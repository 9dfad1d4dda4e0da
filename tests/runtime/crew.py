"""Actors that the runtime's tests spawn, here and in child processes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from passel import Actor, ActorRef, CallCycleError, DeadlineError, handler


@dataclass
class Point:
    """A structured argument."""

    x: int
    y: int = 0


class OddError(ValueError):
    """An error that a handler declares; carries data of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} is odd")
        self.number = number


class Counter(Actor):
    """Counts, and fails in many ways."""

    def __init__(self, *, start: int = 0) -> None:
        self.value = start

    @handler
    async def add(self, n: int, *, times: int = 1) -> int:
        """Add `n`, return the sum."""
        self.value += n * times
        return self.value

    @handler
    async def move(self, point: Point, by: list[Point]) -> Point:
        """Return the sum of points."""
        return Point(point.x + sum(p.x for p in by), point.y + sum(p.y for p in by))

    @handler
    async def divide(self, by: int) -> float:
        """Fail for 0, with an error that is not declared."""
        return self.value / by

    @handler(raises=(OddError, KeyError))
    async def halve(self, n: int) -> int:
        """Fail for odd numbers, with an error that is declared."""
        if n < 0:
            raise KeyError("negative")
        if n % 2:
            raise OddError(n)
        return n // 2

    @handler
    async def swallow_tongue(self) -> None:
        """Fail with texts and numbers that no encoding takes."""
        error = ValueError("\udcff in a name")
        error.size = 2**70  # type: ignore[attr-defined]
        raise error

    @handler(raises=(ValueError,))
    async def swallow_tongue_openly(self) -> None:
        """The same, declared."""
        error = ValueError("\udcff in a name", 2**70)
        error.size = 2**70  # type: ignore[attr-defined]
        raise error

    @handler
    async def give(self, kind: str) -> Any:
        """Return a value that cannot travel."""
        if kind == "lock":
            return threading.Lock()
        if kind == "meta":
            import torch

            return torch.empty(3, device="meta")
        return {kind}

    @handler
    async def take_back(self) -> str:
        """Await a task that was cancelled: the error is the handler's own."""
        task = asyncio.ensure_future(asyncio.sleep(60.0))
        await asyncio.sleep(0)
        task.cancel()
        await task
        return "never"

    @handler
    async def pid(self) -> int:
        """Return the process the actor lives in."""
        return os.getpid()

    @handler
    async def edges(self) -> dict[str, tuple[int, int, bool]]:
        """Return by source: messages counted, the last one's number, whether its times fit."""
        cell = self.context._cell  # type: ignore[attr-defined]
        now = self.context.now() + 0.05
        return {
            source: (edge.count, edge.sequence, 0.0 < edge.sent < edge.arrived + 0.05 < now + 0.05)
            for source, edge in (cell.edges or {}).items()
        }


class Picky(Actor):
    """Takes an argument whose own check fails in an unusual way."""

    @handler
    async def take(self, even: Even) -> int:
        """Return the number."""
        return even.number


@dataclass
class Even:
    """A number that must be even; its check raises what decoders do not expect."""

    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise RuntimeError("odd")


class Arrays(Actor):
    """Takes and gives arrays, hinted or not."""

    @handler
    async def double(self, values: np.ndarray) -> np.ndarray:
        """Return twice the values."""
        doubled: np.ndarray = values * 2
        return doubled

    @handler
    async def anything(self, value: Any) -> Any:
        """Return the value."""
        return value

    @handler
    async def count(self, values: list[Any]) -> int:
        """Return how many there are."""
        return len(values)


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
    async def fire(self, count: int) -> int:
        """Send `count` messages; return how many bytes were in them."""
        array = np.arange(2048, dtype=np.float64)
        small = [bytes(n) for n in (0, 3, 17, 60)]
        octets = 0
        for number in range(1, count + 1):
            if number % 1000 == 0:
                await self.target.take_array.tell(self.me, number, array)
                octets += array.nbytes
                continue
            payload = bytes(3000) if number % 100 == 0 else small[number & 3]
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
    async def until(self, what: str) -> list[str]:
        """Return everything heard, once `what` is part of it."""
        while what not in self.heard:
            await self._changed.wait()
        return self.heard


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


class Fragile(Actor):
    """Fails when told to, and says so to a witness."""

    def __init__(self, witness: ActorRef[Witness], *, fail_starts: int = 0) -> None:
        self.witness = witness
        self.told = 0
        self.fail_starts = fail_starts

    async def started(self) -> None:
        await self.witness.hear.tell("started")

    async def stopping(self) -> None:
        self.witness.hear.tell_nowait("stopping")

    @handler
    async def tell_me(self, number: int) -> None:
        """Count; fail for negative numbers."""
        if number < 0:
            raise ValueError(f"cannot take {number}")
        self.told += 1
        await self.witness.hear.tell(f"told {number}")

    @handler
    async def count(self) -> int:
        """Return how often it was told since it started."""
        return self.told

    @handler
    async def fail_in_background(self) -> None:
        """Start background work that fails."""
        self.context.start(self._fail())

    @handler
    async def work_in_background(self) -> None:
        """Start background work that ends when the actor does."""
        self.context.start(self._work())

    @handler
    async def block(self) -> str:
        """Use the actor's own thread."""
        return await self.context.run_blocking(lambda: threading.current_thread().name)

    async def _fail(self) -> None:
        raise OSError("the background broke")

    async def _work(self) -> None:
        try:
            await self.witness.hear.tell("working")
            await asyncio.Event().wait()
        finally:
            self.witness.hear.tell_nowait("work ended")


class Blocking(Actor):
    """Holds up its process, or its own thread."""

    @handler
    async def hold(self, seconds: float) -> str:
        """Block the whole node."""
        time.sleep(seconds)  # noqa: ASYNC251  # that is the point
        return "held"

    @handler
    async def hold_thread(self, gate: str) -> str:
        """Block this actor's thread until the file `gate` exists."""

        def wait() -> str:
            while not os.path.exists(gate):
                time.sleep(0.005)
            return threading.current_thread().name

        return await self.context.run_blocking(wait)


class Unwilling(Actor):
    """Cannot be started."""

    def __init__(self, *, where: str) -> None:
        if where == "constructor":
            raise RuntimeError("no constructor today")
        self.where = where

    async def started(self) -> None:
        self.context.start(self._idle())
        if self.where == "started":
            raise RuntimeError("no start today")
        await asyncio.Event().wait()

    async def _idle(self) -> None:
        await asyncio.Event().wait()


class Leaver(Actor):
    """Stops itself, or ends its process."""

    @handler
    async def leave(self, last_words: str) -> str:
        """Stop this actor from its own handler, then answer."""
        await self.context.stop(self.context.ref)
        return last_words

    @handler
    async def nothing(self) -> None:
        """Do nothing."""

    @handler
    async def exit_process(self, code: int, words: str) -> None:
        """End the process after writing to standard error."""
        sys.stderr.write(words + "\n")
        sys.stderr.flush()
        os._exit(code)

    @handler
    async def wait(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


class Parent(Actor):
    """Spawns, watches and asks others."""

    def __init__(self) -> None:
        self.watching = asyncio.Event()

    @handler
    async def ask(self, counter: ActorRef[Counter], n: int) -> int:
        """Ask through a reference that came as an argument."""
        return await counter.add(n)

    @handler
    async def ask_untyped(self, counter: Any, n: int) -> int:
        """Ask through a reference of which the class is not known here."""
        found: int = await counter.add(n)
        return found

    @handler
    async def spawn(self, start: int) -> ActorRef[Counter]:
        """Spawn an actor on this node and hand it out."""
        return await self.context.spawn(Counter, start=start)

    @handler
    async def spawn_named(self, name: str, node: str) -> ActorRef[Counter]:
        """Spawn a named actor on another node."""
        return await self.context.options(name=name, node=node).spawn(Counter)

    @handler
    async def watch(self, ref: ActorRef[Counter]) -> str:
        """Return why it ended."""
        self.watching.set()
        return (await self.context.watch(ref)).reason

    @handler(concurrent=True)
    async def until_watching(self) -> None:
        """Return once `watch` has begun."""
        await self.watching.wait()

    @handler
    async def find(self, name: str) -> ActorRef[Counter]:
        """Look an actor up by name."""
        return await self.context.lookup(name, Counter)


class Breaking(Actor):
    """Starts once; then every start fails."""

    def __init__(self, witness: ActorRef[Witness], *, early: bool = False) -> None:
        self.witness = witness
        self.early = early

    async def started(self) -> None:
        await self.witness.hear.tell("made")
        lives = (await self.witness.until("made")).count("made")
        if self.early:
            self.context.start(self._break())
            await asyncio.sleep(0.02)
        elif lives > 1:
            raise RuntimeError("once is enough")

    @handler
    async def fall(self) -> None:
        """Fail."""
        raise RuntimeError("fallen")

    async def _break(self) -> None:
        raise RuntimeError("too early")


class Dice(Actor):
    """Draws from its own randomness."""

    @handler
    async def roll(self, times: int) -> list[int]:
        """Return some draws."""
        return [self.context.random.randrange(1_000_000) for _ in range(times)]
