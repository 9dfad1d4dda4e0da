"""What is kept of nodes that are gone: little of each, and of all of them only so much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.protocols.control import NodeInfo
from passel.protocols.errors import DeadActorError, NodeDeadError
from passel.runtime.node.router import DEATHS_KEPT
from tests.runtime.crew import Counter, Parent
from tests.runtime.lossy import LossyNetwork, two_nodes
from tests.runtime.simulation.test_world import process_of, simulated

if TYPE_CHECKING:
    from passel import Runtime

ROUNDS = 20


def counts(runtime: Runtime) -> dict[str, int]:
    """Count what the leader's tables hold of other nodes, living or gone."""
    node, fleet, names = runtime._leader.node, runtime._leader.fleet, runtime._leader.names
    links = node.router.links.values()
    return {
        "links": len(links),
        "inlets": len(node.receiver._inlets),
        "targets": sum(len(link.targets) for link in links),
        "peers": len(node.router.peers),
        "names": len(node.router.names),
        "deaths": len(node.router._deaths),
        "downs": len(names.downs),
        "nodes": len(names.nodes),
        "bound": len(names.names._bound),
        "members": len(fleet._members),
        "watched": len(fleet._health._watched),
        "suspects": len(fleet._health._detector.peers),
        "placements": len(runtime._leader.supervisor.placements),
        "pending": sum(map(len, fleet._revival._pending.values())),
    }


async def restart_over_and_over(runtime: Runtime) -> list[dict[str, int]]:
    """Kill a node again and again; return the counts after the first time and after the last."""
    await runtime.start_node("side")
    await runtime.start_node("mortal", max_restarts=10 * ROUNDS)
    parent = await runtime.options(node="side").spawn(Parent)
    named = await runtime.options(node="mortal", name="c", max_restarts=10**6).spawn(Counter)
    found = []
    for _ in range(ROUNDS):
        unnamed = await runtime.options(node="mortal").spawn(Counter)
        assert await parent.ask(unnamed, 1) == 1
        process_of(runtime, "mortal").kill()
        await runtime.watch(unnamed)
        del unnamed
        assert await named.add(1) == 1
        found.append(counts(runtime))
    return found


async def start_and_stop_others(runtime: Runtime) -> list[dict[str, int]]:
    """Start nodes that were never there, and stop them or let them die."""
    found = []
    for number in range(ROUNDS):
        name = f"n{number}"
        await runtime.start_node(name, max_restarts=0)
        counter = await runtime.options(node=name).spawn(Counter)
        assert await counter.add(1) == 1
        if number % 2:
            await runtime.stop_node(name)
        else:
            process_of(runtime, name).kill()
            await runtime.watch(counter)
        with pytest.raises(DeadActorError):
            await counter.add(1)
        found.append(counts(runtime))
    return found


def test_restarts_of_a_node_leave_nothing_behind() -> None:
    found, _ = simulated(restart_over_and_over)
    assert found[-1] == found[1]


def test_a_node_of_another_name_leaves_its_end_and_no_more() -> None:
    found, _ = simulated(start_and_stop_others)
    more = {key: found[-1][key] - found[1][key] for key in found[1]}
    grown = {key for key, by in more.items() if by}
    assert grown == {"deaths", "downs"}, more


async def test_of_the_ends_of_other_nodes_only_the_latest_are_kept() -> None:
    network = LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.0)
    async with two_nodes(network) as (near, _):
        router = near.router
        cut_off = NodeDeadError("cut off", "cut off")
        router.peer_died(cut_off, 1, gone=False)
        for number in range(DEATHS_KEPT + 50):
            name = f"n{number}"
            router.learn(NodeInfo(node=name, life=1, endpoint=f"lossy://{name}/1", pid=0))
            link = router.link_to(name, 1)
            assert link.dead is None
            router.peer_died(NodeDeadError(name, name), 1)
            assert link.dead is not None
            assert router.link_to(name, 1).dead is not None, "it leads nowhere any more"
        assert set(router.links) <= {"far"}
        assert set(router.peers) == {"near", "far"}
        assert len(router._deaths) == DEATHS_KEPT
        assert router.link_to("cut off", 1).dead is not None, "its process may come back"
        router.peer_died(cut_off, 1)
        router.peer_died(NodeDeadError("last", "last"), 1)
        assert len(router._deaths) == DEATHS_KEPT
