"""A runtime's counters as Prometheus metrics: as text, or served over HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from ..protocols.errors import SpawnError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from prometheus_client.core import Metric

    from ..protocols.control import ActorStatus, MemoryStatistics, NodeStatistics
    from .runtime import Runtime

ANSWER_SECONDS: Final = 5.0
"""How long a scrape waits for the runtime."""

_NODE_COUNTERS: Final = {
    "dead_letters": "Messages that reached no handler",
    "refused": "Messages refused: malformed, or for an old incarnation",
    "late_replies": "Answers that came after their caller had gone",
    "failed_tells": "Tells whose handler raised",
    "restarts": "Restarts of its actors",
    "given_up": "Actors that ended by a failure; at the leader, groups and nodes that gave up too",
    "sent": "Messages sent to other nodes",
    "received": "Messages received from other nodes",
    "resent": "Multiparts sent again because the transport had lost them",
    "dropped": "Multiparts that came twice or out of order",
    "possibly_lost": "Tells to nodes that died, not known to have been handled",
    "cpu_seconds": "Processor time of the process",
}
_SLOT_GAUGES: Final = {
    "slots": "Slots of shared memory",
    "slots_used": "Slots that hold an array somebody reads",
    "bytes": "Shared memory of the node's slots",
    "bytes_used": "Shared memory of the slots in use",
}
_ACTOR_COUNTERS: Final = {
    "handled": "Messages handled",
    "failed": "Handler calls that raised",
    "restarts": "Restarts by supervision",
}


def exposition(nodes: Sequence[NodeStatistics]) -> str:
    """Return the counters of some nodes in Prometheus' text format.

    Named actors have series of their own. Unnamed ones, of which there may be very many, are
    added up by class, under the name `*`.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(lambda: nodes))
    return generate_latest(registry).decode()


@asynccontextmanager
async def serve_metrics(
    runtime: Runtime, *, port: int, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve a runtime's metrics at `http://host:port/metrics`; yields the port.

    Args:
        runtime: A running one; every scrape asks its nodes how they are.
        port: Where to listen; 0 lets the system choose.
        host: The interface; what is beyond this machine can then read the names of actors.

    Raises:
        SpawnError: Nobody can listen there.
    """
    loop = asyncio.get_running_loop()

    def look() -> Sequence[NodeStatistics]:
        asked = asyncio.run_coroutine_threadsafe(runtime.statistics(), loop)
        return asked.result(ANSWER_SECONDS)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(look))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise SpawnError(f"metrics at {host}:{port}", f"{error}; choose another port") from None
    try:
        yield server.server_port
    finally:
        # A scrape in its thread may wait for this very loop, so the loop must turn meanwhile.
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await asyncio.to_thread(thread.join)


class _Collector(Collector):
    """Makes metrics of whatever the nodes count at the moment they are asked for."""

    def __init__(self, look: Callable[[], Sequence[NodeStatistics]]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: the registry would otherwise collect at once."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        nodes = self._look()
        yield from _of_nodes(nodes)
        yield _asks(nodes)
        yield _failed_asks(nodes)
        yield from _of_actors(nodes)


def _of_nodes(nodes: Sequence[NodeStatistics]) -> Iterator[Metric]:
    for name, words in _NODE_COUNTERS.items():
        counter = CounterMetricFamily(f"passel_node_{name}", words, labels=["node"])
        for node in nodes:
            counter.add_metric([node.node], getattr(node, name))
        yield counter
    memory = GaugeMetricFamily("passel_node_memory_bytes", "Resident memory", labels=["node"])
    life = GaugeMetricFamily("passel_node_life", "Which life of the node it is", labels=["node"])
    for node in nodes:
        memory.add_metric([node.node], node.memory_bytes)
        life.add_metric([node.node], node.life)
    yield memory
    yield life
    yield from _of_slots("shared", "", {node.node: node.shared_memory for node in nodes})
    yield from _of_slots("card", " (on cards)", {node.node: node.card_memory for node in nodes})


def _of_slots(kind: str, where: str, slots: dict[str, MemoryStatistics]) -> Iterator[Metric]:
    for name, words in _SLOT_GAUGES.items():
        gauge = GaugeMetricFamily(f"passel_node_{kind}_{name}", words + where, labels=["node"])
        for node, found in slots.items():
            gauge.add_metric([node], getattr(found, name))
        yield gauge
    words = f"Arrays that found no free slot{where}"
    fallbacks = CounterMetricFamily(f"passel_node_{kind}_fallbacks", words, labels=["node"])
    for node, found in slots.items():
        fallbacks.add_metric([node], found.fallbacks)
    yield fallbacks


def _asks(nodes: Sequence[NodeStatistics]) -> Metric:
    words = "How long asks took that the node's actors, or its program, made"
    histogram = HistogramMetricFamily("passel_ask_seconds", words, labels=["node"])
    for node in nodes:
        total = 0
        buckets: list[tuple[str, float]] = []
        for exponent, count in enumerate(node.asks.buckets[:-1]):
            total += count
            buckets.append((repr(2.0**exponent * 1e-6), total))
        buckets.append(("+Inf", node.asks.count))
        histogram.add_metric([node.node], buckets, sum_value=node.asks.seconds)
    return histogram


def _failed_asks(nodes: Sequence[NodeStatistics]) -> Metric:
    counter = CounterMetricFamily(
        "passel_failed_asks", "Asks that ended with an error", labels=["node", "error"]
    )
    for node in nodes:
        for error, count in sorted(node.asks.failed.items()):
            counter.add_metric([node.node, error], count)
    return counter


def _of_actors(nodes: Sequence[NodeStatistics]) -> Iterator[Metric]:
    labels = ["node", "actor", "class"]
    for name, words in _ACTOR_COUNTERS.items():
        counter = CounterMetricFamily(f"passel_actor_{name}", words, labels=labels)
        for key, value in _added_up(nodes, name).items():
            counter.add_metric(key, value)
        yield counter
    depth = GaugeMetricFamily("passel_actor_mailbox", "Messages that wait", labels=labels)
    for key, value in _added_up(nodes, "mailbox").items():
        depth.add_metric(key, value)
    yield depth
    states = GaugeMetricFamily(
        "passel_actors", "Actors by state", labels=["node", "class", "state"]
    )
    found = Counter((n.node, a.class_name, a.state) for n in nodes for a in n.actors)
    for key, value in found.items():
        states.add_metric(key, value)
    yield states


def _added_up(nodes: Sequence[NodeStatistics], name: str) -> dict[tuple[str, str, str], int]:
    found: Counter[tuple[str, str, str]] = Counter()
    for node in nodes:
        for actor in node.actors:
            found[node.node, _label(actor), actor.class_name] += getattr(actor, name)
    return dict(found)


def _label(actor: ActorStatus) -> str:
    return "*" if "#" in actor.name else actor.name
