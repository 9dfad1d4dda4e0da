"""Decides what becomes of a server: when it is open, killed, started again, given up.

Knows nothing of processes or time: events come in, effects go out, both plain records.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

State = Literal["starting", "ready", "waiting", "draining", "stopped", "failed"]
"""`waiting` is the time before it is started, at first or again."""


class Launched(msgspec.Struct, frozen=True):
    """A process was started."""

    at: float


class Probed(msgspec.Struct, frozen=True):
    """The server was asked whether it is well."""

    at: float
    healthy: bool


class Ended(msgspec.Struct, frozen=True):
    """The process is gone; `port_taken` says that another program had its port."""

    at: float
    port_taken: bool = False


class Drained(msgspec.Struct, frozen=True):
    """Somebody wants it to end: nothing new may begin."""


class Emptied(msgspec.Struct, frozen=True):
    """What was to be finished before the end is finished, or has taken too long."""


Event = Launched | Probed | Ended | Drained | Emptied


class Launch(msgspec.Struct, frozen=True):
    """Start a process after so many seconds."""

    after: float


class Kill(msgspec.Struct, frozen=True):
    """End the process at once, for this reason."""

    reason: str


class Close(msgspec.Struct, frozen=True):
    """End the process in order."""


class GiveUp(msgspec.Struct, frozen=True):
    """It ended too often."""

    restarts: int


Effect = Launch | Kill | Close | GiveUp


class LifePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How much is borne with.

    Attributes:
        start_timeout: Seconds from its start until it must be well.
        failures: Health checks in a row that may fail, once it was well.
        max_restarts: Ends within `within` seconds after which it is started again.
        within: Length of that window in seconds.
        backoff: Seconds before the first new start; doubles with each end in the window.
        most: Longest such pause.
        ports: How often within `within` seconds it is started again at once, and nothing counted,
            because its port was taken.
    """

    start_timeout: float = 600.0
    failures: int = 3
    max_restarts: int = 3
    within: float = 600.0
    backoff: float = 1.0
    most: float = 30.0
    ports: int = 5


class ServerLife:
    """One server through all its processes.

    Attributes:
        state: How it is.
        restarts: How often it was started again.
    """

    def __init__(self, policy: LifePolicy) -> None:
        self._policy = policy
        self._born = 0.0
        self._failures = 0
        self._ends: deque[float] = deque()
        self._taken: deque[float] = deque()
        self.state: State = "waiting"
        self.restarts = 0

    @property
    def is_over(self) -> bool:
        """Whether no process will be started any more."""
        return self.state in {"stopped", "failed"}

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return what must now be done, in order."""
        match event:
            case Launched(at):
                self._born, self._failures = at, 0
                if self.state != "draining":
                    self.state = "starting"
                return []
            case Probed(at, healthy):
                return self._probed(at, healthy=healthy)
            case Ended(at, port_taken):
                return self._ended(at, port_taken=port_taken)
            case Drained():
                if not self.is_over:
                    self.state = "stopped" if self.state == "waiting" else "draining"
                return []
            case Emptied():
                return [Close()] if self.state == "draining" else []

    def _probed(self, at: float, *, healthy: bool) -> list[Effect]:
        if healthy:
            self._failures = 0
            if self.state == "starting":
                self.state = "ready"
            return []
        if self.state == "starting":
            limit = self._policy.start_timeout
            late = at - self._born >= limit
            return [Kill(f"it was not ready within {limit:.3g} s")] if late else []
        self._failures += 1
        if self._failures != self._policy.failures:
            return []
        return [Kill(f"it failed {self._failures} health checks in a row")]

    def _ended(self, at: float, *, port_taken: bool) -> list[Effect]:
        if self.state == "draining":
            self.state = "stopped"
            return []
        for ends in (self._ends, self._taken):
            while ends and at - ends[0] > self._policy.within:
                ends.popleft()
        if port_taken and len(self._taken) < self._policy.ports:
            self._taken.append(at)
            self.state = "waiting"
            self.restarts += 1
            return [Launch(0.0)]
        self._ends.append(at)
        count = len(self._ends)
        if count > self._policy.max_restarts:
            self.state = "failed"
            return [GiveUp(count - 1)]
        self.state = "waiting"
        self.restarts += 1
        return [Launch(min(self._policy.backoff * 2.0 ** (count - 1), self._policy.most))]
