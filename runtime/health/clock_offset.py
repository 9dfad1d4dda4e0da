"""How far the monotonic clock of another node is from ours."""

from __future__ import annotations

from collections import deque
from typing import Final

_SAMPLES: Final = 8


class ClockOffset:
    """Estimates another clock from questions and answers, as NTP does (RFC 5905, section 8).

    Of the latest questions the one with the shortest round trip counts: half of that round trip
    bounds the error.
    """

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def add(self, asked: float, answered: float, theirs: float) -> None:
        """Take the time of a question and its answer on our clock, and of theirs in between."""
        self._samples.append((answered - asked, theirs - (asked + answered) / 2))

    @property
    def offset(self) -> float | None:
        """Seconds that their clock is ahead of ours, or None before the first answer."""
        return min(self._samples)[1] if self._samples else None

    @property
    def round_trip(self) -> float | None:
        """Seconds of the shortest round trip, or None before the first answer."""
        return min(self._samples)[0] if self._samples else None
