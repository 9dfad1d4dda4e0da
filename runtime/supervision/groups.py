"""Decides what a group of actors does when one of them fails. Pure: knows no clock, task or node.

The rules are those of OTP's supervisors. `one_for_one` restarts the member that failed,
`one_for_all` every member, `rest_for_one` it and those that joined after it. Members are ended
one after the other, the latest first, and made anew in the order in which they joined. More than
`max_restarts` failures within `within` seconds end the group, and escalate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from .policy import Failed as Failure
from .policy import GiveUp, RestartPolicy

if TYPE_CHECKING:
    from ...protocols.control import GroupOptions


# Events.


@dataclass(frozen=True, slots=True)
class Joined:
    """A member has been spawned."""

    member: str


@dataclass(frozen=True, slots=True)
class Left:
    """A member has ended for good, by an order or by its own directive."""

    member: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A member has failed at time `at` (seconds); it waits to be made anew."""

    member: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Lost:
    """Members are gone with their node, at time `at`; they are to live again."""

    members: tuple[str, ...]
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Escalated:
    """A member's failure is beyond the group, or the member cannot be made anew."""

    member: str
    reason: str


@dataclass(frozen=True, slots=True)
class Halted:
    """The member's object has been ended, as ordered."""

    member: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The member runs again, as ordered."""

    member: str


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The member could not be made anew, at time `at`."""

    member: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Waited:
    """The pause that was ordered under this ticket is over."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The group is to end, by an order."""


Event: TypeAlias = (
    Joined | Left | Failed | Lost | Escalated | Halted | Restarted | StartFailed | Waited | Closed
)


# Effects.


@dataclass(frozen=True, slots=True)
class Halt:
    """End the member's object; its mailbox waits. Answer with `Halted`."""

    member: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Answer with `Waited` in so many seconds."""

    seconds: float
    ticket: int


@dataclass(frozen=True, slots=True)
class Start:
    """Make the member anew. Answer with `Restarted` or `StartFailed`; with neither if its node dies."""

    member: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the member for good. Answer with `Left`."""

    member: str
    reason: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """The group gives up: whoever is above it hears of that before its members end."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Every member has ended, and so has the group."""

    reason: str


Effect: TypeAlias = Halt | Wait | Start | Stop | Escalate | Ended


class State(Enum):
    """What a member is doing, as far as its group knows."""

    UP = "up"
    HALTING = "halting"
    DOWN = "down"
    STARTING = "starting"
    STOPPING = "stopping"


_RUNNING: Final = (State.UP, State.STARTING)


class _Member:
    """One member: its state, and whether it must be ended before the restart goes on."""

    __slots__ = ("due", "name", "state")

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State.UP
        self.due = False


class _Round:
    """One restart under way: of a whole group, or of one member under `one_for_one`.

    First whoever is due is ended, then a pause is waited for, then whoever is down is made anew.
    """

    __slots__ = ("pause", "ticket")

    def __init__(self) -> None:
        self.pause: float | None = None
        self.ticket = 0


_ALL: Final = ""
"""Key of the one round of a group whose members do not restart alone."""


class Group:
    """The members of one group in the order in which they joined, and what happens to them.

    Args:
        options: Strategy and limits.

    Attributes:
        reason: Why it ends or has ended; empty while it lives.
        restarts: Restarts of members so far.
        last: The last failure, in words.
    """

    def __init__(self, options: GroupOptions) -> None:
        self._options = options
        self._policy = RestartPolicy(options)
        self._members: dict[str, _Member] = {}
        self._rounds: dict[str, _Round] = {}
        self._tickets = 0
        self._escalates: list[Effect] = []
        self._over = False
        self.reason = ""
        self.restarts = 0
        self.last = ""

    @property
    def members(self) -> dict[str, State]:
        """The members' states, in the order in which they joined."""
        return {name: member.state for name, member in self._members.items()}

    @property
    def state(self) -> str:
        """One word for status displays."""
        if self.reason:
            return "ended" if self._over else "stopping"
        return "restarting" if self._rounds else "running"

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return what the shell must do, in order."""
        if self._over:
            return [Stop(event.member, self.reason)] if isinstance(event, Joined) else []
        if isinstance(event, Lost):
            self._lost(event)
        elif isinstance(event, Waited):
            self._waited(event)
        elif isinstance(event, Closed):
            self._end("it was stopped")
        else:
            self._of_member(event)
        return self._stops() if self.reason else self._steps()

    # Events.

    def _of_member(
        self, event: Joined | Left | Failed | Escalated | Halted | Restarted | StartFailed
    ) -> None:
        if isinstance(event, Joined):
            self._members[event.member] = _Member(event.member)
            return
        member = self._members.get(event.member)
        if member is None:
            return  # it has left meanwhile
        if isinstance(event, Left):
            del self._members[event.member]
        elif isinstance(event, Failed):
            if member.state in _RUNNING and not member.due:
                self._fail([member], event.reason, event.at)
        elif isinstance(event, Escalated):
            self.last = f"{event.member}: {event.reason}"
            self._give_up(f"{event.member} escalated: {event.reason}")
        elif isinstance(event, Halted):
            self._settle(member, State.HALTING, State.DOWN)
        elif isinstance(event, Restarted):
            self.restarts += member.state is State.STARTING
            self._settle(member, State.STARTING, State.UP)
        elif member.state is State.STARTING:
            member.state = State.DOWN
            member.due = False
            self._fail([member], event.reason, event.at)

    def _settle(self, member: _Member, before: State, after: State) -> None:
        """An order has been carried out, unless the member's node died over it."""
        if member.state is before:
            member.state = after

    def _lost(self, event: Lost) -> None:
        lost = [self._members[name] for name in event.members if name in self._members]
        if self.reason:  # an ending group does not wait for those that are gone
            for member in lost:
                del self._members[member.name]
            return
        news = [m for m in lost if m.state in _RUNNING and not m.due]
        for member in lost:
            member.state = State.DOWN
            member.due = False
        if news:  # else they were being restarted anyway
            self._fail(news, event.reason, event.at)

    def _waited(self, event: Waited) -> None:
        for work in self._rounds.values():
            if work.ticket == event.ticket:
                work.pause = None

    # Decisions.

    def _fail(self, failed: list[_Member], reason: str, at: float) -> None:
        """Count one failure, and mark everybody whom it concerns for a restart."""
        self.last = f"{failed[0].name}: {reason}"
        effect = self._policy.handle(Failure(at))
        if isinstance(effect, GiveUp):
            times = f"{effect.failures} times within {effect.within:g} s"
            self._give_up(f"its members failed {times}, the last one {self.last}")
            return
        alone = self._options.strategy == "one_for_one"
        for member in failed:
            work = self._rounds.setdefault(member.name if alone else _ALL, _Round())
            work.pause = effect.after
            work.ticket = 0
            for other in self._affected(member):
                other.due = other.state in _RUNNING

    def _affected(self, member: _Member) -> list[_Member]:
        """Return whom a failure of `member` concerns, itself included."""
        if self._options.strategy == "one_for_one":
            return [member]
        members = list(self._members.values())
        if self._options.strategy == "one_for_all":
            return members
        return members[members.index(member) :]

    def _give_up(self, reason: str) -> None:
        if not self.reason:
            self._escalates.append(Escalate(reason))
            self._end(reason)

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._rounds.clear()

    # Effects.

    def _steps(self) -> list[Effect]:
        """Take every restart that is under way one step further."""
        effects: list[Effect] = []
        for key, work in list(self._rounds.items()):
            mine = [m for m in self._members.values() if key in (_ALL, m.name)]
            if any(m.state in (State.HALTING, State.STARTING) for m in mine):
                continue
            due = [m for m in mine if m.due]
            down = [m for m in mine if m.state is State.DOWN]
            if due:
                due[-1].due = False
                due[-1].state = State.HALTING
                effects.append(Halt(due[-1].name))
            elif work.pause is not None:
                if not work.ticket:
                    self._tickets = work.ticket = self._tickets + 1
                    effects.append(Wait(work.pause, work.ticket))
            elif down:
                down[0].state = State.STARTING
                effects.append(Start(down[0].name))
            else:
                del self._rounds[key]
        return effects

    def _stops(self) -> list[Effect]:
        """End the members one after the other, the latest first; then the group."""
        effects, self._escalates = self._escalates, []
        members = list(self._members.values())
        if not members:
            self._over = True
            effects.append(Ended(self.reason))
        elif not any(m.state is State.STOPPING for m in members):
            members[-1].state = State.STOPPING
            effects.append(Stop(members[-1].name, f"its group ended: {self.reason}"))
        return effects
