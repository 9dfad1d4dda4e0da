"""Groups of actors that are supervised together, wherever they live."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import DeadActorError, SpawnError
from passel.protocols.errors import EscalatedError, NameTakenError, RestartedError
from tests.runtime.crew import Counter
from tests.runtime.crew_family import Child, Waiting
from tests.runtime.crew_flow import Witness

if TYPE_CHECKING:
    from passel import ActorRef
    from passel.protocols.control import GroupStatus, Strategy
    from tests.runtime.worlds import Habitat, World

NAMES = ("a", "b", "c")
BIRTHS = [f"{name} started" for name in NAMES]


async def members(
    home: Habitat, witness: ActorRef[Witness], **options: str
) -> list[ActorRef[Child]]:
    """Spawn three members: the second one beside the leader, the others under test."""
    refs = []
    for name in NAMES:
        spawner = home.runtime.options(
            name=name,
            node="" if name == "b" else home.node,
            group="team",
            on_failure=options.get(name, "restart"),  # type: ignore[arg-type]  # a directive
        )
        refs.append(await spawner.spawn(Child, witness, name))
    return refs


async def settled(home: Habitat) -> GroupStatus:
    """Return how the one group is, once it restarts nobody any more."""
    async with asyncio.timeout(10.0):
        while True:
            (status,) = await home.runtime.groups()
            if status.state == "running":
                return status
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("strategy", "then"),
    [
        ("one_for_one", ["b started"]),
        ("rest_for_one", ["c stopping", "b started", "c started"]),
        ("one_for_all", ["c stopping", "a stopping", "a started", "b started", "c started"]),
    ],
)
async def test_a_strategy_says_who_is_made_anew_and_in_which_order(
    world: World, strategy: Strategy, then: list[str]
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        team = await home.runtime.group("team", strategy=strategy, backoff=0.0)
        _, second, _ = await members(home, witness)
        await second.fail.tell()
        heard = await witness.until(then[-1], times=2)
        assert heard == [*BIRTHS, *then]
        status = await settled(home)
        assert (status.name, status.strategy, status.restarts) == (
            team,
            strategy,
            sum("started" in what for what in then),
        )
        assert status.state == "running"
        assert status.last_failure == "b: ValueError('b is ill')"


async def test_a_well_member_keeps_its_mailbox_and_its_asks_are_told(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        await home.runtime.group("team", strategy="one_for_all", backoff=0.0)
        counter = await home.there(name="counter", group="team").spawn(Counter)
        waiting = await home.there(name="waiting", group="team").spawn(Waiting, witness)
        assert await counter.add(5) == 5
        asked = asyncio.ensure_future(waiting.wait())
        await witness.until("waiting")
        await counter.divide.tell(0)
        with pytest.raises(RestartedError, match="waiting was restarted"):
            await asked
        assert await counter.add(1) == 1, "a new object, at the same address"
        assert await waiting.nothing() == 1


async def test_one_failure_too_many_ends_the_group_and_the_runtime(world: World) -> None:
    heard: list[str] = []

    async def program() -> None:
        async with world.open() as home:
            witness = await home.runtime.spawn(Witness)
            await home.runtime.group("team", max_restarts=1, backoff=0.0)
            first, _, _ = await members(home, witness)
            watching = asyncio.ensure_future(home.runtime.watch_group("team"))
            await first.fail.tell()
            await witness.until("a started", times=2)
            try:
                await first.fail.tell()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard.append((await watching).reason)
                raise

    with pytest.raises(EscalatedError, match="group team escalated its failure") as caught:
        await program()
    assert "its members failed 2 times within 60 s, the last one a: ValueError" in heard[0]
    assert heard[0] in str(caught.value)
    assert caught.value.source == "group team"


async def test_a_runtime_may_go_on_without_a_group_that_gave_up(world: World) -> None:
    async with world.open(on_escalation="continue") as home:
        witness = await home.runtime.spawn(Witness)
        await home.runtime.group("team", backoff=0.0)
        refs = await members(home, witness, c="escalate")
        watching = asyncio.ensure_future(home.runtime.watch_group("team"))
        await refs[2].fail.tell()
        assert (await watching).reason == "c escalated: ValueError('c is ill')"
        assert (await home.runtime.watch_group("team")).reason == (await watching).reason
        heard = await witness.until("a stopping")
        assert heard == [*BIRTHS, "b stopping", "a stopping"], "the failed object is thrown away"
        for ref in refs:
            with pytest.raises(DeadActorError):
                await ref.fail()
        with pytest.raises(SpawnError, match="its group team has ended: c escalated"):
            await home.there(name="d", group="team").spawn(Counter)
        await home.runtime.group("team")
        late = await home.there(name="a", group="team").spawn(Counter)
        assert await late.add(1) == 1


async def test_a_member_that_stops_by_its_directive_or_by_order_leaves_its_group(
    world: World,
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        await home.runtime.group("team", strategy="one_for_all", backoff=0.0)
        first, second, third = await members(home, witness, c="stop")
        await third.fail.tell()
        await home.runtime.watch(third)
        await home.runtime.stop(first)
        await second.fail.tell()
        heard = await witness.until("b started", times=2)
        assert heard == [*BIRTHS, "c stopping", "a stopping", "b started"]
        status = await settled(home)
        assert status.members == {"b": "up"}


async def test_a_group_is_stopped_the_latest_member_first_and_escalates_nothing(
    world: World,
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        await home.runtime.group("team")
        await members(home, witness)
        await home.runtime.stop_group("team")
        heard = await witness.until("a stopping")
        assert heard == [*BIRTHS, "c stopping", "b stopping", "a stopping"]
        assert (await home.runtime.watch_group("team")).reason == "it was stopped"


async def test_a_member_that_cannot_start_again_is_tried_and_then_the_group_gives_up(
    world: World,
) -> None:
    from tests.runtime.crew_life import Breaking

    async with world.open(on_escalation="continue") as home:
        witness = await home.runtime.spawn(Witness)
        await home.runtime.group("team", max_restarts=3, backoff=0.0)
        ref = await home.there(name="x", group="team").spawn(Breaking, witness)
        await ref.fall.tell()
        down = await home.runtime.watch_group("team")
        assert "failed 4 times" in down.reason
        assert "once is enough" in down.reason
        assert (await witness.until("made")).count("made") == 4


async def test_an_actor_that_nobody_is_above_escalates_to_the_runtime(world: World) -> None:
    async def program() -> None:
        async with world.open() as home:
            ref = await home.there(on_failure={ZeroDivisionError: "escalate"}).spawn(Counter)
            await ref.divide.tell(0)
            await asyncio.Event().wait()

    with pytest.raises(EscalatedError, match="ZeroDivisionError") as caught:
        await program()
    assert "Counter#" in str(caught.value.source)


async def test_a_member_needs_a_name_and_a_group_that_is_there(world: World) -> None:
    async with world.open() as home:
        await home.runtime.group("team")
        with pytest.raises(SpawnError, match="give it a name"):
            home.there(group="team")
        with pytest.raises(SpawnError, match="there is no group crew; make it first"):
            await home.there(name="a", group="crew").spawn(Counter)
        with pytest.raises(NameTakenError):
            await home.runtime.group("team")
        with pytest.raises(SpawnError, match="strategy is 'all'; choose one_for_one"):
            await home.runtime.group("other", strategy="all")  # type: ignore[arg-type]  # a mistake
