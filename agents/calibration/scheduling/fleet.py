"""The simulators of a calibration: who is there, who is free, and how fast each one is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .events import SimulatorId

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_REMEMBERED: Final = 31
"""Durations of iterations of which median and mean are taken."""

_TOO_SLOW: Final = 3.0
"""What is urgent is not given to a simulator that takes so many times longer than the fastest."""

_ENOUGH: Final = 3
"""Durations of a simulator's own before it is measured by these, and not by everybody's."""


class _Durations:
    """The latest durations of one kind, with their median and mean; 0 while there are none."""

    def __init__(self) -> None:
        self.latest: deque[float] = deque(maxlen=_REMEMBERED)
        self.median = self.mean = 0.0

    def add(self, seconds: float) -> None:
        self.latest.append(seconds)
        self.median, self.mean = median(self.latest), fmean(self.latest)


@dataclass(slots=True)
class _Member:
    slots: int = 0
    extendable: bool = True
    busy: int = 0
    working: int = 0
    lost: int = 0
    pause: float = _FIRST_PAUSE
    durations: _Durations = field(default_factory=_Durations)
    ratios: _Durations = field(default_factory=_Durations)

    @property
    def usable(self) -> int:
        """Slots that can be counted on."""
        return max(0, self.slots - self.lost)


class Fleet:
    """Keeps account of slots, and of how fast simulators are.

    Iterations are timed by their number, because the first includes a start and later ones may take
    ever longer; a simulator's own speed is a factor to what all of them take.

    Args:
        simulators: All of them; each is away until it is found.
    """

    def __init__(self, simulators: Iterable[SimulatorId]) -> None:
        self._members = {simulator: _Member() for simulator in simulators}
        self._by_number: dict[int, _Durations] = {}
        self._clock = 0.0
        self._busy_seconds = self._slot_seconds = 0.0

    # Who is there.

    def found(self, simulator: SimulatorId, slots: int, *, extendable: bool) -> None:
        """Note that a simulator is there."""
        member = self._members[simulator]
        member.slots, member.extendable, member.pause = slots, extendable, _FIRST_PAUSE

    def lost(self, simulator: SimulatorId) -> float | None:
        """Note that a simulator is away; return after how many seconds to look for it again.

        None says that it was away before, and is looked for already.
        """
        member = self._members[simulator]
        if not member.slots:
            return None
        member.slots = 0
        return self.missed(simulator)

    def missed(self, simulator: SimulatorId) -> float:
        """Return after how many seconds to look again for a simulator that did not answer."""
        member = self._members[simulator]
        pause, member.pause = member.pause, min(2.0 * member.pause, _LONGEST_PAUSE)
        return pause

    def is_there(self, simulator: SimulatorId) -> bool:
        """Whether a simulator has answered, and was not lost since."""
        return self._members[simulator].slots > 0

    @property
    def slots(self) -> int:
        """How many trials all that are there run at a time, without slots that are lost."""
        return sum(member.usable for member in self._members.values())

    def extendable(self, simulator: SimulatorId) -> bool:
        """Whether a simulator's trials can go on beyond their limit."""
        return self._members[simulator].extendable

    # Who is free.

    def occupy(self, simulator: SimulatorId) -> None:
        """Take a slot."""
        self._members[simulator].busy += 1

    def work(self, simulator: SimulatorId, slots: int) -> None:
        """Note in how many more slots, of those that are taken, iterations are under way; or fewer."""
        self._members[simulator].working += slots

    def lose(self, simulator: SimulatorId, slots: int) -> None:
        """Note that so many more slots that are taken are not counted on; or fewer."""
        self._members[simulator].lost += slots

    def release(self, simulator: SimulatorId) -> None:
        """Give a slot back."""
        self._members[simulator].busy -= 1

    @property
    def free(self) -> int:
        """How many slots are free."""
        return sum(max(0, member.slots - member.busy) for member in self._members.values())

    def best_for(
        self, tried: Collection[SimulatorId], *, urgent: bool = False
    ) -> SimulatorId | None:
        """Return the fastest free simulator that is none of those, if there is one.

        One that is not among those, but busy, is waited for; only when all that are there were
        tried may it be one of them again. What is urgent also waits rather than have a simulator
        that is much slower than the fastest.
        """
        there = {name: m for name, m in self._members.items() if m.usable}
        fresh = {name: m for name, m in there.items() if name not in tried} or there
        limit = _TOO_SLOW * min(map(self._pace, fresh), default=0.0) if urgent else inf
        free = [name for name, member in fresh.items() if member.busy < member.slots]
        fast = [name for name in free if self._pace(name) <= limit]
        return min(fast, key=self._pace, default=None)

    def others_than(self, simulator: SimulatorId) -> bool:
        """Whether any other simulator is there."""
        return any(m.usable for name, m in self._members.items() if name != simulator)

    def is_free_beside(self, simulator: SimulatorId) -> bool:
        """Whether any other simulator has a free slot."""
        others = (member for name, member in self._members.items() if name != simulator)
        return any(member.busy < member.slots for member in others)

    # How fast they are.

    def took(self, simulator: SimulatorId, seconds: float, *, number: int) -> None:
        """Note how long an iteration took."""
        member = self._members[simulator]
        member.durations.add(seconds)
        everybody = self._by_number.setdefault(number, _Durations())
        if len(everybody.latest) >= _ENOUGH and everybody.median > 0.0:
            member.ratios.add(seconds / everybody.median)
        everybody.add(seconds)

    def usual(self, simulator: SimulatorId, *, number: int) -> float | None:
        """Return how long an iteration usually takes on a simulator; None while that is unknown."""
        everybody = self._by_number.get(number)
        if everybody is None or len(everybody.latest) < _ENOUGH:
            return None
        ratios = self._members[simulator].ratios
        return everybody.median * (ratios.median if len(ratios.latest) >= _ENOUGH else 1.0)

    @property
    def slowest(self) -> float:
        """How long an iteration of the slowest simulator takes on average; 0 while that is unknown."""
        return max((member.durations.mean for member in self._members.values()), default=0.0)

    def _pace(self, simulator: SimulatorId) -> float:
        """Return how many times longer a simulator takes than all do; 1 while that is unknown."""
        ratios = self._members[simulator].ratios
        return ratios.median if ratios.latest else 1.0

    # How busy they are.

    def pass_time(self, at: float) -> None:
        """Account for the time since the last call: slots there are, and those that iterate."""
        passed = max(0.0, at - self._clock)
        self._clock = max(at, self._clock)
        for member in self._members.values():
            self._slot_seconds += passed * member.slots
            self._busy_seconds += passed * min(member.working, member.slots)

    @property
    def use(self) -> float:
        """The part of all slots' time in which iterations that were wanted were under way, of 1."""
        return self._busy_seconds / self._slot_seconds if self._slot_seconds else 0.0

    @property
    def busy(self) -> int:
        """How many slots are taken."""
        return sum(member.busy for member in self._members.values())
