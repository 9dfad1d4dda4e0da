from __future__ import annotations

from datetime import UTC, datetime

import pytest

from passel.actors.chat import (
    AnswerBrokenError,
    ChatError,
    EndpointUnreachableError,
    NotAChatEndpointError,
    RequestRefusedError,
)
from passel.actors.chat.retry import RetryPolicy, retry_after

POLICY = RetryPolicy(tries=3, backoff=1.0, most=4.0)
GONE = EndpointUnreachableError("u", reason="refused")


def refused(status: int, after: float | None = None) -> RequestRefusedError:
    return RequestRefusedError("u", status, "no", retry_after=after)


@pytest.mark.parametrize("error", [GONE, refused(429), refused(500), refused(503)])
def test_what_passes_is_tried_again_after_growing_pauses(error: ChatError) -> None:
    assert [POLICY.pause(attempt, error, 0.0) for attempt in (1, 2, 3)] == [1.0, 2.0, None]
    assert POLICY.pause(1, error, 1.0) == 0.5


@pytest.mark.parametrize(
    "error",
    [
        refused(400),
        refused(401),
        refused(404),
        refused(200),
        NotAChatEndpointError("u", found="html"),
        AnswerBrokenError("u", pieces=0, reason="closed"),
    ],
)
def test_what_does_not_pass_is_not(error: ChatError) -> None:
    assert POLICY.pause(1, error, 0.0) is None


def test_pauses_have_a_limit_of_their_own() -> None:
    assert RetryPolicy(tries=9, backoff=1.0, most=4.0).pause(7, GONE, 0.0) == 4.0


def test_a_server_says_when_it_wants_to_be_asked_again() -> None:
    assert POLICY.pause(1, refused(429, 3.0), 0.0) == 3.0
    assert POLICY.pause(1, refused(429, 0.0), 0.0) == 1.0
    assert POLICY.pause(1, refused(429, 60.0), 0.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2026 07:27:00 -0000", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_a_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(header, datetime(2026, 10, 21, 7, 28, tzinfo=UTC)) == seconds
