"""Keeps what is real out of a simulation: real things are refused by name, clocks are virtual.

Sockets and processes announce themselves to the interpreter's audit hooks. Threads, `time.sleep` and
the clocks do not, so these functions are exchanged while simulated code runs.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .errors import UnsimulatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EPOCH: Final = 1_750_000_000.0
"""Unix time at which every simulated run begins."""

_REFUSED: Final = {
    "socket.__new__": "a socket",
    "subprocess.Popen": "a child process",
    "os.fork": "a child process",
    "os.posix_spawn": "a child process",
    "os.kill": "a signal",
    "os.killpg": "a signal",
}


class Guard:
    """Stands between simulated code and the machine; at other times it lets all through.

    The interpreter keeps what listens to its audit events for good, so there is one for all.

    Attributes:
        on_refusal: Is told of what is refused, until it is raised again.
    """

    def __init__(self) -> None:
        self.on_refusal: Callable[[UnsimulatedError], None] | None = None
        self._raised = False
        self._listening = False

    @contextmanager
    def raised(self, now: Callable[[], float]) -> Iterator[None]:
        """Refuse what is real, and let the clocks show `now()`."""
        if not self._listening:
            self._listening = True
            sys.addaudithook(self._on_event)
        exchanged: list[tuple[Any, str, Any]] = [
            (threading.Thread, "start", self._instead(threading.Thread.start, "a thread")),
            (time, "sleep", self._instead(time.sleep, "real sleep")),
            (time, "time", lambda: EPOCH + now()),
            (time, "time_ns", lambda: _nanoseconds(EPOCH + now())),
            (time, "monotonic", now),
            (time, "monotonic_ns", lambda: _nanoseconds(now())),
            (time, "perf_counter", now),
            (time, "perf_counter_ns", lambda: _nanoseconds(now())),
        ]
        real = [(owner, name, getattr(owner, name)) for owner, name, _ in exchanged]
        _exchange(exchanged)
        self.on_refusal = None
        self._raised = True
        try:
            yield
        finally:
            self._raised = False
            _exchange(real)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Let through what blocking work does."""
        before, self._raised = self._raised, False
        try:
            yield
        finally:
            self._raised = before

    def _on_event(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self._raised and event in _REFUSED:
            raise self.refuse(_REFUSED[event])

    def refuse(self, what: str) -> UnsimulatedError:
        """Return the error that whoever uses something real is to get, and tell of it."""
        error = UnsimulatedError(what)
        if self.on_refusal is not None:
            self.on_refusal(error)
        return error

    def _instead(self, real: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._raised:
                raise self.refuse(what)
            return real(*args, **kwargs)

        return call


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def _exchange(functions: list[tuple[Any, str, Any]]) -> None:
    for owner, name, function in functions:
        setattr(owner, name, function)


GUARD: Final = Guard()
