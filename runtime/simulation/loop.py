"""An event loop on virtual time: it never waits, and the same calls always run in the same order.

Every callback belongs to the simulated process in whose context it was made. What belongs to a dead
process never runs; what belongs to a paused one waits until that goes on.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
from collections import deque
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, cast

from .errors import SimulationError
from .guard import GUARD

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from .process import SimulatedProcess

PROCESS: Final[ContextVar[SimulatedProcess | None]] = ContextVar("process", default=None)
"""The simulated process that a callback belongs to; None for the simulator's own."""

KERNEL: Final = Context()
"""The context of what the simulator itself does."""

STEP_SECONDS: Final = 1e-6
"""Virtual seconds that each callback takes, so that whoever polls does not hold time up for ever."""

MAX_STEPS: Final = 2_000_000
"""Callbacks that a run may take, unless it says otherwise."""


class Handle:
    """A callback that is due, now or at a time; a timer may go by the clock of a process."""

    __slots__ = ("args", "callback", "clock", "context", "done", "due")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context,
        due: float,
        clock: SimulatedProcess | None = None,
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.due = due
        self.clock = clock
        self.done = False

    def cancel(self) -> None:
        """Do not run it."""
        self.done = True

    def cancelled(self) -> bool:
        """Return whether it will not run."""
        return self.done

    def when(self) -> float:
        """Return the loop time at which it is due."""
        return self.due


class SimulatedTask(asyncio.Task[Any]):
    """A task whose hash is its number in its loop: sets of tasks have the same order in every run."""

    def __new__(cls, *_args: Any, loop: SimulatedLoop, **_options: Any) -> Self:
        """Number it before anything asks for its hash."""
        task = super().__new__(cls)
        task._number = next(loop.numbers)
        return task

    _number: int
    process: SimulatedProcess | None

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in order, and lets time pass only when there is none.

    Attributes:
        now: Virtual seconds since the start, as `time` returns them.
        steps: Callbacks run so far.
        most_steps: Callbacks after which a run counts as one that does not end.
        numbers: What the next tasks are numbered with.
        unhandled: Called with what nobody handled: a text and an error or None.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.most_steps = MAX_STEPS
        self.numbers = count()
        self.unhandled: Callable[[str, BaseException | None], None] = lambda _what, _error: None
        self.now = 0.0
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._order = 0
        self._running = False
        self._halted = False
        self._closed = False

    # Time and callbacks.

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self.now

    def call_soon(  # type: ignore[override]  # its own kind of handle
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        """Run a callback after those that are due already."""
        handle = Handle(callback, args, copy_context() if context is None else context, self.now)
        if not self._closed:
            self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is one thread

    def call_at(  # type: ignore[override]  # its own kind of handle
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Run a callback at a time; of a process that has no other context, by its clock."""
        clock = None
        if context is None:
            context, clock = copy_context(), PROCESS.get()
            if clock is not None and clock.rate != 1.0:
                when = self.now + (when - self.now) / clock.rate
        handle = Handle(callback, args, context, when, clock)
        self._order += 1
        heapq.heappush(self._timers, (when, self._order, handle))
        return handle

    def call_later(  # type: ignore[override]  # its own kind of handle
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Run a callback after a delay; otherwise as `call_at`."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def resume(self, handles: deque[Handle]) -> None:
        """Run what was held back, before anything that is due later."""
        self._ready.extend(handles)
        handles.clear()

    def shift(self, process: SimulatedProcess, due: Callable[[float], float]) -> None:
        """Let the timers that go by a process's clock be due when `due` says, but not before now."""
        self._timers = [
            (max(self.now, due(when)), order, handle)
            if handle.clock is process
            else (when, order, handle)
            for when, order, handle in self._timers
        ]
        heapq.heapify(self._timers)

    # Tasks and futures.

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # the stub has more kinds of coroutines
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> SimulatedTask:
        """Start a task."""
        task = SimulatedTask(coro, loop=self, name=name, context=context)
        task.process = context.get(PROCESS) if context is not None else PROCESS.get()
        return task

    def tasks(self) -> list[SimulatedTask]:
        """Return the tasks that have not ended, oldest first."""
        found = cast("set[SimulatedTask]", asyncio.all_tasks(self))
        return sorted(found, key=hash)

    # Running.

    def run_until_complete(self, future: Any) -> Any:
        """Run until a future is done, or until `halt`.

        Raises:
            SimulationError: Nothing is left that could ever complete it, or it does not end.
        """
        task = asyncio.ensure_future(future, loop=self)
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)  # noqa: SLF001  # what a loop calls when it begins to run
        sys.set_asyncgen_hooks(firstiter=None, finalizer=self._finalize)
        self._running = True
        try:
            self._run_until(task)
        finally:
            self._running = False
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(None)  # noqa: SLF001  # likewise
        return task.result() if task.done() else None

    def halt(self) -> None:
        """Run no further callback."""
        self._halted = True

    def _run_until(self, task: asyncio.Future[Any]) -> None:
        ready, done, pop = self._ready, task.done, heapq.heappop
        while not (done() or self._halted):
            timers = self._timers  # another list after a clock has jumped
            if not ready:
                self._jump()
            while timers and timers[0][0] <= self.now:
                ready.append(pop(timers)[2])
            handle = ready.popleft()
            if handle.done:
                continue
            context = handle.context
            process = context.get(PROCESS)
            if process is not None and process.held_up and not process.admits(handle):
                continue
            self.steps += 1
            self.now += STEP_SECONDS
            if self.steps > self.most_steps:
                raise SimulationError(f"it does not end: {self.steps} callbacks have run")
            try:
                context.run(handle.callback, *handle.args)
            except Exception as error:  # noqa: BLE001  # as every loop does
                self.unhandled(f"callback {handle.callback!r}", error)

    def _jump(self) -> None:
        """Let time pass until the next timer is due."""
        timers = self._timers
        while timers and timers[0][2].done:
            heapq.heappop(timers)
        if not timers:
            raise SimulationError("everything waits, and nothing is left to wait for")
        self.now = max(self.now, timers[0][0])

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        if not self._closed:
            self.call_soon(self.create_task, generator.aclose())

    def is_running(self) -> bool:
        """Return whether callbacks are being run."""
        return self._running

    def is_closed(self) -> bool:
        """Return whether it has been closed."""
        return self._closed

    def close(self) -> None:
        """Forget every callback."""
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    def get_debug(self) -> bool:
        """Return False: there is no debug mode."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody handled."""
        if not self._closed:
            self.unhandled(str(context.get("message", "")), context.get("exception"))


_REAL: Final = {
    "a thread": ("run_in_executor",),
    "a file descriptor": ("add_reader", "add_writer", "connect_read_pipe", "connect_write_pipe"),
    "a socket": (
        "create_connection", "create_server", "create_unix_connection", "create_unix_server",
        "create_datagram_endpoint", "getaddrinfo", "sock_connect", "sock_recv", "sock_sendall",
        "sock_accept",
    ),
    "a child process": ("subprocess_exec", "subprocess_shell"),
    "a signal handler": ("add_signal_handler",),
}  # fmt: skip
"""What a simulation does without, and the methods of a loop that give it."""


def _refusing(what: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise GUARD.refuse(what)

    return refuse


for _what, _names in _REAL.items():
    for _name in _names:
        setattr(SimulatedLoop, _name, _refusing(_what))
