from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel import DeadlineError, Runtime
from passel.runtime.telemetry.meter import BUCKETS, Meter, quantile
from tests.runtime.crew import Counter


def test_times_fall_into_buckets_that_double() -> None:
    meter = Meter()
    for seconds in (0.0, 0.9e-6, 1.1e-6, 3.9e-6, 1e-3, 30.0, 1e9):
        meter.note(seconds)
    found = meter.statistics()
    assert found.count == 7
    assert found.seconds == pytest.approx(1e9 + 30.001)
    filled = {n: count for n, count in enumerate(found.buckets) if count}
    assert filled == {0: 2, 1: 1, 2: 1, 10: 1, 25: 1, BUCKETS - 1: 1}


@given(st.lists(st.floats(1e-6, 60.0), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_at_most_twice_the_true_one(times: list[float], fraction: float) -> None:
    meter = Meter()
    for seconds in times:
        meter.note(seconds)
    rank = max(1, -int(-fraction * len(times) // 1))  # the least rank that holds the fraction
    true = sorted(times)[rank - 1]
    found = quantile(meter.statistics().buckets, fraction)
    assert true * 0.999 <= found <= 2.0 * true + 2e-6


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile(Meter().statistics().buckets, 0.5) == 0.0


async def test_a_runtime_counts_its_asks_and_how_they_failed() -> None:
    async with Runtime() as rt:
        counter = await rt.spawn(Counter)
        for _ in range(5):
            await counter.add(1)
        with pytest.raises(DeadlineError):
            await counter.add.options(timeout=0.0)(1)
        leader = (await rt.statistics())[0]
    assert leader.asks.count == 6
    assert leader.asks.failed == {"DeadlineError": 1}
    assert leader.cpu_seconds > 0.0
    assert leader.memory_bytes > 1 << 20
