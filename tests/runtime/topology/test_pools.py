from __future__ import annotations

from passel import Runtime
from passel.runtime.topology import ActorSpec, Main, Topology

CREW = "tests.runtime.crew_shared"


async def test_a_topology_hands_out_pools() -> None:
    members = ActorSpec(cls=f"{CREW}:Member", replicas=3, args={"number": 7})
    pool = {"pool": "member", "route": "round_robin"}
    topology = Topology(
        name="crowd",
        actors={"member": members, "boss": ActorSpec(cls=f"{CREW}:Boss", args={"pool": pool})},
        main=Main(actor="boss", ask="ask_all", args={"rounds": 6}),
    )
    async with Runtime.from_topology(topology) as rt:
        assert await rt.main() == [7] * 6
        status = (await rt.statistics())[0].actors
        handled = {actor.name: actor.handled for actor in status}
        assert [handled[f"member-{n}"] for n in range(3)] == [2, 2, 2]
