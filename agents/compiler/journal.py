"""Keeps what unfinished runs have done, so that a resumed run repeats no finished call."""

from __future__ import annotations

import hashlib
import time
from typing import Final

import msgspec

from ...actors import Actor, handler
from ...protocols.plan import TaskOutcome  # noqa: TC001  # hints are read at run time
from ..notation.verdict import Verdict  # noqa: TC001  # hints are read at run time
from ..toolrun.budget import Spent
from .errors import JournalBoundsError
from .messages import RunId

RUNS: Final = 1_000
"""How many unfinished runs a journal keeps if nothing else is said."""

MAX_AGE: Final = 7 * 24 * 3600.0
"""For how many seconds it keeps one: a week."""


class KeptRound(msgspec.Struct, kw_only=True):
    """One round of an unfinished run.

    Attributes:
        plan: The plan as it was written, once it is whole; else None.
        outcomes: Tasks that have results.
        verdict: The verdict, once there is one.
    """

    plan: str | None = None
    outcomes: list[TaskOutcome] = []
    verdict: Verdict | None = None


class KeptRun(msgspec.Struct, kw_only=True):
    """An unfinished run.

    Attributes:
        began: When it began, in seconds since 1970.
        rounds: What it has done.
        spent: What it had taken when its latest entry was written.
    """

    began: float
    rounds: list[KeptRound] = []
    spent: Spent = Spent()


class RunKept(msgspec.Struct, frozen=True, tag="run"):
    """A run begins; its calls have keys that begin with its name. The journal says when: `at`."""

    run: RunId
    at: float = 0.0


class PlanKept(msgspec.Struct, frozen=True, tag="plan"):
    """The plan of a round is whole; rounds count from 0."""

    run: RunId
    round: int
    plan: str
    spent: Spent = Spent()


class TaskKept(msgspec.Struct, frozen=True, tag="task"):
    """A task has a result."""

    run: RunId
    round: int
    outcome: TaskOutcome
    spent: Spent = Spent()


class VerdictKept(msgspec.Struct, frozen=True, tag="verdict"):
    """A round has its verdict."""

    run: RunId
    round: int
    verdict: Verdict
    spent: Spent = Spent()


class RunForgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    """A run is over."""

    run: RunId


Entry = RunKept | PlanKept | TaskKept | VerdictKept | RunForgotten


class RunJournal(Actor):
    """Remembers unfinished runs; spawn it durable, so that it outlives its process.

    A result is written before `keep` returns. A call whose result was not yet written when everything
    was killed is made again, under the same key.

    Runs that nobody asks for again do not stay for ever: those that began long ago are forgotten,
    since their results may be true no more, and of too many the oldest are.

    Args:
        runs: Most unfinished runs that are kept.
        max_age: Seconds after its beginning for which a run is kept.

    Raises:
        JournalBoundsError: One of the bounds keeps nothing.
    """

    def __init__(self, *, runs: int = RUNS, max_age: float = MAX_AGE) -> None:
        if runs < 1 or not max_age > 0.0:
            raise JournalBoundsError(runs, max_age)
        self._most, self._max_age = runs, max_age
        self._runs: dict[RunId, KeptRun] = {}

    def snapshot(self) -> dict[str, KeptRun]:
        """Return all unfinished runs."""
        return {str(run): kept for run, kept in self._runs.items()}

    def restore(self, state: dict[str, KeptRun]) -> None:
        """Go on from a snapshot."""
        self._runs = {RunId(run): kept for run, kept in state.items()}

    def apply(self, event: Entry) -> None:
        """Take one entry in; those of a run that was forgotten change nothing."""
        if isinstance(event, RunForgotten):
            self._runs.pop(event.run, None)
            return
        if isinstance(event, RunKept):
            self._begin(event)
            return
        if event.run not in self._runs:
            return
        self._runs[event.run].spent = event.spent
        rounds = self._runs[event.run].rounds
        while len(rounds) <= event.round:
            rounds.append(KeptRound())
        kept = rounds[event.round]
        match event:
            case PlanKept(plan=plan):
                kept.plan = plan
            case TaskKept(outcome=outcome):
                kept.outcomes.append(outcome)
            case VerdictKept(verdict=verdict):
                kept.verdict = verdict

    @handler
    async def keep(self, entry: Entry) -> None:
        """Write an entry down."""
        if isinstance(entry, RunKept):
            entry = msgspec.structs.replace(entry, at=time.time())
        self.context.journal(entry)

    @handler
    async def unfinished(self, question: str) -> dict[str, KeptRun]:
        """Return the unfinished runs for a question, as `name_of` names it."""
        since = time.time() - self._max_age
        return {
            str(run): kept
            for run, kept in self._runs.items()
            if run.startswith(f"{question}-") and kept.began >= since
        }

    def _begin(self, event: RunKept) -> None:
        self._runs.setdefault(event.run, KeptRun(began=event.at))
        since = event.at - self._max_age
        for run in [run for run, kept in self._runs.items() if kept.began < since]:
            del self._runs[run]
        while len(self._runs) > self._most:
            del self._runs[next(iter(self._runs))]


def name_of(question: str) -> str:
    """Return what the names of all runs for a question begin with."""
    return hashlib.blake2b(question.strip().encode(), digest_size=8).hexdigest()
