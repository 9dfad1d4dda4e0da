"""When a request is sent again. Knows nothing of connections or time."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime

import msgspec

from .errors import ChatError, EndpointUnreachableError, RequestRefusedError

_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""HTTP statuses after which the same request may well be answered."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and after which pauses.

    Attributes:
        tries: Attempts in all.
        backoff: Seconds before the second one; doubles with each further one.
        most: Longest pause. A server that wants a longer one is not asked again.
    """

    tries: int = 3
    backoff: float = 0.5
    most: float = 30.0

    def pause(self, attempt: int, error: ChatError, chance: float) -> float | None:
        """Return the seconds before the next attempt, or None when there is none.

        Args:
            attempt: The number of the one that failed, from 1; nothing of an answer had come.
            error: How it failed.
            chance: Between 0 and 1: takes up to half of the pause away, so that many callers do
                not come back all at once.
        """
        passing = isinstance(error, EndpointUnreachableError) or (
            isinstance(error, RequestRefusedError) and error.status in _PASSING
        )
        if attempt >= self.tries or not passing:
            return None
        own = min(self.backoff * 2.0 ** (attempt - 1), self.most) * (1.0 - chance / 2.0)
        wanted = error.retry_after if isinstance(error, RequestRefusedError) else None
        if wanted is None:
            return own
        return None if wanted > self.most else max(own, wanted)


def retry_after(header: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(header)
        except ValueError:
            return None
        aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        seconds = (aware - now).total_seconds()
    return max(seconds, 0.0) if seconds < float("inf") else None
