"""A crew that uses all that a runtime offers, and the invariants that must hold of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator  # noqa: TC003  # handler hints are read at run time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from passel import Actor, ActorRef, handler
from passel.protocols.errors import DeadActorError, PasselError, RemoteError
from passel.runtime.simulation import Invariants, Outcome

if TYPE_CHECKING:
    from passel import Runtime

OPERATIONS = (
    "add", "add", "slow", "keyed", "note", "note", "note", "peek", "count", "leave", "block",
    "enter", "enter", "post", "weigh", "spoil",
)  # fmt: skip

ROWS = 9_000
"""Numbers of an array that is large enough for shared memory."""


TOLD = 3
"""Every such number that a vault takes it tells the book."""


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
        self.born = time.time_ns()

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
    async def weigh(self, numbers: np.ndarray, pause: float) -> int:
        """Hold on to an array for a while; it must not change meanwhile."""
        before = int(numbers.sum())
        await self.context.sleep(pause)
        assert int(numbers.sum()) == before, "the array changed under its reader"
        return before

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


class Book(Actor):
    """Keeps what vaults tell it, whatever happens to anybody."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def snapshot(self) -> list[tuple[str, int]]:
        return self.told

    def restore(self, state: list[tuple[str, int]]) -> None:
        self.told = list(state)

    @handler
    async def note(self, client: str, number: int) -> None:
        """Take a number."""
        self.told.append((client, number))

    @handler
    async def sheet(self) -> list[tuple[str, int]]:
        """Return what is known."""
        return self.told


class Vault(Actor):
    """Keeps numbers whatever happens to its node, and tells a book of some."""

    def __init__(self, book: ActorRef[Book]) -> None:
        self.book = book
        self.kept: dict[str, list[int]] = {}

    def snapshot(self) -> dict[str, list[int]]:
        return self.kept

    def restore(self, state: dict[str, list[int]]) -> None:
        self.kept = {client: list(numbers) for client, numbers in state.items()}

    @handler
    async def enter(self, client: str, number: int) -> int:
        """Take a number for good."""
        self.kept.setdefault(client, []).append(number)
        if number % TOLD == 0:
            await self.book.note.tell(client, number)
        return number

    @handler
    async def spoil(self, client: str, number: int) -> None:
        """Take a number, and fail: it must leave no trace."""
        self.kept.setdefault(client, []).append(-number)
        raise ValueError("spoilt")

    @handler
    async def sheet(self) -> dict[str, list[int]]:
        """Return what is known."""
        return self.kept


class Brittle(Actor):
    """Fails often, until its supervision gives it up."""

    @handler
    async def touch(self) -> None:
        """Fail."""
        raise ValueError("brittle")


@dataclass(frozen=True)
class Added:
    """A number that a tally has acknowledged."""

    tally: int
    born: int
    number: int


@dataclass(frozen=True)
class Entered:
    """A number that a vault has acknowledged."""

    vault: int
    number: int


@dataclass(frozen=True)
class Report:
    """What a client has done."""

    client: str
    acknowledged: list[Added] = field(default_factory=list)
    entered: list[Entered] = field(default_factory=list)
    failed: int = 0


class Client(Actor):
    """Uses every tally in every way, and bears what goes wrong."""

    def __init__(
        self,
        tallies: list[ActorRef[Tally]],
        vaults: list[ActorRef[Vault]],
        brittle: ActorRef[Brittle],
    ) -> None:
        self.tallies = tallies
        self.vaults = vaults
        self.brittle = brittle
        self.number = 0

    @handler
    async def work(self, rounds: int) -> Report:
        """Do some rounds of work."""
        report = Report(f"{self.context.name} of {time.time_ns()}")
        for _ in range(rounds):
            try:
                async with asyncio.TaskGroup() as group:
                    for index in range(len(self.tallies)):
                        group.create_task(self._use(report, index))
                await self.context.sleep(self.context.random.uniform(0.0, 0.4))
            except* PasselError:
                object.__setattr__(report, "failed", report.failed + 1)
                await self.context.sleep(0.1)
        return report

    async def _use(self, report: Report, index: int) -> None:
        tally, chance = self.tallies[index], self.context.random
        self.number += 1
        number = self.number
        operation = chance.choice(OPERATIONS)
        if operation in {"enter", "post"}:
            await self._keep(report, chance.randrange(len(self.vaults)), number, operation)
            return
        match operation:
            case "add" | "slow" as how:
                pause = chance.uniform(0.0, 0.2) if how == "slow" else 0.0
                timeout = chance.choice((0.05, 1.0, 5.0))
                born = await tally.add.options(timeout=timeout)(report.client, number, pause)
                report.acknowledged.append(Added(index, born, number))
            case "keyed":
                self.number += 1
                keyed = tally.add.options(timeout=8.0, key=True)
                _, born = await asyncio.gather(
                    tally.note.tell(report.client, self.number),
                    keyed(report.client, number, 0.0),
                )
                report.acknowledged.append(Added(index, born, number))
            case "weigh":
                await asyncio.gather(*(self._weigh(tally, number + more) for more in range(2)))
            case "note":
                numbers = range(self.number + 1, self.number + 5)
                self.number = numbers[-1]
                await asyncio.gather(*(tally.note.tell(report.client, n) for n in numbers))
                if chance.random() < 0.05:
                    await tally.fail.tell()
                    await self.brittle.touch.tell()
            case "peek":
                await tally.peek.options(timeout=2.0)(chance.uniform(0.0, 0.1))
            case "count":
                got = [n async for n in tally.count.options(timeout=5.0)(20)]
                assert got == list(range(20)), got
            case "leave":
                async for _ in tally.count.options(timeout=5.0)(50):
                    if chance.random() < 0.2:
                        break
            case "spoil" if chance.random() < 0.5:
                with contextlib.suppress(RemoteError):
                    vault = chance.choice(self.vaults)
                    await vault.spoil.options(timeout=5.0)(report.client, number)
            case "block":
                await tally.block.options(timeout=5.0)()

    async def _weigh(self, tally: ActorRef[Tally], number: int) -> None:
        pause = self.context.random.uniform(0.0, 0.05)
        weight = await tally.weigh.options(timeout=5.0)(np.full(ROWS, number), pause)
        assert weight == number * ROWS, (weight, number)

    async def _keep(self, report: Report, index: int, number: int, how: str) -> None:
        enter = self.vaults[index].enter
        if how == "post":
            await enter.options(timeout=8.0).tell(report.client, number)
        else:
            await enter.options(timeout=8.0, key=True)(report.client, number)
        report.entered.append(Entered(index, number))


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
            except PasselError:
                await self.context.sleep(0.5)
        return reports


class Kept(Invariants):
    """What was acknowledged is there, once; nothing is there twice.

    It also enters numbers of its own from outside the runtime, and remembers over all lives of that
    what was acknowledged.
    """

    def __init__(self) -> None:
        self.number = 0

    async def during(self, runtime: Runtime) -> None:
        """Enter numbers, each until it is acknowledged, whoever is killed meanwhile."""
        vaults = [runtime.named(f"vault-{index}", Vault) for index in range(2)]
        while True:
            enter = vaults[self.number % 2].enter.options(timeout=5.0, key=f"order {self.number}")
            try:
                await enter("outside", self.number)
            except PasselError:
                await asyncio.sleep(0.1)
            else:
                self.number += 1
                await asyncio.sleep(0.5)

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
            except PasselError:
                continue  # given up, as its supervision says
            there = [(client, n) for client, numbers in sheet.added.items() for n in numbers]
            assert len(there) == len(set(there)), f"tally {index} has numbers twice: {there}"
            missing = set(acknowledged.get((index, sheet.born), [])) - set(there)
            assert not missing, f"tally {index} lost what it acknowledged: {missing}"
        told: list[tuple[str, int]] = []
        for index in range(2):
            told += await self._check_vault(runtime, outcome, index)
        await self._check_book(runtime, told)

    async def _check_book(self, runtime: Runtime, told: list[tuple[str, int]]) -> None:
        try:
            book = await runtime.lookup("book", Book)
        except DeadActorError:
            return
        sheet = await book.sheet()
        assert len(sheet) == len(set(sheet)), f"the book has numbers twice: {sheet}"
        assert set(told) <= set(sheet), f"the book was not told of {set(told) - set(sheet)}"

    async def _check_vault(
        self, runtime: Runtime, outcome: Outcome, index: int
    ) -> list[tuple[str, int]]:
        """Return what the vault has told the book."""
        try:
            vault = await runtime.lookup(f"vault-{index}", Vault)
        except DeadActorError:
            return []  # given up: its journal could not be opened when its node lived again
        kept = await vault.sheet()
        there = [(client, number) for client, numbers in kept.items() for number in numbers]
        assert len(there) == len(set(there)), f"vault {index} has numbers twice: {there}"
        assert all(number >= 0 for _, number in there), f"vault {index} kept what failed: {there}"
        missing = {
            (report.client, entry.number)
            for report in outcome.value or ()
            for entry in report.entered
            if entry.vault == index
        } - set(there)
        missing |= {("outside", n) for n in range(index, self.number, 2)} - set(there)
        assert not missing, f"vault {index} lost what it acknowledged: {missing}"
        return [(client, number) for client, number in there if number % TOLD == 0]
