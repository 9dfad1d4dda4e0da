"""What a session tells its workers and its audience."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...protocols.cache import Draw, Record, RuleName, SessionId, TextGrown, WorkerId
from .step_rule import StepSettings


class TeamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a team works.

    Attributes:
        layout: How the workers' blocks stand in a view: `combined` or `contiguous`.
        headers: Markers between blocks are computed `contextual` (behind the prompt) or `isolated`.
        draw: How tokens are drawn.
        steps: How every worker writes; prefix and first words come from the prompt.
        delegate: Let the cache run the step rules: a tick then needs no round trip.
        tick_deadline: Seconds a tick waits for a worker; None waits for ever.
        join_deadline: Seconds the first tick waits for workers that have not come yet.
        return_deadline: Seconds a dead worker has to come back.
        open_timeout: Seconds that the prompt may take to compute.
        answer_tokens: Tokens the finisher may draw when no worker found an answer.
    """

    layout: Literal["combined", "contiguous"] = "combined"
    headers: Literal["contextual", "isolated"] = "contextual"
    draw: Draw = Draw(temperature=0.5, top_p=0.9, banned=("#", "##", "###", "####"))
    steps: StepSettings = StepSettings()
    delegate: bool = False
    tick_deadline: float | None = 2.0
    join_deadline: float | None = 60.0
    return_deadline: float = 15.0
    open_timeout: float = 300.0
    answer_tokens: int = 16


class WorkerTask(Record, frozen=True, kw_only=True):
    """One worker's part in a session.

    Attributes:
        session: The session on the cache.
        worker: The name it works under.
        settings: How it writes.
        delegate: The rule that the cache is to run in its stead, if any.
    """

    session: SessionId
    worker: WorkerId
    settings: StepSettings
    delegate: RuleName | None = None


class WorkerReport(Record, frozen=True, kw_only=True):
    """How a worker's part ended.

    Attributes:
        worker: Whose.
        reason: Why it ended.
        epochs: Under how many epochs it worked.
        done: Whether it finished, the session closed, or a newer life took over.
    """

    worker: WorkerId
    reason: str
    epochs: int
    done: bool = True


class Prepared(Record, frozen=True, kw_only=True):
    """The prompt is in the cache; the workers begin."""

    prompt_tokens: int
    seconds: float
    workers: tuple[WorkerId, ...]


class WorkerLost(Record, frozen=True, kw_only=True):
    """A worker's process or actor is gone, or too slow; the others go on."""

    lost: WorkerId
    cause: str


class WorkerReturned(Record, frozen=True, kw_only=True):
    """A worker has resumed from its token log, under a new epoch."""

    returned: WorkerId
    epoch: int


class Solution(Record, frozen=True, kw_only=True):
    """What the team answered, beside what is known.

    Attributes:
        answer: The answer, None when there is none.
        known: The known answer, empty without one.
        right: Whether both say the same; None without a known one.
        found_by: The worker that found it, or `finisher`.
        tokens: Tokens drawn for all workers.
        ticks: Forward passes in which they were drawn: the serial steps of the team.
        tokens_per_second: Tokens of the whole team by the time of its ticks.
        prompt_seconds: Time to compute the prompt.
        first_text_seconds: From the question to the first word.
        seconds: From the question to the answer.
        lost: Workers whose epochs were fenced.
        note: What a reader should know of the figure.
    """

    answer: str | None
    known: str
    right: bool | None
    found_by: str
    tokens: int
    ticks: int
    tokens_per_second: float
    prompt_seconds: float
    first_text_seconds: float
    seconds: float
    lost: int
    note: str


SolveEvent = Prepared | TextGrown | WorkerLost | WorkerReturned | Solution
"""What a session's audience is told; a `Solution` is the last."""
