"""What goes wrong in a run, and when: drawn from the seed beforehand, then done to the world."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...protocols.address import LEADER
from .loop import KERNEL

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from .world import World

KINDS: Final = (
    "crash", "pause", "slow", "partition", "lag", "loss", "clock", "startup", "disk", "full", "leader",
    "blackout", "drift",
)  # fmt: skip
"""What can go wrong.

crash      a node's process is killed; what it sent last may be lost with it
pause      a process stands still, as if stopped
slow       every step of a process takes long
partition  two nodes do not reach each other
lag        everything takes much longer on the network
loss       the network loses, repeats and reorders
clock      a node's clock jumps ahead
startup    a node's process is killed, and the next one that is started fails to come up
disk       writes to the disk take long
full       writes to the disk fail
leader     the leader's process is killed; its nodes notice, and the runtime is started again
blackout   all processes are killed at once, and the runtime is started again
drift      a node's clock runs too fast or too slowly for a while
"""

WEIGHTS: Final = {"leader": 0.1, "blackout": 0.1}
"""How often a kind is drawn, compared with others: these cost a whole start of the runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        at: When, in virtual seconds after the topology has come up.
        kind: One of `KINDS`.
        node: Where.
        other: The other node of a partition.
        seconds: How long it lasts.
        amount: How bad it is; what that means depends on the kind.
    """

    at: float
    kind: str
    node: str
    other: str = ""
    seconds: float = 0.0
    amount: float = 0.0


DRIFT: Final = 0.1
"""Most that the rate of a clock is off; those of machines are by a thousandth of that."""


def draw_faults(
    source: random.Random,
    nodes: Sequence[str],
    *,
    kinds: Sequence[str] = KINDS,
    duration: float,
    every: float,
) -> list[Fault]:
    """Return the faults of one run, in order.

    Each run has its own mixture of kinds (about two thirds of those allowed), so that some runs
    have much of one kind and nothing that would hide its effects (swarm testing, Groce et al.).

    Args:
        source: Where chance comes from.
        nodes: Nodes other than the leader.
        kinds: What may go wrong.
        duration: Virtual seconds in which it may.
        every: Mean virtual seconds between two faults.
    """
    chosen = [kind for kind in kinds if source.random() < 0.66] or list(kinds)
    faults: list[Fault] = []
    at = source.expovariate(1.0 / every)
    weights = [WEIGHTS.get(kind, 1.0) for kind in chosen]
    while chosen and nodes and at < duration:
        (kind,) = source.choices(chosen, weights)
        faults.append(_draw(source, kind, nodes, at))
        at += source.expovariate(1.0 / every)
    return faults


def _draw(source: random.Random, kind: str, nodes: Sequence[str], at: float) -> Fault:
    everybody = [LEADER, *nodes]
    if kind in {"crash", "startup"}:
        return Fault(at=at, kind=kind, node=source.choice(nodes), amount=_lost(source))
    if kind in {"leader", "blackout"}:
        return Fault(at=at, kind=kind, node=LEADER, amount=_lost(source))
    if kind == "partition":
        one, other = source.sample(everybody, 2)
        seconds = source.choice((0.05, 0.5, 3.0)) * source.uniform(0.5, 1.5)
        return Fault(at=at, kind=kind, node=one, other=other, seconds=seconds)
    amounts = {
        "pause": 0.0,
        "slow": source.uniform(0.001, 0.01),
        "lag": source.uniform(0.01, 0.3),
        "loss": source.uniform(0.01, 0.3),
        "clock": source.uniform(0.01, 5.0),
        "disk": source.uniform(0.05, 0.5),
        "full": 0.0,
        "drift": source.uniform(-DRIFT, DRIFT),
    }
    seconds = source.choice((0.1, 0.5, 2.0)) * source.uniform(0.5, 1.5)
    if kind == "drift":
        seconds *= 10
    node = source.choice(everybody)
    return Fault(at=at, kind=kind, node=node, seconds=seconds, amount=amounts[kind])


def _lost(source: random.Random) -> float:
    """Return how many of the last seconds of a killed process nothing has left it."""
    return source.uniform(0, 0.002)


class Injector:
    """Does the faults of one run to its world, and takes them back.

    Attributes:
        done: How many of each kind were done; those that met nobody are not counted.
        until: When the last of them will have been taken back, in virtual seconds.
    """

    def __init__(self, world: World, faults: Sequence[Fault]) -> None:
        self.done: Counter[str] = Counter()
        self._world = world
        self._faults = faults
        self._undo: dict[Fault, Callable[[], None]] = {}
        self.until = 0.0
        self._over = False

    def begin(self) -> None:
        """Let it go wrong from now on."""
        last = max((fault.at + fault.seconds for fault in self._faults), default=0.0)
        self.until = self._world.loop.time() + last
        for fault in self._faults:
            self._world.loop.call_later(fault.at, self._do, fault, context=KERNEL)

    def calm(self) -> None:
        """Take back what is still wrong; nothing more goes wrong."""
        self._over = True
        for fault in list(self._undo):
            self._take_back(fault)

    def _do(self, fault: Fault) -> None:
        if self._over:
            return
        undo = getattr(self, f"_{fault.kind}")(fault)
        if undo is None:
            return
        self.done[fault.kind] += 1
        where = f"{fault.node}-{fault.other}" if fault.other else fault.node
        self._world.trace.note("fault", f"{fault.kind} {where} for {fault.seconds:.3f} s")
        self._undo[fault] = undo
        self._world.loop.call_later(fault.seconds, self._take_back, fault, context=KERNEL)

    def _take_back(self, fault: Fault) -> None:
        undo = self._undo.pop(fault, None)
        if undo is not None:
            undo()

    # What the kinds do. Each returns what takes it back, or None when there was nobody to do it to, or
    # when it was done already: else the first of two that overlap would take back both.

    def _crash(self, fault: Fault) -> Callable[[], None] | None:
        process = self._world.living(fault.node)
        if process is None:
            return None
        process.kill(lost=fault.amount)
        return _nothing

    _leader = _crash

    def _blackout(self, fault: Fault) -> Callable[[], None] | None:
        if self._crash(fault) is None:
            return None
        for process in self._world.processes:
            process.kill(lost=fault.amount)
        return _nothing

    def _pause(self, fault: Fault) -> Callable[[], None] | None:
        process = self._world.living(fault.node)
        if process is None or process.paused:
            return None
        process.pause()
        return process.resume

    def _slow(self, fault: Fault) -> Callable[[], None] | None:
        process = self._world.living(fault.node)
        if process is None or process.slow:
            return None
        process.slow_down(fault.amount)
        return lambda: process.slow_down(0.0)

    def _partition(self, fault: Fault) -> Callable[[], None] | None:
        network = self._world.network
        network.cut(fault.node, fault.other)
        return lambda: network.heal(fault.node, fault.other)

    def _lag(self, fault: Fault) -> Callable[[], None] | None:
        weather = self._world.network.weather
        weather.lag += fault.amount

        def undo() -> None:
            weather.lag = max(0.0, weather.lag - fault.amount)

        return undo

    def _loss(self, fault: Fault) -> Callable[[], None] | None:
        weather = self._world.network.weather
        if not weather.in_order:
            return None
        weather.loss, weather.repeat, weather.in_order = fault.amount, fault.amount, False

        def undo() -> None:
            weather.loss, weather.repeat, weather.in_order = 0.0, 0.0, True

        return undo

    def _clock(self, fault: Fault) -> Callable[[], None] | None:
        process = self._world.living(fault.node)
        if process is None:
            return None
        process.shift_clock(fault.amount)
        return _nothing

    def _drift(self, fault: Fault) -> Callable[[], None] | None:
        process = self._world.living(fault.node)
        if process is None or process.rate != 1.0:
            return None
        process.set_rate(1.0 + fault.amount)
        return lambda: process.set_rate(1.0)

    def _startup(self, fault: Fault) -> Callable[[], None] | None:
        if self._crash(fault) is None:
            return None
        self._world.failing_starts[fault.node] = 1
        return _nothing

    def _disk(self, fault: Fault) -> Callable[[], None] | None:
        world = self._world
        world.disk_lag += fault.amount

        def undo() -> None:
            world.disk_lag = max(0.0, world.disk_lag - fault.amount)

        return undo

    def _full(self, _fault: Fault) -> Callable[[], None] | None:
        world = self._world
        if world.disk_is_full:
            return None
        world.disk_is_full = True

        def undo() -> None:
            world.disk_is_full = False

        return undo


def _nothing() -> None:
    """What was done stays done."""
