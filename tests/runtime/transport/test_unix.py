"""The Unix-socket transport by itself: two ends in one process, over real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from passel.protocols.errors import ProtocolError, SpawnError
from passel.runtime.transport.framing import FrameReader, header_of
from passel.runtime.transport.unix import UnixTransport
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from passel.protocols.arrays import Buffer

pytestmark = pytest.mark.process


class End:
    """One bound transport, and what came to it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.transport = UnixTransport(f"{name}/1".encode(), f"unix://{folder}/{name}")
        self.batches: asyncio.Queue[tuple[bytes, list[bytes]]] = asyncio.Queue()
        self.refused: asyncio.Queue[str] = asyncio.Queue()

    def start(self) -> None:
        """Begin to receive."""
        self.transport.start(self._took, lambda _, reason: self.refused.put_nowait(reason))

    def _took(self, identity: bytes, batch: Buffer, frames: Sequence[Buffer]) -> None:
        self.batches.put_nowait((identity, [bytes(batch), *(bytes(f) for f in frames)]))

    async def take(self, number: int) -> list[list[bytes]]:
        """Return the next multiparts."""
        return [(await self.batches.get())[1] for _ in range(number)]


@contextmanager
def ends(*names: str) -> Iterator[list[End]]:
    """Bind transports in a folder of their own; close them, and find no file left."""
    with private_folder() as folder:
        made = [End(folder, name) for name in names]
        for end in made:
            end.start()
        try:
            yield made
        finally:
            for end in made:
                end.transport.close()
            assert not list(folder.iterdir()), "a socket file was left behind"


async def test_multiparts_arrive_in_order_with_the_name_of_who_sent_them() -> None:
    with ends("a", "b") as (a, b):
        outlet = a.transport.connect(b.transport.endpoint)
        outlet.send([b"one"])
        outlet.send([b"two", b"x" * 20_000, b"y" * 300_000])

        assert await b.batches.get() == (b"a/1", [b"one"])
        assert await b.batches.get() == (b"a/1", [b"two", b"x" * 20_000, b"y" * 300_000])
        outlet.close()


async def test_an_outlet_may_send_before_its_peer_listens() -> None:
    with private_folder() as folder:
        early = End(folder, "early")
        outlet = early.transport.connect(f"unix://{folder}/late")
        for number in range(50):
            outlet.send([b"%d" % number])
        await asyncio.sleep(0)
        late = End(folder, "late")
        late.start()

        assert await late.take(50) == [[b"%d" % number] for number in range(50)]
        early.transport.close()
        late.transport.close()


async def test_what_the_kernel_does_not_take_waits_in_order() -> None:
    with ends("a", "b") as (a, b):
        outlet = a.transport.connect(b.transport.endpoint)
        for number in range(400):
            outlet.send([b"%d" % number, bytes(100_000)])
        outlet.close()

        assert [parts[0] for parts in await b.take(400)] == [b"%d" % n for n in range(400)]


async def test_more_parts_than_one_call_of_the_kernel_takes_arrive() -> None:
    with ends("a", "b") as (a, b):
        outlet = a.transport.connect(b.transport.endpoint)
        parts = [b"%d" % number for number in range(3_000)]
        outlet.send([*parts])

        assert await b.take(1) == [parts]
        outlet.close()


async def test_what_was_handed_over_is_sent_although_the_transport_closes() -> None:
    with private_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/b")
        listener.listen()
        a = End(folder, "a")
        outlet = a.transport.connect(f"unix://{folder}/b")
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(None, everything_from, listener)
        for number in range(60):
            outlet.send([b"%d" % number, bytes(100_000)])
        a.transport.close()

        expected = [b"a/1", *(b"%d" % number for number in range(60))]
        assert [parts[0] for parts in await reading] == expected


def everything_from(listener: socket.socket) -> list[list[Buffer]]:
    """Take one connection and read it to its end, as a peer in another process does."""
    reader = FrameReader()
    found: list[list[Buffer]] = []
    connection, _ = listener.accept()
    with connection:
        while count := connection.recv_into(reader.space()):
            found.extend(reader.take(count))
    return found


async def test_a_peer_that_does_not_read_holds_a_closing_transport_up_only_for_the_linger() -> None:
    with private_folder() as folder, socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(f"{folder}/deaf")
        deaf.listen()
        a = End(folder, "a")
        outlet = a.transport.connect(f"unix://{folder}/deaf")
        outlet.send([b"x", bytes(10 << 20)])
        loop = asyncio.get_running_loop()
        start = loop.time()
        a.transport.close()

        assert 0.4 < loop.time() - start < 1.5


async def test_a_connection_that_breaks_is_made_again() -> None:
    with private_folder() as folder:
        a, b = End(folder, "a"), End(folder, "b")
        b.start()
        outlet = a.transport.connect(b.transport.endpoint)
        outlet.send([b"one"])
        assert await b.take(1) == [[b"one"]]
        b.transport.close()
        outlet.send([b"lost with the connection"])
        outlet.send([b"two"])
        again = End(folder, "b")
        again.start()

        assert await again.take(1) == [[b"two"]]
        a.transport.close()
        again.transport.close()


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", 0),
        struct.pack("<I", 0xFFFFFFFF),
        struct.pack("<IQ", 1, 1 << 62),
        struct.pack("<IQQ", 2, 3, 1 << 63),
        header_of([bytes(300)]) + bytes(300),
        header_of([b"a/1", b"more"]) + b"a/1more",
        header_of([b""]),
        header_of([b"a/1"]) + b"a/1" + struct.pack("<IQQ", 2, 3, 1 << 63),
    ],
)
async def test_malformed_bytes_close_the_connection_and_are_counted(data: bytes) -> None:
    with ends("a", "b") as (a, b), socket.socket(socket.AF_UNIX) as stranger:
        stranger.setblocking(False)
        stranger.connect(b.transport.endpoint.removeprefix("unix://"))
        stranger.sendall(data)

        assert await b.refused.get()
        assert await asyncio.get_running_loop().sock_recv(stranger, 1) == b""
        sound = a.transport.connect(b.transport.endpoint)
        sound.send([b"still here"])
        assert await b.take(1) == [[b"still here"]]


async def test_only_its_user_may_open_the_socket_file() -> None:
    with ends("a") as (a,):
        mode = os.stat(a.transport.endpoint.removeprefix("unix://")).st_mode

        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600


async def test_an_endpoint_that_is_none_is_refused() -> None:
    with ends("a") as (a,):
        for endpoint in ("ipc:///tmp/x", "unix://", "unix:///tmp/\0", f"unix:///{'x' * 200}"):
            with pytest.raises(ProtocolError, match="endpoint"):
                a.transport.connect(endpoint)
        with pytest.raises(SpawnError, match="in use"):
            UnixTransport(b"b/1", a.transport.endpoint)
        with pytest.raises(SpawnError, match="shorter run directory"):
            UnixTransport(b"b/1", f"unix:///{'x' * 200}")
