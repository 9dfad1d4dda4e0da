"""Ctrl-C and SIGTERM: the first stops in order, the second kills.

Handlers are installed with `signal.signal`, not through the loop: they run between two bytecodes of the
main thread, so a second Ctrl-C works also while an actor of the leader's process keeps its loop busy.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from . import exits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import FrameType

_CODES = {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}


class Interruption:
    """Watches for signals while a topology starts, runs and stops.

    1. From its construction until `guard`, nothing has been started: a signal ends the process.
    2. While a task is guarded, the first signal cancels it, once. The runtime stops as it unwinds.
    3. A second signal, or one after `finish`, calls `kill` and ends the process with 137.
    4. `close` blocks further signals: the exit code is settled.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._kill: Callable[[], None] | None = None
        self._on_first: Callable[[], None] | None = None
        for number in _CODES:
            signal.signal(number, self._handle)

    def guard(
        self,
        loop: asyncio.AbstractEventLoop,
        task: asyncio.Task[object],
        *,
        kill: Callable[[], None],
        on_first: Callable[[], None],
    ) -> None:
        """Let the first signal cancel `task` and call `on_first`; let the second call `kill`."""
        self._loop, self._task = loop, task
        self._kill, self._on_first = kill, on_first

    def finish(self) -> None:
        """Say that the guarded work has ended: the stop that follows is not to be cancelled."""
        self._task = None

    def close(self) -> None:
        """Let no signal change the end any more."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _CODES)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        code = _CODES[signal.Signals(number)]
        if self._loop is None:
            os._exit(code)
        if self.code is not None:
            if self._kill is not None:
                self._kill()
            os._exit(exits.KILLED)
        self.code = code
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._on_first is not None:
            self._on_first()
        if self._task is not None:
            self._task.cancel()
            self._task = None
