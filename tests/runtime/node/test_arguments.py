from __future__ import annotations

from typing import Any, cast

import pytest

from passel import Actor, ActorRef, handler
from passel.actors.ref import Reference, reference_type
from passel.protocols.address import Address
from passel.protocols.codec import Codec
from passel.runtime.node.arguments import pack_arguments, unpack_arguments


class Clerk(Actor):
    @handler
    async def file(self, paper: str) -> int:
        return len(paper)


class Office(Actor):
    def __init__(
        self, one: ActorRef[Clerk], perhaps: ActorRef[Clerk] | None, all_: list[ActorRef[Clerk]]
    ) -> None:
        self.arguments = (one, perhaps, all_)


@pytest.mark.parametrize("perhaps", [True, False])
def test_references_know_their_handlers_on_the_other_node_also_where_they_may_be_none(
    *, perhaps: bool
) -> None:
    address = Address("far", "clerk", 1)
    codec = Codec(Reference, lambda _: address, lambda kind, a: kind(a, cast("Any", None)))
    ref: Any = Reference(address, cast("Any", None))

    body = pack_arguments(codec, Office, (ref, ref if perhaps else None, [ref]), {})
    arguments = unpack_arguments(codec, Office, body)

    assert type(arguments["one"]) is reference_type(Clerk)
    assert [type(found) for found in arguments["all_"]] == [reference_type(Clerk)]
    wanted = reference_type(Clerk) if perhaps else type(None)
    assert type(arguments["perhaps"]) is wanted
