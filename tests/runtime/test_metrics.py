from __future__ import annotations

import asyncio
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from passel import DeadlineError, Runtime
from passel.protocols.errors import SpawnError
from passel.runtime.metrics import exposition, serve_metrics
from tests.runtime.crew import Counter


def series(text: str) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and label values, as Prometheus' own parser reads them."""
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_counters_become_metrics() -> None:
    async with Runtime() as rt:
        named = await rt.options(name="tally").spawn(Counter)
        for _ in range(3):
            await named.add(1)
        for _ in range(2):
            await (await rt.spawn(Counter)).add(1)
        with pytest.raises(DeadlineError):
            await named.add.options(timeout=0.0)(1)
        found = series(exposition(await rt.statistics()))
    assert found["passel_actor_handled_total", "tally", "Counter", "leader"] == 3
    assert found["passel_actor_handled_total", "*", "Counter", "leader"] == 2
    assert found["passel_actors", "Counter", "leader", "idle"] == 3
    assert found["passel_failed_asks_total", "DeadlineError", "leader"] == 1
    assert found["passel_ask_seconds_count", "leader"] == 6
    assert found["passel_ask_seconds_bucket", "+Inf", "leader"] == 6
    assert found["passel_node_dead_letters_total", "leader"] == 1
    assert found["passel_node_memory_bytes", "leader"] > 1 << 20


async def test_buckets_are_cumulative() -> None:
    async with Runtime() as rt:
        counter = await rt.spawn(Counter)
        for _ in range(20):
            await counter.add(1)
        found = series(exposition(await rt.statistics()))
    buckets = [(float(key[1]), value) for key, value in found.items() if key[0].endswith("_bucket")]
    counts = [value for _, value in sorted(buckets)]
    assert counts == sorted(counts)
    assert counts[-1] == 20


async def test_metrics_are_served_while_asked_for() -> None:
    async with Runtime() as rt:
        await rt.options(name="tally").spawn(Counter)
        async with serve_metrics(rt, port=0) as port:
            url = f"http://127.0.0.1:{port}/metrics"
            text = await asyncio.to_thread(read, url)
            assert 'passel_actor_handled_total{actor="tally"' in text
            with pytest.raises(SpawnError, match="choose another port"):
                async with serve_metrics(rt, port=port):
                    pass
        with pytest.raises(OSError, match="refused"):
            await asyncio.to_thread(read, url)


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5.0) as answer:
        body: bytes = answer.read()
    return body.decode()
