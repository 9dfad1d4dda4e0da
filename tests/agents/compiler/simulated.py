"""Actors and tools of `simulated.yaml`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passel import Actor, ActorRef, handler
from passel.actors.tools import tool
from passel.agents.compiler import BudgetSpent, Compiler

if TYPE_CHECKING:
    from passel.protocols.chat import ChatRequest

PLAN = "\n".join(
    [
        *(f'{n}. safe("a")' for n in range(1, 5)),
        *(f"{n}. once($1, $2)" for n in range(5, 7)),
        *(f"{n}. safe($3, $4)" for n in range(7, 10)),
        "10. join()",
    ]
)


@tool(idempotent=True, retries=6, backoff=0.5, timeout=10.0, hedge_after=4.0)
async def safe(one: str, other: str = "") -> str:
    """Take two seconds."""
    await asyncio.sleep(2.0)
    return one + other


@tool(timeout=10.0)
async def once(one: str, other: str = "") -> str:
    """Take two seconds, and must not be called twice."""
    await asyncio.sleep(2.0)
    return one + other


def model(request: ChatRequest) -> str:
    """Plan, or judge."""
    if request.messages[0].content.startswith("You plan"):
        return PLAN
    return "Action: Finish(done)"


class Asker(Actor):
    """Asks again and again; every question must end, with an answer or for lack of time."""

    def __init__(self, *, compiler: ActorRef[Compiler]) -> None:
        self._compiler = compiler

    @handler
    async def ask(self, times: int) -> None:
        """Ask so many questions."""
        for number in range(times):
            answer = await self._compiler.answer.options(timeout=90.0)(f"question {number}")
            assert answer.answer == "done" or isinstance(answer.shortfall, BudgetSpent), answer
            assert answer.tasks == 9
