"""Plans beside ReAct: latency and tokens of the same questions, models and tools, in simulated time.

The questions have the shapes of ParallelQA's 113 (arXiv 2312.04511): so many branches, each a search
and a calculation, and one that needs them all. Their texts are not needed: a scripted model writes
the plan, the steps and the verdicts, at a pace of its own, and tools take times that are drawn once
for each call and are the same for both agents. Time is simulated, so the figures are those of the
agents and not of the machine: the same command gives the same numbers everywhere.

    python benchmarks/react.py          a table
    python benchmarks/react.py --json   one flat JSON object
"""

from __future__ import annotations

import asyncio
import math
import random
import re
from typing import TYPE_CHECKING, Any, Final

from measure import Samples, arguments, report

from passel import Runtime
from passel.actors.chat import ScriptedModel
from passel.actors.tools import FunctionTools, tool
from passel.agents.compiler import Compiler
from passel.agents.react import ReAct
from passel.runtime.simulation.world import World

if TYPE_CHECKING:
    from passel.protocols.chat import ChatRequest
    from passel.runtime.node.host import LeaderHost

BRANCHES: Final = {2: 21, 3: 31, 4: 31, 5: 30}
"""Questions of ParallelQA by their number of branches."""

FIRST_SECONDS: Final = 0.4
"""From a request to the model's first token."""

TOKEN_SECONDS: Final = 0.02
"""From one token to the next; the script takes four characters for one."""

MEDIAN_SECONDS: Final = 0.6
SPREAD: Final = math.log(3.0) / 2.326
"""Tools take log-normal times: the 99th percentile is three times the median."""

PASSAGE: Final = "It was measured, and the number that was found is 7. " * 8
"""What a search returns: about a hundred tokens."""


def seconds_of(call: str) -> float:
    """Return how long a call takes: always the same."""
    return MEDIAN_SECONDS * math.exp(random.Random(call).gauss(0.0, SPREAD))


@tool(concurrency=64, timeout=60.0)
async def search(query: str) -> str:
    """Return a passage about something.

    Args:
        query: What is sought.
    """
    await asyncio.sleep(seconds_of(f"search {query}"))
    return PASSAGE


@tool(concurrency=64, timeout=60.0)
async def calculate(what: str, context: list[Any]) -> float:
    """Return a number that follows from what is known.

    Args:
        what: What is wanted.
        context: What is known.
    """
    await asyncio.sleep(seconds_of(f"calculate {what}"))
    return float(len(context))


def calls_of(item: str, branches: int, *, written_out: bool) -> list[str]:
    """Return the calls of a question, with references or with results written out."""
    found = [f'search("subject {n} of question {item}")' for n in range(1, branches + 1)]
    for n in range(1, branches + 1):
        context = f'"{PASSAGE[:53].strip()}"' if written_out else f"${n}"
        found.append(f'calculate("the number of subject {n} of question {item}", [{context}])')
    results = ", ".join(
        "1.0" if written_out else f"${branches + n}" for n in range(1, branches + 1)
    )
    return [*found, f'calculate("the answer to question {item}", [{results}])']


def model(request: ChatRequest) -> str:
    """Say what planner, joiner or ReAct agent has to say next."""
    system, question = request.messages[0].content, request.messages[1].content
    found = re.search(r"question (\d+) with (\d) branches", question)
    assert found is not None, "every prompt has the question"
    item, branches = found[1], int(found[2])
    if system.startswith("You plan"):
        calls = calls_of(item, branches, written_out=False)
        lines = [f"{number}. {call}" for number, call in enumerate(calls, 1)]
        return "\n".join([*lines, f"{len(calls) + 1}. join()"])
    thought = "Thought: I have all the numbers that the question needs."
    if system.startswith("You read"):
        return f"{thought}\nAction: Finish({branches}.0)"
    calls = calls_of(item, branches, written_out=True)
    step = sum(message.role == "assistant" for message in request.messages)
    if step == len(calls):
        return f"{thought}\nAction: Finish({branches}.0)"
    return f"Thought: I need the next number that is missing.\nAction: {calls[step]}"


async def ask_both(host: LeaderHost) -> Samples:
    """Ask both agents every question, one after the other; return what each took."""
    samples: Samples = {}
    async with Runtime(host=host, seed=1) as runtime:
        said = await runtime.spawn(
            ScriptedModel, function="react:model", first=FIRST_SECONDS, pace=TOKEN_SECONDS, size=4
        )
        box = await runtime.spawn(FunctionTools, functions=[search, calculate])
        compiler = await runtime.spawn(Compiler, model=said, tools=[box])
        react = await runtime.spawn(ReAct, model=said, tools=[box])
        item = 0
        for branches, count in BRANCHES.items():
            for _ in range(count):
                item += 1
                question = f"question {item} with {branches} branches"
                planned = await compiler.answer.options(timeout=None)(question)
                looped = await react.answer.options(timeout=None)(question)
                assert planned.answer == looped.answer == f"{branches}.0"
                assert planned.spent.calls == looped.spent.calls == 2 * branches + 1
                for name, end in (("plan", planned), ("react", looped)):
                    spent = end.spent
                    tokens = spent.prompt_tokens + spent.completion_tokens
                    for key, value in {
                        f"{name}_seconds": end.seconds,
                        f"{name}_{branches}_branches_seconds": end.seconds,
                        f"{name}_prompt_tokens": spent.prompt_tokens,
                        f"{name}_completion_tokens": spent.completion_tokens,
                        f"{name}_tokens": tokens,
                    }.items():
                        samples.setdefault(key, []).append(float(value))
                samples.setdefault("latency_ratio", []).append(looped.seconds / planned.seconds)
                first = planned.first_call_seconds
                samples.setdefault("plan_first_call_seconds", []).append(first or 0.0)
    samples["tokens_ratio"] = [
        r / p for r, p in zip(samples["react_tokens"], samples["plan_tokens"], strict=True)
    ]
    return samples


def main() -> None:
    """Simulate, report."""
    parser = arguments(__doc__ or "")
    options = parser.parse_args()
    world = World(1)
    try:
        samples: Samples = world.run(ask_both)
    finally:
        world.close()
    report(
        samples, {"questions": sum(BRANCHES.values()), "time": "simulated"}, as_json=options.json
    )


if __name__ == "__main__":
    main()
