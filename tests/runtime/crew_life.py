"""Actors that fail, block, leave or will not start."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

from passel import Actor, ActorRef, handler
from tests.runtime.crew_flow import Witness  # noqa: TC001  # hints are read at run time


class Failing(Actor):
    """Fails with the words it is given, which may be ones that cannot be encoded."""

    @handler
    async def fail(self, code: int, times: int = 1) -> None:
        """Raise an error that names one character, so many times over."""
        raise ValueError(chr(code) * times)


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


class Blocking(Actor):
    """Holds up its process, or its own thread."""

    @handler
    async def hold(self, seconds: float) -> str:
        """Block the whole node."""
        time.sleep(seconds)  # noqa: ASYNC251  # that is the point
        return "held"

    @handler
    async def hold_interpreter(self, seconds: float) -> float:
        """Compute without letting go of the interpreter; return for how many seconds."""
        start = time.monotonic()
        while (took := time.monotonic() - start) < seconds:
            sum(range(5_000_000))
        return took

    @handler
    async def hold_thread(self, gate: str) -> str:
        """Block this actor's thread until the file `gate` exists."""

        def wait() -> str:
            while not os.path.exists(gate):
                time.sleep(0.005)
            return threading.current_thread().name

        return await self.context.run_blocking(wait)


class Abreast(Actor):
    """Has two threads."""

    async def started(self) -> None:
        self.both = self.context.threads(2)

    @handler
    async def meet(self, count: int) -> int:
        """Return how many of `count` blocking calls met each other, two at a time."""
        barrier = threading.Barrier(2)
        async with asyncio.TaskGroup() as group:
            calls = [
                group.create_task(self.both.run(lambda: barrier.wait(timeout=10.0)))
                for _ in range(count)
            ]
        return len([call.result() for call in calls])


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
