"""What a node measures of the asks that it makes."""

from __future__ import annotations

from typing import Final

from ...protocols.control import AskStatistics

BUCKETS: Final = 28
"""Bucket `n` counts what took less than 2**n microseconds, the last one all the rest (67 s on)."""


class Meter:
    """A histogram of how long asks took, and what became of them. Pure: is given the times.

    The buckets double, so noting one costs a few instructions and no search.
    """

    def __init__(self) -> None:
        self._buckets = [0] * BUCKETS
        self._seconds = 0.0
        self._failed: dict[str, int] = {}

    def note(self, seconds: float) -> None:
        """An ask has ended, however it did, after so many seconds."""
        self._seconds += seconds
        bucket = int(seconds * 1e6).bit_length()
        self._buckets[bucket if bucket < BUCKETS else -1] += 1

    def note_failed(self, error: BaseException) -> None:
        """An ask has ended with an error."""
        name = type(error).__name__
        self._failed[name] = self._failed.get(name, 0) + 1

    def statistics(self) -> AskStatistics:
        """Return what was counted so far."""
        return AskStatistics(
            count=sum(self._buckets),
            seconds=self._seconds,
            buckets=list(self._buckets),
            failed=dict(self._failed),
        )


def quantile(buckets: list[int], fraction: float) -> float:
    """Return the time in seconds that a fraction of the asks stayed below, as far as buckets tell.

    It is the upper bound of a bucket, so up to twice the true value; 0 when there were none.
    """
    wanted = fraction * sum(buckets)
    seen = 0
    for exponent, count in enumerate(buckets):
        seen += count
        if count and seen >= wanted:
            return 2.0**exponent * 1e-6
    return 0.0
