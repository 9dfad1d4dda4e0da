"""The program that a chaos run torments: a leader, its nodes, and counters that are told numbers.

`benchmarks/chaos.py` starts it, and again with `--resume` when it has killed it. It reads what to
do on standard input and says what happens on standard output, one JSON object a line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from passel import Actor, ActorRef, PasselError, Runtime, handler

CALLERS = 96
"""Messages under way at once."""

ASK_SECONDS = 30.0
"""Deadline of one message; its ask ends by then, whatever happens."""

ALL_BITS = (1 << 64) - 1


class Tally(Actor):
    """Takes numbers, and can tell whether one was missed or taken twice."""

    def __init__(self) -> None:
        self.count = self.total = self.squares = 0

    @handler
    async def take(self, number: int) -> int:
        """Take a number; return how many were taken."""
        self.count += 1
        self.total += number
        self.squares = (self.squares + number * number) & ALL_BITS
        return self.count

    @handler
    async def sums(self) -> tuple[int, int, int]:
        """Return count, sum and sum of squares of what was taken."""
        return self.count, self.total, self.squares

    def snapshot(self) -> tuple[int, int, int]:
        """Return the state, to be kept."""
        return self.count, self.total, self.squares

    def restore(self, state: tuple[int, int, int]) -> None:
        """Go on from a state that was kept."""
        self.count, self.total, self.squares = state


class Witness(Actor):
    """Dies with its node, so that somebody sees when that happens."""

    @handler
    async def stand(self) -> None:
        """Be there."""


class Voice:
    """Standard output as the driver reads it; whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def say(self, event: str, **facts: Any) -> None:
        """Tell the driver."""
        self._file.write(json.dumps({"event": event, **facts}) + "\n")
        self._file.flush()


class Leader:
    """One life of the leader."""

    def __init__(self, runtime: Runtime, nodes: list[str], voice: Voice) -> None:
        self._say = voice.say
        self._runtime = runtime
        self._nodes = nodes
        self._tallies: dict[str, ActorRef[Tally]] = {}

    async def start(self) -> None:
        """Start nodes and tallies."""
        async with asyncio.TaskGroup() as group:
            for node in self._nodes:
                group.create_task(self._start_node(node))
        self._say("up")

    async def _start_node(self, node: str) -> None:
        info = await self._runtime.start_node(node, max_restarts=1_000)
        self._say("node", node=node, life=info.life, pid=info.pid)
        options = self._runtime.options(
            node=node,
            name=f"tally-{node}",
            durable=True,
            max_restarts=1_000,
            timeout=ASK_SECONDS,
        )
        self._tallies[node] = await options.spawn(Tally)

    async def watch(self, node: str) -> None:
        """Say when a node is seen to die, and when its next life is there."""
        life = 1
        while True:
            with contextlib.suppress(PasselError):
                witness = await self._runtime.options(node=node).spawn(Witness)
                status = next(s for s in self._runtime.nodes() if s.node == node)
                if status.life != life:
                    life = status.life
                    self._say("node", node=node, life=life, pid=status.pid)
                await self._runtime.watch(witness)
                self._say("down", node=node, life=life, at=time.monotonic())
            await asyncio.sleep(0.01)  # its next life takes a while

    async def send(self, numbers: list[int]) -> None:
        """Tell the tallies numbers, each until it is acknowledged."""
        waiting = iter(numbers)
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(self._caller(waiting))

    async def _caller(self, waiting: Any) -> None:
        for number in waiting:
            tally = self._tallies[self._nodes[number % len(self._nodes)]]
            start = time.monotonic()
            while True:
                try:
                    await tally.take.options(timeout=ASK_SECONDS, key=str(number))(number)
                except PasselError as error:
                    self._say("failed", number=number, error=type(error).__name__)
                    await asyncio.sleep(0.02)
                else:
                    break
            took = time.monotonic() - start
            self._say("taken", number=number, seconds=round(took, 4))

    async def sums(self) -> dict[str, tuple[int, int, int]]:
        """Return what each tally has taken."""
        return {node: await tally.sums() for node, tally in self._tallies.items()}


async def run(words: argparse.Namespace) -> None:
    """Lead a runtime through one life."""
    voice = Voice()
    loop = asyncio.get_running_loop()
    numbers = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    runtime = Runtime(
        name=words.name,
        transport=words.transport,
        plain_tcp=words.transport == "tcp",
        run_directory=Path(words.run_directory),
        state=Path(words.state),
        resume=words.resume,
    )
    async with runtime, asyncio.TaskGroup() as group:
        leader = Leader(runtime, words.nodes.split(","), voice)
        await leader.start()
        watching = [group.create_task(leader.watch(node)) for node in words.nodes.split(",")]
        await leader.send(numbers)
        voice.say("sums", sums=await leader.sums())
        for task in watching:
            task.cancel()
    voice.say("stopped")


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--transport", required=True)
    parser.add_argument("--run-directory", required=True)
    parser.add_argument("--nodes", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--resume", action="store_true")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
