"""A seeded network: multiparts arrive late, and some twice, out of order or never."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final

from ...protocols.arrays import Buffer  # noqa: TC001  # a dataclass field's type
from ...protocols.errors import ProtocolError
from .loop import KERNEL, Handle

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ...protocols.control import NodeInfo
    from ..health.detector import Bounds
    from ..transport.seam import OnBatch, OnRefused
    from .loop import SimulatedLoop
    from .process import SimulatedProcess
    from .trace import Trace

SCHEME: Final = "sim://"
"""What endpoints begin with; then come the start of the runtime, the node and its life."""


def node_at(endpoint: str) -> str:
    """Return the node that an endpoint belongs to."""
    return endpoint.removeprefix(SCHEME).split("/")[1]


@dataclass(slots=True, kw_only=True)
class Weather:
    """How a network behaves; faults change it for a while.

    Attributes:
        latency: Least seconds that a multipart takes.
        jitter: Mean of what is added to that.
        lag: What is added to all of them on top, for a while.
        loss: Share of the multiparts that are lost.
        repeat: Share of them that come twice.
        in_order: Whether those of one link keep their order.
    """

    latency: float = 0.0001
    jitter: float = 0.0005
    lag: float = 0.0
    loss: float = 0.0
    repeat: float = 0.0
    in_order: bool = True


@dataclass(slots=True)
class Parcel:
    """One multipart message on its way."""

    sent: float
    batch: bytes
    frames: list[Buffer]


class Network:
    """Carries multipart messages between simulated processes."""

    def __init__(
        self, loop: SimulatedLoop, trace: Trace, source: random.Random, weather: Weather
    ) -> None:
        self.loop = loop
        self.trace = trace
        self._random = source
        self.weather = weather
        self._bound: dict[str, SimulatedTransport] = {}
        self._cut: dict[frozenset[str], int] = {}
        self._probes: dict[SimulatedProbe, None] = {}

    def bind(self, process: SimulatedProcess) -> SimulatedTransport:
        """Return the transport of a process."""
        transport = SimulatedTransport(self, process)
        self._bound[transport.endpoint] = transport
        return transport

    def unbind(self, transport: SimulatedTransport) -> None:
        """Nothing arrives there any more."""
        self._bound.pop(transport.endpoint, None)

    def at(self, endpoint: str) -> SimulatedTransport | None:
        """Return what is bound to an endpoint."""
        return self._bound.get(endpoint)

    def delays(self) -> list[float]:
        """Return how long the next multipart takes: of one that is lost nothing, else one or two."""
        weather, source = self.weather, self._random
        if weather.loss and source.random() < weather.loss:
            return []
        times = 2 if weather.repeat and source.random() < weather.repeat else 1
        least, jitter = weather.latency + weather.lag, weather.jitter
        return [least - jitter * log(1.0 - source.random()) for _ in range(times)]

    def cut(self, one: str, other: str) -> None:
        """Let nothing through between two nodes, either way; what arrives meanwhile is lost."""
        pair = frozenset((one, other))
        self._cut[pair] = self._cut.get(pair, 0) + 1
        self.look()

    def heal(self, one: str, other: str) -> None:
        """Undo one `cut`."""
        pair = frozenset((one, other))
        self._cut[pair] -= 1
        if not self._cut[pair]:
            del self._cut[pair]
            self.look()

    def probe(self, probe: SimulatedProbe, *, wanted: bool) -> None:
        """Tell a probe when what it watches may have changed, or do not any more."""
        if wanted:
            self._probes[probe] = None
        else:
            self._probes.pop(probe, None)

    def look(self) -> None:
        """Something has changed: let every probe look."""
        for probe in list(self._probes):
            probe.look()

    def is_cut(self, pair: frozenset[str]) -> bool:
        """Return whether nothing gets through between two nodes."""
        return pair in self._cut


class SimulatedTransport:
    """One life of a node at the network; see `runtime.transport.seam.Transport`."""

    def __init__(self, network: Network, process: SimulatedProcess) -> None:
        self.process = process
        self.identity = f"{process.node}/{process.life}".encode()
        self.on_batch: OnBatch | None = None
        self._network = network
        self._endpoint = f"{SCHEME}{process.generation}/{process.node}/{process.life}"

    @property
    def endpoint(self) -> str:
        """Where others connect to."""
        return self._endpoint

    def start(self, on_batch: OnBatch, _on_refused: OnRefused) -> None:
        """Begin to receive."""
        self.on_batch = on_batch

    def connect(self, endpoint: str) -> Edge:
        """Return an outlet to the node at `endpoint`.

        Raises:
            ProtocolError: That is no endpoint.
        """
        if not endpoint.startswith(SCHEME):
            raise ProtocolError(f"endpoint {endpoint!r}: it is not of this network")
        return Edge(self._network, self, endpoint)

    def probe(
        self, peer: NodeInfo, bounds: Bounds, on_change: Callable[[bool], None]
    ) -> SimulatedProbe:
        """Watch whether the process of a node runs and is reached."""
        return SimulatedProbe(self._network, self.process, peer.endpoint, bounds, on_change)

    def close(self) -> None:
        """Receive nothing any more."""
        self.on_batch = None
        self._network.unbind(self)


class Edge:
    """The way from one node to another."""

    def __init__(self, network: Network, source: SimulatedTransport, endpoint: str) -> None:
        self._network = network
        self._source = source
        self._endpoint = endpoint
        self._arrival = 0.0
        self.name = f"{source.process!r} -> {endpoint.removeprefix(SCHEME)}"
        self.pair = frozenset((source.process.node, node_at(endpoint)))

    def send(self, parts: list[Buffer]) -> None:
        """Send one multipart message."""
        if self._source.process.dead:
            return
        network = self._network
        batch = bytes(parts[0])
        frames: list[Buffer] = [bytes(part) for part in parts[1:]] if len(parts) > 1 else []
        now = network.loop.now
        network.trace.batch("sent", self.name, batch)
        parcel = Parcel(now, batch, frames)
        goal = network.at(self._endpoint)
        context = goal.process.context if goal is not None else KERNEL
        delays = network.delays()
        if not delays:
            network.trace.batch("lost", self.name, batch)
        for delay in delays:
            arrival = now + delay
            if network.weather.in_order:
                arrival = self._arrival = max(self._arrival, arrival)
            network.loop.call_at(arrival, self._receive, parcel, context=context)

    def close(self) -> None:
        """What was handed over still arrives."""

    def _receive(self, parcel: Parcel) -> None:
        goal = self._network.at(self._endpoint)
        lost = parcel.sent > self._source.process.lost_after or self._network.is_cut(self.pair)
        if lost or goal is None or goal.on_batch is None or goal.process.dead:
            self._network.trace.batch("lost", self.name, parcel.batch)
            return
        self._network.trace.batch("arrived", self.name, parcel.batch)
        goal.on_batch(self._source.identity, parcel.batch, parcel.frames)


class SimulatedProbe:
    """Watches one peer's process; what answers is its I/O thread, however slow its loop is."""

    def __init__(
        self,
        network: Network,
        watcher: SimulatedProcess,
        endpoint: str,
        bounds: Bounds,
        on_change: Callable[[bool], None],
    ) -> None:
        self._network = network
        self._watcher = watcher
        self._endpoint = endpoint
        self._bounds = bounds
        self._on_change = on_change
        self._pair = frozenset((watcher.node, node_at(endpoint)))
        self._reached = False
        self._timer: Handle | None = None
        network.probe(self, wanted=True)
        self.look()

    def look(self) -> None:
        """The peer may have become silent, or be heard again: say so when that lasts."""
        is_reached = self._is_reached()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if is_reached == self._reached:
            return
        bounds = self._bounds
        pause = bounds.heartbeat / 2 if is_reached else bounds.suspicion
        loop, context = self._network.loop, self._watcher.context
        self._timer = loop.call_later(pause, self._say, is_reached, context=context)

    def close(self) -> None:
        """Watch no more."""
        self._network.probe(self, wanted=False)
        if self._timer is not None:
            self._timer.cancel()

    def _is_reached(self) -> bool:
        goal = self._network.at(self._endpoint)
        return (
            goal is not None
            and not (goal.process.dead or goal.process.paused)
            and not self._network.is_cut(self._pair)
        )

    def _say(self, is_reached: bool) -> None:
        self._timer = None
        self._reached = is_reached
        self._on_change(is_reached)
