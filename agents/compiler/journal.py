"""Keeps what unfinished runs have done, so that a resumed run repeats no finished call."""

from __future__ import annotations

import hashlib

import msgspec

from ...actors import Actor, handler
from ...protocols.plan import TaskOutcome  # noqa: TC001  # hints are read at run time
from .messages import RunId
from .verdict import Verdict  # noqa: TC001  # hints are read at run time


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


class RunKept(msgspec.Struct, frozen=True, tag="run"):
    """A run begins; its calls have keys that begin with its name."""

    run: RunId


class PlanKept(msgspec.Struct, frozen=True, tag="plan"):
    """The plan of a round is whole; rounds count from 0."""

    run: RunId
    round: int
    plan: str


class TaskKept(msgspec.Struct, frozen=True, tag="task"):
    """A task has a result."""

    run: RunId
    round: int
    outcome: TaskOutcome


class VerdictKept(msgspec.Struct, frozen=True, tag="verdict"):
    """A round has its verdict."""

    run: RunId
    round: int
    verdict: Verdict


class RunForgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    """A run is over."""

    run: RunId


Entry = RunKept | PlanKept | TaskKept | VerdictKept | RunForgotten


class RunJournal(Actor):
    """Remembers unfinished runs; spawn it durable, so that it outlives its process.

    A result is written before `keep` returns. A call whose result was not yet written when everything
    was killed is made again, under the same key.
    """

    def __init__(self) -> None:
        self._runs: dict[RunId, list[KeptRound]] = {}

    def snapshot(self) -> dict[str, list[KeptRound]]:
        """Return all unfinished runs."""
        return {str(run): rounds for run, rounds in self._runs.items()}

    def restore(self, state: dict[str, list[KeptRound]]) -> None:
        """Go on from a snapshot."""
        self._runs = {RunId(run): rounds for run, rounds in state.items()}

    def apply(self, event: Entry) -> None:
        """Take one entry in."""
        if isinstance(event, RunForgotten):
            self._runs.pop(event.run, None)
            return
        rounds = self._runs.setdefault(event.run, [])
        if isinstance(event, RunKept):
            return
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
        self.context.journal(entry)

    @handler
    async def unfinished(self, question: str) -> dict[str, list[KeptRound]]:
        """Return the unfinished runs for a question, as `name_of` names it, with their rounds."""
        return {
            str(run): rounds for run, rounds in self._runs.items() if run.startswith(f"{question}-")
        }


def name_of(question: str) -> str:
    """Return what the names of all runs for a question begin with."""
    return hashlib.blake2b(question.strip().encode(), digest_size=8).hexdigest()
