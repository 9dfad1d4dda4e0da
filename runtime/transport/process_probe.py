"""Looks at a process of this host in /proc: does it run, or is it stopped?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..health.detector import Bounds

_STOPPED: Final = frozenset(b"TtZX")
"""States in proc_pid_stat(5) of a process that will not run by itself: stopped, traced, ended."""


class ProcessProbe:
    """Watches one process where no socket answers without its interpreter.

    Args:
        pid: The process.
        loop: Where changes are told.
        bounds: How often to look, and how long a process may be stopped.
        on_change: Told whether the process runs.
        on_close: Told that the probe is closed.
    """

    def __init__(
        self,
        pid: int,
        loop: asyncio.AbstractEventLoop,
        bounds: Bounds,
        on_change: Callable[[bool], None],
        on_close: Callable[[ProcessProbe], None],
    ) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._loop = loop
        self._bounds = bounds
        self._on_change = on_change
        self._on_close = on_close
        self._stopped_since: float | None = None
        self._reached: bool | None = None
        self._timer = loop.call_soon(self._look)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._on_close(self)

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._bounds.heartbeat, self._look)
        now = self._loop.time()
        if self._runs():
            self._stopped_since = None
            self._tell(reached=True)
            return
        if self._stopped_since is None:
            self._stopped_since = now
        if now - self._stopped_since >= self._bounds.suspicion:
            self._tell(reached=False)

    def _tell(self, *, reached: bool) -> None:
        if reached is not self._reached:
            self._reached = reached
            self._on_change(reached)

    def _runs(self) -> bool:
        """Return whether the process may run; a system without /proc does not tell."""
        try:
            facts = self._stat.read_bytes()
        except FileNotFoundError:
            return not Path("/proc/self/stat").exists()
        except ProcessLookupError:
            return False
        return facts[facts.rindex(b")") + 2] not in _STOPPED
