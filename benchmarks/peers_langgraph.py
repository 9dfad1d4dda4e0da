"""Graphs of tasks on LangGraph's StateGraph: one node a task, run in an environment of its own.

Called by `plan.py --peers langgraph`; prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import operator
import statistics
import time
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from shapes import SHAPES, Shape, Times, critical


class State(TypedDict):
    """Results by task; each node adds its own."""

    results: Annotated[dict[int, Any], operator.or_]


def graph_of(shape: Shape, times: Times) -> Any:
    """Return a compiled graph in which each task is a node behind those that it needs."""
    graph = StateGraph(State)
    needed = {n for task in shape for n in task.needs}

    for task in shape:

        async def node(state: State, number: int = task.id, seconds: float = task.seconds) -> State:
            begin = time.perf_counter()
            await asyncio.sleep(seconds)
            times[number] = (begin, time.perf_counter())
            return {"results": {number: times[number]}}

        graph.add_node(str(task.id), node)
    for task in shape:
        sources = [str(n) for n in task.needs]
        graph.add_edge(sources or START, str(task.id))
        if task.id not in needed:
            graph.add_edge(str(task.id), END)
    return graph.compile()


async def ratio(shape: Shape) -> float:
    """Return makespan over the critical path of what the tasks really took."""
    times: Times = {}
    graph = graph_of(shape, times)
    began = time.perf_counter()
    await graph.ainvoke({"results": {}}, {"recursion_limit": 10_000})
    ended = time.perf_counter()
    return (ended - began) / (critical(shape, times, dict.fromkeys(times, began)) - began)


async def main() -> None:
    """Measure every shape once, after a warm-up."""
    await ratio(SHAPES["diamond"][0])
    found = {
        f"{name}_ratio": statistics.median([await ratio(shape) for shape in shapes])
        for name, shapes in SHAPES.items()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
