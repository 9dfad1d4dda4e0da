"""Decides how each node is: alive, busy, suspected or dead. Pure: knows no clock and no socket.

Two things are listened to. A *probe* is a connection that carries no messages; its heartbeats are
answered by the peer's I/O thread, also while the peer computes, so only a process that is stopped
or cannot be reached loses it. A *question* is answered by the peer's event loop: a node that
leaves one open is busy, and never declared dead for that.

A third is looked at where the process is on this host: whether its operating system holds it
stopped. That is certain, and needs no waiting for what may only be late; so the bound is shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal

State = Literal["alive", "busy", "suspected", "dead"]

QUESTION_SECONDS: Final = 1.0
"""How often the event loop of a node is asked."""

LOOK_SECONDS: Final = 0.1
"""How often the clock is looked at while a node is silent, stopped, or has a question open."""

GLANCE_SECONDS: Final = 0.2
"""How often it is looked at whether the processes of this host are stopped."""

HELD_UP_SECONDS: Final = 0.25
"""A look that is later than this says that the observer did not run: the rest counts for nothing."""

_MIN_BUSY: Final = 0.25
_MAX_BUSY: Final = 2.0
_MEMORY_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a node may be silent.

    Attributes:
        silence: Seconds after which a node is declared dead at the latest, counted from the
            last heartbeat that it answered.
        standstill: Seconds for which its process may be stopped by a signal, where that can be
            seen.
    """

    silence: float = 2.5
    standstill: float = 0.4

    @classmethod
    def of(cls, silence: float | None) -> Bounds:
        """Return the bounds of a user who said how long any node may be silent, or did not."""
        return cls() if silence is None else cls(silence, silence)

    @property
    def heartbeat(self) -> float:
        """Seconds between two heartbeats of a probe."""
        return self.silence / 8

    @property
    def suspicion(self) -> float:
        """Seconds without an answer after which a probe counts as lost."""
        return self.silence * 0.3

    @property
    def steady(self) -> float:
        """Seconds of silence after which a node that was never silent before is dead."""
        return self.silence * 0.8


@dataclass(frozen=True, slots=True)
class Joined:
    """A life of a node is there, and is watched from now on.

    `here` says that its process can be looked at.
    """

    node: str
    life: int
    at: float
    here: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A life of a node is over, or need not be watched any more."""

    node: str
    life: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The probe of a node is answered."""

    node: str
    life: int
    at: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The probe of a node is not answered any more."""

    node: str
    life: int
    at: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A message came from a node: its event loop turns."""

    node: str
    life: int
    at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A node answered the question that it was asked at `asked`."""

    node: str
    life: int
    at: float
    asked: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """The process of a node is held stopped by its operating system.

    `since` tells one standstill from another: it is the same only if nothing of it ran between.
    """

    node: str
    life: int
    at: float
    since: int


@dataclass(frozen=True, slots=True)
class Continued:
    """The process of a node is not stopped any more."""

    node: str
    life: int
    at: float


@dataclass(frozen=True, slots=True)
class Looked:
    """Nothing happened but time."""

    at: float


Event = Joined | Left | Reached | Lost | Heard | Answered | Stopped | Continued | Looked


@dataclass(frozen=True, slots=True)
class Question:
    """Ask the event loop of a node for a sign of life."""

    node: str
    life: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A node is in another state; `silence` says for how long nothing was heard of it."""

    node: str
    life: int
    state: State
    silence: float


@dataclass(frozen=True, slots=True)
class Declared:
    """A node is dead: nothing was heard of it for `silence` seconds. Said once in a life.

    `stopped` says that its process was seen to be stopped all the while.
    """

    node: str
    life: int
    silence: float
    stopped: bool = False


Effect = Question | Changed | Declared


class Interval:
    """How long something usually takes, and the bound beyond which it is unusual.

    Mean and deviation are smoothed as TCP smooths round trips (RFC 6298, section 2).
    """

    def __init__(self) -> None:
        self.mean = 0.0
        self.deviation = 0.0
        self._known = False

    def add(self, seconds: float) -> None:
        """Take one observation."""
        if not self._known:
            self.mean, self.deviation, self._known = seconds, seconds / 2, True
            return
        self.deviation += (abs(seconds - self.mean) - self.deviation) / 4
        self.mean += (seconds - self.mean) / 8

    @property
    def bound(self) -> float:
        """Seconds that it takes at most, as far as can be told."""
        return self.mean + 4 * self.deviation


@dataclass(slots=True)
class Peer:
    """What is known of one life of a node.

    Attributes:
        life: Which life of it.
        state: How it is.
        reached: Whether its probe is answered.
        here: Whether its process can be looked at.
        silence: For how long nothing was heard of it while the observer was awake; 0 while
            its probe is answered.
        counted: Up to when its silence is counted.
        standstill: Which standstill its process is in, or None.
        stopped: For how long it has been in that while the observer was awake.
        glanced: When it was last seen to be.
        asked: When the open question was asked, or None.
        next_question: When the next one is due.
        answers: How long it takes to answer a question.
        returned: When it came back from a silence last.
    """

    life: int
    state: State = "alive"
    reached: bool = False
    here: bool = False
    silence: float = 0.0
    counted: float = 0.0
    standstill: int | None = None
    stopped: float = 0.0
    glanced: float = 0.0
    asked: float | None = None
    next_question: float = 0.0
    answers: Interval = field(default_factory=Interval)
    returned: float = -inf

    @property
    def quiet(self) -> float:
        """For how long it has been silent or stopped."""
        return max(self.silence, self.stopped)


class Detector:
    """Tells alive, busy, suspected and dead nodes apart.

    A node whose probe is lost is suspected; when that lasts, it is dead. How long it may last
    depends on the node: one that came back from a silence lately is given all of `Bounds.silence`,
    for its line is bad. One whose process is seen to be stopped has `Bounds.standstill`, and what it
    said before proves nothing. Time in which the observer itself did not run counts for nobody.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.peers: dict[str, Peer] = {}

    @property
    def pause(self) -> float:
        """Seconds after which the next look is due."""
        peers = self.peers.values()
        if any(not p.reached or p.asked is not None or p.standstill is not None for p in peers):
            return LOOK_SECONDS
        return GLANCE_SECONDS if any(p.here for p in peers) else QUESTION_SECONDS

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return what the shell must now do, in order."""
        if isinstance(event, Looked):
            return self._look(event.at)
        if isinstance(event, Joined):
            self.peers[event.node] = Peer(
                event.life, here=event.here, counted=event.at, next_question=event.at
            )
            return []
        peer = self.peers.get(event.node)
        if peer is None or peer.life != event.life:
            return []
        if isinstance(event, Left):
            del self.peers[event.node]
            return []
        if peer.state == "dead":
            return []
        return self._news(event, peer)

    def _news(
        self, event: Reached | Lost | Heard | Answered | Stopped | Continued, peer: Peer
    ) -> list[Effect]:
        if isinstance(event, Stopped):
            return self._stand_still(event, peer)
        if isinstance(event, Lost):
            peer.reached, peer.counted = False, event.at
            peer.silence = max(peer.silence, self.bounds.suspicion)
            return self._enter(event.node, peer, "suspected")
        if isinstance(event, Reached):
            peer.reached = True
        elif isinstance(event, Answered):
            peer.answers.add(event.at - event.asked)
            peer.asked = None
        elif isinstance(event, Continued):
            peer.standstill, peer.stopped = None, 0.0
            if not peer.reached:
                return []  # it may run, and is still to be heard of
        if peer.standstill is not None:
            return []  # it was said before
        return self._sign_of_life(event.node, peer, event.at)

    def limit(self, peer: Peer, at: float) -> float:
        """Return for how long a node may be silent before it is dead."""
        was_silent = at - peer.returned < _MEMORY_SECONDS
        return self.bounds.silence if was_silent else self.bounds.steady

    def _sign_of_life(self, node: str, peer: Peer, at: float) -> list[Effect]:
        if peer.silence > 0:
            if peer.state == "suspected":
                peer.returned = at
            peer.silence = 0.0
        return self._enter(node, peer, "alive")

    def _stand_still(self, event: Stopped, peer: Peer) -> list[Effect]:
        """Its process is seen to be stopped: for too long?"""
        if peer.standstill != event.since:
            peer.standstill, peer.stopped, peer.glanced = event.since, 0.0, event.at
            return []
        peer.stopped += min(event.at - peer.glanced, GLANCE_SECONDS)
        peer.glanced = event.at
        if peer.stopped < self.bounds.standstill:
            return self._enter(event.node, peer, "suspected")
        changed = self._enter(event.node, peer, "dead")
        return [*changed, Declared(event.node, peer.life, peer.quiet, stopped=True)]

    def _look(self, at: float) -> list[Effect]:
        """Count silence, find what is busy or dead, and ask who is due to be asked."""
        effects: list[Effect] = []
        for node, peer in self.peers.items():
            if peer.state != "dead":
                effects += self._look_at(node, peer, at)
        return effects

    def _look_at(self, node: str, peer: Peer, at: float) -> list[Effect]:
        effects: list[Effect] = []
        if not peer.reached:
            peer.silence += min(at - peer.counted, LOOK_SECONDS + HELD_UP_SECONDS)
            peer.counted = at
            effects += self._weigh(node, peer, at)
        elif (
            peer.asked is not None
            and peer.standstill is None
            and at - peer.asked > self._patience(peer)
        ):
            effects += self._enter(node, peer, "busy")
        if peer.asked is None and at >= peer.next_question:
            peer.asked, peer.next_question = at, at + QUESTION_SECONDS
            effects.append(Question(node, peer.life))
        return effects

    def _weigh(self, node: str, peer: Peer, at: float) -> list[Effect]:
        """A node is silent: for too long?"""
        if peer.silence < self.bounds.suspicion:
            return []
        if peer.silence < self.limit(peer, at):
            return self._enter(node, peer, "suspected")
        changed = self._enter(node, peer, "dead")
        return [*changed, Declared(node, peer.life, peer.silence)]

    def _patience(self, peer: Peer) -> float:
        return min(_MAX_BUSY, max(_MIN_BUSY, peer.answers.bound))

    def _enter(self, node: str, peer: Peer, state: State) -> list[Effect]:
        if peer.state == state:
            return []
        peer.state = state
        return [Changed(node, peer.life, state, peer.quiet)]
