"""Runs in which whatever can go wrong does, in virtual time: each ends, and says how."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.chat.errors import AnswerBrokenError, EndpointUnreachableError
from passel.actors.tools import ToolFailedError, ToolTimeoutError
from passel.agents.compiler.messages import (
    Answer,
    CompilerSettings,
    RunEvent,
    TaskPlanned,
    TaskSettled,
)
from passel.agents.toolrun.budget import Budget
from passel.protocols.chat import ChatEnded, ChatPiece, ChatRequest, TextDelta, Usage
from passel.protocols.errors import DeadActorError, DeadlineError
from passel.protocols.tools import ToolCall, ToolPolicy, ToolSpec
from tests.agents.compiler.fakes import run_with
from tests.runtime.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

RUNS = 1_000
BATCHES = 4
PARAMETERS = {
    "type": "object",
    "properties": {"a": {}, "b": {}, "c": {}},
    "required": [],
}
ONCE = ToolSpec(name="once", description="Once.", parameters=PARAMETERS,
                policy=ToolPolicy(timeout=5.0, concurrency=2))  # fmt: skip
SAFE = ToolSpec(name="safe", description="Safe.", parameters=PARAMETERS,
                policy=ToolPolicy(timeout=5.0, concurrency=3, retries=2, idempotent=True,
                                  hedge_after=2.0))  # fmt: skip
FAULTS = (
    ToolFailedError("safe", "ValueError", "no"),
    ToolTimeoutError("safe", 5.0),
    DeadActorError("there/tools", "its process was killed by SIGKILL"),
    RuntimeError("of a kind that nobody foresaw"),
)


class Chance:
    """A run's planner, joiner and tools, all of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rounds = 0
        self.calls = 0
        self.first = 1

    def plan_text(self) -> str:
        """Return a plan, sound or not."""
        draw = self.random
        lines = []
        count = draw.randint(0, 8)
        for number in range(self.first, self.first + count):
            needs = [draw.randint(max(1, number - 4), number) for _ in range(draw.randint(0, 2))]
            tool = draw.choice(["once", "safe", "safe", "unknown"])
            closing = ")" if draw.random() < 0.95 else ""
            lines.append(f"{number}. {tool}({', '.join(f'${n}' for n in needs)}{closing}")
        self.first += count
        lines += [f"{self.first}. join()"] if draw.random() < 0.8 else []
        return "\n".join(lines)

    async def plan(self, _: ChatRequest) -> AsyncIterator[ChatPiece]:
        """Write a plan in pieces, with pauses; break off, or stall for ever, now and then."""
        self.rounds += 1
        async with aclosing(self.write(self.plan_text())) as pieces:
            async for piece in pieces:
                yield piece

    async def join(self, _: ChatRequest) -> AsyncIterator[ChatPiece]:
        """Say one verdict or another, or nonsense."""
        said = self.random.choice(["Action: Finish(ok)", "Action: Replan(more)", "Well."])
        async with aclosing(self.write(said)) as pieces:
            async for piece in pieces:
                yield piece

    async def write(self, text: str) -> AsyncGenerator[ChatPiece]:
        draw = self.random
        fate = draw.random()
        end = draw.randint(0, len(text)) if fate < 0.15 else len(text)
        for start in range(0, end, 7):
            await asyncio.sleep(draw.choice([0.0, 0.0, 0.3]))
            yield TextDelta(text[start : min(end, start + 7)])
        if fate < 0.05:
            raise AnswerBrokenError("model", pieces=1, reason="the connection is lost")
        if fate < 0.1:
            raise EndpointUnreachableError("model", reason="nobody is there")
        if fate < 0.15:
            await asyncio.sleep(120.0)  # the stream's deadline
            raise DeadlineError("model.chat", 120.0, "its end")
        yield ChatEnded(reason="stop", usage=Usage(prompt=10, completion=10))

    async def do(self, call: ToolCall) -> Any:
        """Do a call, or fail in one of many ways."""
        self.calls += 1
        await asyncio.sleep(self.random.choice([0.0, 0.1, 1.0, 4.0]))
        if self.random.random() < 0.3:
            raise self.random.choice(FAULTS)
        return call.key


def fate_of(seed: int) -> tuple[Answer, list[RunEvent], Chance]:
    """Carry out one run in virtual time."""
    chance = Chance(seed)
    events: list[RunEvent] = []
    budget = Budget(
        calls=chance.random.choice([None, 5]),
        seconds=chance.random.choice([None, 3.0]),
        tokens=chance.random.choice([None, 70]),
    )
    early = chance.random.choice([None, 1.0])
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()

        async def main() -> Answer:
            run = run_with(
                chance.plan, chance.join, {"once": ONCE, "safe": SAFE}, chance.do,
                now=loop.time, settings=CompilerSettings(budget=budget, join_early=early), tell=events.append,
            )  # fmt: skip
            async with asyncio.timeout(1_000.0):  # virtual seconds
                answer = await run.carry_out()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"seed {seed}: {left}"
            return answer

        return runner.run(main()), events, chance


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_run_hangs_whatever_goes_wrong(batch: int) -> None:
    seen: dict[str, int] = {}
    for seed in range(batch * RUNS // BATCHES, (batch + 1) * RUNS // BATCHES):
        answer, events, chance = fate_of(seed)
        kind = type(answer.shortfall).__name__ if answer.shortfall else "Answer"
        seen[kind] = seen.get(kind, 0) + 1
        assert (answer.answer is None) == (answer.shortfall is not None)
        assert events[-1] is answer
        assert chance.calls <= answer.spent.calls  # one may be cancelled before it begins
        planned = [(e.round, e.task) for e in events if isinstance(e, TaskPlanned)]
        settled = [(e.round, e.outcome.id) for e in events if isinstance(e, TaskSettled)]
        assert set(planned) <= set(settled)
        assert len(planned) == len(set(planned))
    assert len(seen) == 5, f"every kind of end comes up: {seen}"
