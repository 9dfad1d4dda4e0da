"""Two sockets and what may pass between them: real ones, in one process."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import pytest
import zmq

from passel.protocols.errors import ProtocolError, SpawnError
from passel.runtime.security import CurveGuard, KeyPair, Roster, split_endpoint, zap
from passel.runtime.transport.zeromq import ZeroMQTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passel.protocols.arrays import Buffer

pytestmark = pytest.mark.process

ANYWHERE = "tcp://127.0.0.1:0"


class End:
    """One life of a node as far as its sockets know it."""

    def __init__(self, name: str = "side", life: int = 1) -> None:
        self.name, self.life = name, life
        self.pair, self.roster = KeyPair.generate(), Roster()
        self.taken = asyncio.Queue[tuple[bytes, bytes]]()
        self.refused = asyncio.Queue[tuple[bytes, str]]()
        guard = CurveGuard(self.pair, self.roster)
        self.transport = ZeroMQTransport(f"{name}/{life}".encode(), ANYWHERE, guard)
        self.transport.start(self._take, lambda *said: self.refused.put_nowait(said))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def _take(self, identity: bytes, batch: Buffer, _frames: Sequence[Buffer]) -> None:
        self.taken.put_nowait((identity, bytes(batch)))

    def admit(self, other: End) -> None:
        """Let another end connect to this one."""
        assert self.roster.admit(other.name, other.life, other.pair.public)

    def send(self, other: End, batch: bytes) -> None:
        """Send one batch over a connection of its own."""
        self.transport.connect(other.transport.endpoint).send([batch])


async def test_who_is_on_the_roster_comes_in_under_its_name() -> None:
    with End("leader") as leader, End() as side:
        leader.admit(side)
        side.send(leader, b"hello")
        identity, batch = await leader.taken.get()
        assert batch == b"hello"
        assert identity.startswith(b"side/1/")


async def test_two_connections_of_one_node_have_unlike_names() -> None:
    """Nobody else can guess one, and so take it from its owner."""
    with End("leader") as leader, End() as side:
        leader.admit(side)
        for _ in range(2):
            side.send(leader, b"hello")
        assert (await leader.taken.get())[0] != (await leader.taken.get())[0]


async def test_a_stranger_waits_outside_until_it_is_known() -> None:
    with End("leader") as leader, End() as side, End("early") as early:
        leader.admit(side)
        early.send(leader, b"from early")
        side.send(leader, b"from side")
        assert (await leader.taken.get())[1] == b"from side"
        assert leader.taken.empty()
        leader.admit(early)
        assert (await leader.taken.get())[1] == b"from early"


async def test_a_stranger_that_stays_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zap, "HOLD_SECONDS", 0.01)
    with End("leader") as leader, End() as stranger:
        stranger.send(leader, b"let me in")
        _, reason = await leader.refused.get()
        assert reason == "no node of this runtime has its key"
        assert leader.taken.empty()


async def test_of_too_many_strangers_the_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zap, "HELD_AT_ONCE", 2)
    with End("leader") as leader, ExitStack() as strangers:
        for number in range(3):
            strangers.enter_context(End(f"stranger-{number}")).send(leader, b"let me in")
        await leader.refused.get()
        assert leader.refused.empty()


async def test_a_life_that_is_over_is_refused_at_once() -> None:
    with End("leader") as leader, End() as side:
        leader.admit(side)
        leader.roster.dismiss("side", 1)
        side.send(leader, b"I am back")
        assert (await leader.refused.get())[1] == "its life is over"


async def test_a_connection_that_was_made_before_its_owner_died_is_worth_nothing() -> None:
    with End("leader") as leader, End() as side:
        leader.admit(side)
        outlet = side.transport.connect(leader.transport.endpoint)
        outlet.send([b"one"])
        await leader.taken.get()
        leader.roster.dismiss("side", 1)
        outlet.send([b"two", b"with a frame"])
        assert (await leader.refused.get())[1] == "its key is not that node's"
        assert leader.taken.empty()


async def test_a_node_cannot_speak_for_another() -> None:
    with End("leader") as leader, End() as side, End("faulty") as faulty:
        leader.admit(side)
        leader.admit(faulty)
        faulty.transport._identity = b"side/1"
        faulty.send(leader, b"I am side")
        identity, reason = await leader.refused.get()
        assert identity.startswith(b"side/1/")
        assert reason == "its key is not that node's"
        side.send(leader, b"I am side, too")
        assert (await leader.taken.get())[1] == b"I am side, too", "it was not displaced"


async def test_a_node_speaks_to_nobody_but_the_owner_of_the_key() -> None:
    with End("leader") as leader, End() as side:
        leader.admit(side)
        address, _ = split_endpoint(leader.transport.endpoint)
        wrong = f"curve://{address.removeprefix('tcp://')}/{KeyPair.generate().public.hex()}"
        side.transport.connect(wrong).send([b"for another"])
        side.send(leader, b"for you")
        assert (await leader.taken.get())[1] == b"for you"
        assert leader.taken.empty()


async def test_plain_and_encrypted_nodes_do_not_meet() -> None:
    plain = ZeroMQTransport(b"plain/1", ANYWHERE)
    with End() as side:
        with pytest.raises(ProtocolError, match="is encrypted, and this node's are not"):
            plain.connect(side.transport.endpoint)
        with pytest.raises(ProtocolError, match="is plain, and this node's are not"):
            side.transport.connect(plain.endpoint)
    plain.close()


async def test_a_plain_client_gets_nothing_through() -> None:
    with End("leader") as leader, End() as side, zmq.Context() as context:
        leader.admit(side)
        with context.socket(zmq.DEALER) as intruder:
            intruder.linger = 0
            intruder.routing_id = b"side/1"
            intruder.connect(split_endpoint(leader.transport.endpoint)[0])
            intruder.send(b"in the clear")
            side.send(leader, b"encrypted")
            assert (await leader.taken.get())[1] == b"encrypted"
            assert leader.taken.empty()


class Relay:
    """Passes bytes between a client and a server, and keeps a copy: an eavesdropper."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        self._host, self._port = host, int(port)
        self.heard = bytearray()

    async def __aenter__(self) -> Self:
        self._over = asyncio.Event()
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._group.__aexit__(None, None, None)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        self._group.create_task(self._pass_on(reader, back))
        self._group.create_task(self._pass_on(there, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.heard += data
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.mark.parametrize("encrypted", [True, False])
async def test_who_listens_on_the_network_reads_nothing(*, encrypted: bool) -> None:
    secret = b"the attack begins at dawn " * 100
    if not encrypted:  # the same ears hear it all without CURVE
        leader, side = (ZeroMQTransport(name, ANYWHERE) for name in (b"leader/1", b"side/1"))
        taken = asyncio.Queue[bytes]()
        leader.start(lambda _, batch, __: taken.put_nowait(bytes(batch)), lambda *_: None)
        async with Relay(leader.endpoint) as relay:
            side.connect(f"tcp://127.0.0.1:{relay.port}").send([secret])
            assert await taken.get() == secret
            side.close()
            leader.close()
        assert secret in relay.heard
        return
    with End("leader") as one, End() as other:
        one.admit(other)
        address, key = split_endpoint(one.transport.endpoint)
        assert key is not None
        async with Relay(address) as relay:
            endpoint = f"curve://127.0.0.1:{relay.port}/{key.hex()}"
            other.transport.connect(endpoint).send([secret])
            assert (await one.taken.get())[1] == secret
            one.transport.close()
            other.transport.close()
        assert len(relay.heard) > len(secret)
        assert b"attack" not in relay.heard


async def test_an_address_that_is_not_of_this_host_is_refused() -> None:
    guard = CurveGuard(KeyPair.generate(), Roster())
    with pytest.raises(SpawnError, match=r"tcp://192\.0\.2\.1:0"):
        ZeroMQTransport(b"side/1", "tcp://192.0.2.1:0", guard)
