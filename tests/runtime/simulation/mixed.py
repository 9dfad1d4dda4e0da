"""A crew that uses all that a runtime offers, and the invariants that must hold of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator  # noqa: TC003  # handler hints are read at run time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from passel import Actor, ActorRef, handler
from passel.protocols.errors import ActorError
from passel.runtime.simulation import Invariants, Outcome

if TYPE_CHECKING:
    from passel import Runtime

OPERATIONS = (
    "add",
    "add",
    "add",
    "slow",
    "note",
    "note",
    "note",
    "peek",
    "count",
    "leave",
    "block",
)


@dataclass(frozen=True)
class Sheet:
    """What one life of a tally knows: numbers that were added, in order, by client."""

    born: int
    added: dict[str, list[int]]


class Tally(Actor):
    """Keeps numbers, and fails on demand."""

    def __init__(self) -> None:
        self.born = 0
        self.added: dict[str, list[int]] = {}
        self.noted: dict[str, int] = {}

    async def started(self) -> None:
        self.born = self.context.random.getrandbits(48)

    @handler
    async def add(self, client: str, number: int, pause: float) -> int:
        """Take a number; say in which life."""
        await self.context.sleep(pause)
        self.added.setdefault(client, []).append(number)
        return self.born

    @handler
    async def note(self, client: str, number: int) -> None:
        """Take a number that nobody waits for; they come in ascending order."""
        last = self.noted.get(client, 0)
        assert number > last, f"{client} noted {number} after {last}"
        self.noted[client] = number

    @handler(concurrent=True)
    async def peek(self, pause: float) -> int:
        """Wait beside the mailbox."""
        await self.context.sleep(pause)
        return len(self.added)

    @handler
    async def block(self) -> int:
        """Do work that blocks."""
        return await self.context.run_blocking(sum, range(10))

    @handler
    async def fail(self) -> None:
        """Fail; as a tell it restarts the actor."""
        raise ValueError("on demand")

    @handler
    async def count(self, to: int) -> AsyncIterator[int]:
        """Stream numbers."""
        for number in range(to):
            yield number

    @handler
    async def sheet(self) -> Sheet:
        """Return what is known."""
        return Sheet(self.born, self.added)


@dataclass(frozen=True)
class Added:
    """A number that a tally has acknowledged."""

    tally: int
    born: int
    number: int


@dataclass(frozen=True)
class Report:
    """What a client has done."""

    client: str
    acknowledged: list[Added] = field(default_factory=list)
    failed: int = 0


class Client(Actor):
    """Uses every tally in every way, and bears what goes wrong."""

    def __init__(self, tallies: list[ActorRef[Tally]]) -> None:
        self.tallies = tallies
        self.number = 0

    @handler
    async def work(self, rounds: int) -> Report:
        """Do some rounds of work."""
        report = Report(f"{self.context.address.incarnation}/{self.context.name}")
        for _ in range(rounds):
            try:
                async with asyncio.TaskGroup() as group:
                    for index in range(len(self.tallies)):
                        group.create_task(self._use(report, index))
                await self.context.sleep(self.context.random.uniform(0.0, 0.4))
            except* ActorError:
                object.__setattr__(report, "failed", report.failed + 1)
                await self.context.sleep(0.1)
        return report

    async def _use(self, report: Report, index: int) -> None:
        tally, chance = self.tallies[index], self.context.random
        self.number += 1
        number = self.number
        match chance.choice(OPERATIONS):
            case "add" | "slow" as how:
                pause = chance.uniform(0.0, 0.2) if how == "slow" else 0.0
                timeout = chance.choice((0.05, 1.0, 5.0))
                born = await tally.add.options(timeout=timeout)(report.client, number, pause)
                report.acknowledged.append(Added(index, born, number))
            case "note":
                for _ in range(3):
                    self.number += 1
                    await tally.note.tell(report.client, self.number)
                if chance.random() < 0.05:
                    await tally.fail.tell()
            case "peek":
                await tally.peek.options(timeout=2.0)(chance.uniform(0.0, 0.1))
            case "count":
                got = [n async for n in tally.count.options(timeout=5.0)(20)]
                assert got == list(range(20)), got
            case "leave":
                async for _ in tally.count.options(timeout=5.0)(50):
                    if chance.random() < 0.2:
                        break
            case "block":
                await tally.block.options(timeout=5.0)()


class Driver(Actor):
    """Keeps every client at work; it lives beside the leader and outlives all faults."""

    def __init__(self, clients: list[ActorRef[Client]]) -> None:
        self.clients = clients

    @handler
    async def drive(self, rounds: int, times: int) -> list[Report]:
        """Let every client work, again and again."""
        found: list[list[Report]] = await asyncio.gather(
            *(self._drive(client, rounds, times) for client in self.clients)
        )
        return [report for reports in found for report in reports]

    async def _drive(self, client: ActorRef[Client], rounds: int, times: int) -> list[Report]:
        reports = []
        for _ in range(times):
            try:
                reports.append(await client.work.options(timeout=30.0)(rounds))
            except ActorError:
                await self.context.sleep(0.5)
        return reports


class Kept(Invariants):
    """What was acknowledged is there, once; nothing is there twice."""

    async def after(self, runtime: Runtime, outcome: Outcome) -> None:
        """Compare what clients were told with what tallies know."""
        acknowledged: dict[tuple[int, int], list[tuple[str, int]]] = {}
        for report in outcome.value or ():
            for entry in report.acknowledged:
                key = (entry.tally, entry.born)
                acknowledged.setdefault(key, []).append((report.client, entry.number))
        for index in range(3):
            try:
                tally = await runtime.lookup(f"tally-{index}", Tally)
                sheet = await tally.sheet()
            except ActorError:
                continue  # given up, as its supervision says
            there = [(client, n) for client, numbers in sheet.added.items() for n in numbers]
            assert len(there) == len(set(there)), f"tally {index} has numbers twice: {there}"
            missing = set(acknowledged.get((index, sheet.born), [])) - set(there)
            assert not missing, f"tally {index} lost what it acknowledged: {missing}"
