"""What makes a link reliable: numbers, acknowledgements, and sending again what was lost.

Go-back-N over whatever a transport does (it may drop, repeat and reorder): multiparts are
numbered, the receiver lets each through once and in order, and the sender keeps what is not
acknowledged. Nothing is sent again on suspicion. After a silence the sender asks what has
arrived; only when the answer is behind what it had sent was something lost. A peer that is
busy answers late, and costs nothing but the question.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...protocols.arrays import Buffer  # noqa: TC001  # a record's hints are read at run time
from ...protocols.envelope import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

TICK: Final = 0.05
"""Seconds until an acknowledgement that found nothing to travel with leaves alone."""

FIRST_PATIENCE: Final = 0.25
"""Seconds without progress after which the peer is asked; doubles with each question."""

LAST_PATIENCE: Final = 5.0
"""Most seconds between two questions."""

ACKNOWLEDGE_EVERY: Final = 64
"""Multiparts after which an acknowledgement does not wait for company."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Send a Mark alone: what has been received.

    Attributes:
        wanted: Whether the peer shall answer at once with what it has received.
    """

    wanted: bool = False


@dataclass(frozen=True, slots=True)
class Resend:
    """Send these multiparts again, in order, exactly as they were."""

    multiparts: tuple[list[Buffer], ...]


Effect = Acknowledge | Resend


class GoBackN:
    """Both directions of one link. Knows no socket and no timer: `tick` is called by its owner.

    Attributes:
        sent: Number of the latest multipart that was sent.
        received: Number up to which everything has been received.
        heard: How many multiparts came, whatever became of them.
        resent: How many multiparts were sent again.
        dropped: How many were not let through: they came twice, or before one that was lost.
    """

    __slots__ = (
        "_asked", "_kept", "_patience", "_reported", "_since", "_stuck", "dropped", "heard",
        "received", "resent", "sent",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.heard = 0
        self.resent = 0
        self.dropped = 0
        self._kept: deque[list[Buffer]] = deque()
        self._reported = 0
        self._asked = 0
        self._stuck = 0
        self._since = 0.0
        self._patience = FIRST_PATIENCE

    @property
    def acknowledged(self) -> int:
        """Number up to which the peer has received everything."""
        return self.sent - len(self._kept)

    @property
    def owed(self) -> int:
        """How many multiparts were received that the peer has not been told of."""
        return self.received - self._reported

    def mark(self) -> Mark:
        """Return what the next multipart begins with; `keep` it next."""
        self._reported = self.received
        return Mark(self.sent + 1, self.received)

    def keep(self, parts: list[Buffer]) -> None:
        """A multipart leaves: hold on to it until it is acknowledged. Nothing is copied."""
        self.sent += 1
        self._kept.append(parts)

    def lone_mark(self, *, wanted: bool = False) -> Mark:
        """Return a Mark that travels alone: it has no number, and may be lost."""
        self._reported = self.received
        return Mark(0, self.received, wanted)

    def accept(self, mark: Mark) -> bool:
        """Take note of a multipart; return whether its messages are to be handed on.

        One without a number carries nothing that must not be lost or come twice.
        """
        self.heard += 1
        behind = self.sent - mark.acknowledged
        kept = self._kept
        if 0 <= behind < len(kept):
            for _ in range(len(kept) - behind):
                kept.popleft()
        number = mark.number
        if number == self.received + 1:
            self.received = number
            return True
        if number == 0:
            return True
        self.dropped += 1
        return False

    def answer(self, mark: Mark) -> list[Effect]:
        """Return what a Mark without a number calls for; it was accepted before."""
        effects: list[Effect] = []
        if mark.acknowledged < self._asked and self._kept:
            effects.append(Resend(tuple(self._kept)))
            self.resent += len(self._kept)
        self._asked = 0
        if mark.wanted:
            effects.append(Acknowledge())
        return effects

    def tick(self, now: float) -> list[Effect]:
        """Return what time calls for: an acknowledgement that is owed, or a question."""
        if self._kept:
            if self._stuck != self.acknowledged + 1:  # the peer has got further
                self._stuck = self.acknowledged + 1
                self._patience = FIRST_PATIENCE
                self._since = now
            elif now - self._since >= self._patience:
                self._asked = self.sent
                self._since = now
                self._patience = min(2 * self._patience, LAST_PATIENCE)
                return [Acknowledge(wanted=True)]
        return [Acknowledge()] if self.owed else []

    def pause(self, now: float) -> float | None:
        """Return how long nothing is to be done after a tick, or None when all is settled."""
        if self.owed:
            return TICK
        if self._kept:
            return max(self._since + self._patience - now, TICK)
        return None

    def forget(self) -> Sequence[list[Buffer]]:
        """The peer is gone: return what it has not acknowledged, and hold on to it no more."""
        lost, self._kept = self._kept, deque()
        return lost
