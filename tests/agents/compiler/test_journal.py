"""What is kept of unfinished runs, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.actors.chat import ScriptedModel
from passel.actors.tools import FunctionTools
from passel.agents.compiler import Budget, Compiler, CompilerSettings, RunJournal, Spent
from passel.agents.compiler.errors import JournalBoundsError
from passel.agents.compiler.journal import PlanKept, RunForgotten, RunKept, TaskKept, name_of
from passel.agents.compiler.messages import RunId
from passel.protocols.plan import TaskId, TaskOutcome
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 3600.0


def begun(journal: RunJournal, *runs: tuple[str, float]) -> None:
    for run, at in runs:
        journal.apply(RunKept(RunId(run), at))
        journal.apply(PlanKept(RunId(run), 0, f"plan of {run}"))


def test_runs_that_began_long_ago_are_forgotten() -> None:
    journal = RunJournal(max_age=DAY)
    begun(journal, ("a-1", 0.0), ("a-2", 0.5 * DAY), ("b-1", 1.25 * DAY))
    assert list(journal.snapshot()) == ["a-2", "b-1"]
    again = RunJournal(max_age=DAY)
    again.restore(journal.snapshot())
    begun(again, ("b-2", 1.75 * DAY))
    assert list(again.snapshot()) == ["b-1", "b-2"]


def test_of_too_many_runs_the_oldest_are_forgotten_and_what_comes_of_them_is_not_kept() -> None:
    journal = RunJournal(runs=2)
    begun(journal, ("a-1", 0.0), ("a-2", 1.0))
    journal.apply(RunForgotten(RunId("a-2")))
    begun(journal, ("a-3", 2.0), ("a-4", 3.0))
    journal.apply(PlanKept(RunId("a-1"), 1, "late"))
    kept = journal.snapshot()
    assert list(kept) == ["a-3", "a-4"]
    assert [done.plan for done in kept["a-3"].rounds] == ["plan of a-3"]


async def test_a_run_that_is_too_old_is_not_gone_on_with(tmp_path: Path) -> None:
    async with open_runtime(state=tmp_path) as runtime:
        for name, max_age, found in (("young", DAY, ["q-1"]), ("old", 1e-9, [])):
            named = runtime.options(name=name, durable=True)
            journal = await named.spawn(RunJournal, max_age=max_age)
            await journal.keep(RunKept(RunId("q-1")))
            await journal.keep(RunKept(RunId("r-1")))
            assert list(await journal.unfinished("q")) == found


@pytest.mark.parametrize(("runs", "max_age"), [(0, 1.0), (1, 0.0), (1, float("nan"))])
def test_a_journal_that_would_keep_nothing_is_refused(runs: int, max_age: float) -> None:
    with pytest.raises(JournalBoundsError, match="keeps nothing; give `runs` of 1 or more"):
        RunJournal(runs=runs, max_age=max_age)


async def test_a_run_that_goes_on_counts_what_was_spent_before(tmp_path: Path) -> None:
    """Its first life made three calls, of which one had a result that was written."""
    run = RunId(f"{name_of('q')}-1")
    done = TaskOutcome(id=TaskId(1), tool="echo", text='1. echo("a")', result="a", attempts=1)
    text = '1. echo("a")\n2. echo("b")\n3. echo("c")\n4. join()'
    spent = Spent(prompt_tokens=7, calls=3, cost=0.5, rounds=1)
    async with open_runtime(state=tmp_path) as runtime:
        journal = await runtime.options(name="journal", durable=True).spawn(RunJournal)
        for entry in (RunKept(run), PlanKept(run, 0, text), TaskKept(run, 0, done, spent)):
            await journal.keep(entry)
        model = await runtime.spawn(ScriptedModel, script=["Action: Finish(a)"])
        tools = await runtime.spawn(FunctionTools, functions=["tests.agents.compiler.crew:echo"])
        compiler = await runtime.spawn(
            Compiler,
            model=model,
            tools=[tools],
            journal=journal,
            settings=CompilerSettings(budget=Budget(calls=4)),
        )
        answer = await compiler.answer("q")
    assert (answer.answer, answer.spent.calls, answer.failed) == ("a", 4, 1)
    assert (answer.spent.rounds, answer.spent.cost) == (1, 0.5)
    assert answer.spent.prompt_tokens >= 7
