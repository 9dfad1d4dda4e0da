"""What the tick core is told, and what it tells its shell to do."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocols.cache import Answer, Epoch, Finish, Next, TickNumber, WorkerId

# --- Events --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The session is open: from `at` its workers are expected."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAsked:
    """A life of `worker` wants in."""

    worker: WorkerId
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`worker` has answered the last tick, or its admission, under `epoch`."""

    worker: WorkerId
    epoch: Epoch
    answer: Answer
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """The life of `worker` that joined under `epoch` is over; epoch None means any."""

    worker: WorkerId
    epoch: Epoch | None
    reason: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TickDone:
    """The model has run tick `number`."""

    number: TickNumber
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRead:
    """It is `at` now. Reading the clock too early or too often changes nothing."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAsked:
    """The session's owner ends it, or its model has failed."""

    reason: str
    failed: bool = False
    at: float


Event = Opened | JoinAsked | Answered | WorkerLost | TickDone | ClockRead | CloseAsked

# --- Effects -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Tell `worker` that it is in under `epoch`, with its log."""

    worker: WorkerId
    epoch: Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One worker's part in a tick."""

    worker: WorkerId
    epoch: Epoch
    answer: Next | Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTick:
    """Run the model once with `turns`, then report `TickDone`."""

    number: TickNumber
    turns: tuple[Turn, ...]
    missed: tuple[WorkerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Tell `workers` the result of the newest tick."""

    workers: tuple[WorkerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Refuse the answer just given; `epoch` is the worker's current one."""

    worker: WorkerId
    epoch: Epoch
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The epoch is over, for being `slow` or for good: tell whoever waits under it."""

    worker: WorkerId
    epoch: Epoch
    reason: str
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The worker has finished; unless it did so `in_tick`, no tick writes its last words."""

    worker: WorkerId
    finish: Finish
    in_tick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadClock:
    """Report `ClockRead` at the given time."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The session is over; tell everybody who waits."""

    reason: str
    answer: str | None = None
    found_by: WorkerId | None = None
    failed: bool = False


Effect = Admit | RunTick | Deliver | Refuse | Fence | Leave | ReadClock | Close
