from __future__ import annotations

import math
from typing import Any

import pytest

from passel.actors.chat import InvalidLimitError, OpenAIModel, VllmServer


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [
        ("concurrency", 0, "its concurrency is 0; give 1 or more"),
        ("max_restarts", -1, "its max_restarts is -1; give 0 or more"),
        ("backoff", -0.5, "its backoff is -0.5; give 0 or more"),
        ("end_grace", math.inf, "its end_grace is inf; give 0 or more, and finite"),
        ("silence", 0.0, "its silence is 0.0; give seconds, more than 0 and finite"),
        ("deadline", -1.0, "its deadline is -1.0; give seconds"),
        ("start_timeout", math.nan, "its start_timeout is nan; give seconds"),
        ("health_every", 0.0, "its health_every is 0.0; give seconds"),
        ("within", 0.0, "its within is 0.0; give seconds"),
    ],
)
def test_a_limit_of_a_server_that_makes_no_sense_is_named(
    limit: str, value: float, says: str
) -> None:
    options: dict[str, Any] = {limit: value}
    with pytest.raises(InvalidLimitError, match=says) as caught:
        VllmServer(model="models/tiny", **options)
    assert caught.value.limit == limit


def test_a_server_needs_no_deadline_and_no_second_life() -> None:
    VllmServer(model="m", deadline=None, max_restarts=0, backoff=0.0, end_grace=0.0)


@pytest.mark.parametrize(
    "options", [{"tries": 0}, {"connect_timeout": math.inf}, {"backoff": math.nan}]
)
def test_a_limit_of_an_endpoint_that_makes_no_sense_is_named(options: dict[str, Any]) -> None:
    (limit,) = options
    with pytest.raises(InvalidLimitError, match=f"its {limit} is "):
        OpenAIModel(base_url="http://127.0.0.1/v1", model="m", **options)
