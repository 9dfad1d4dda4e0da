"""A raw ZeroMQ peer that speaks, or mangles, the wire protocol by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import zmq

from passel.protocols.batch import pack_batch, unpack_batch
from passel.protocols.envelope import Hello, Mark
from passel.protocols.limits import PROTOCOL_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from passel import Runtime
    from passel.protocols.envelope import AnyMessage


class Peer:
    """One DEALER that writes to a node, and one ROUTER that the node writes back to."""

    def __init__(self, folder: Path, node: str = "stranger", life: int = 1) -> None:
        self.node, self.life = node, life
        self._sent = 0
        self._context = zmq.Context()
        self._inlet = self._context.socket(zmq.ROUTER)
        self._inlet.linger = 0
        self.endpoint = f"ipc://{folder}/{node}.peer"
        self._inlet.bind(self.endpoint)
        self._outlet = self._context.socket(zmq.DEALER)
        self._outlet.linger = 0
        self._outlet.routing_id = f"{node}/{life}".encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def connect(self, runtime: Runtime) -> None:
        """Connect to the runtime's leader."""
        self._outlet.connect(runtime._leader.node.endpoint)

    def hello(self, cookie: str, **changes: object) -> Hello:
        """Return a Hello of this peer, sound but for `changes`."""
        hello = Hello(self.node, self.life, self.endpoint, PROTOCOL_VERSION, {}, cookie)
        for name, value in changes.items():
            setattr(hello, name, value)
        return hello

    def send(self, *messages: AnyMessage) -> None:
        """Send messages as one batch, with the next number."""
        self._sent += 1
        self._outlet.send(pack_batch([Mark(self._sent, 0), *messages]))

    def repeat(self, *messages: AnyMessage) -> None:
        """Send messages as one batch, with the number of the one before."""
        self._outlet.send(pack_batch([Mark(self._sent, 0), *messages]))

    def send_raw(self, *parts: bytes) -> None:
        """Send one multipart of any bytes."""
        self._outlet.send_multipart(parts)

    async def receive(self) -> list[AnyMessage]:
        """Return the messages of the next batch that has any, without its Mark."""
        while True:
            messages = await self.receive_batch()
            if isinstance(messages[0], Mark):
                del messages[0]
            if messages:
                return messages

    async def receive_batch(self) -> list[AnyMessage]:
        """Return the next batch that the node sends here."""
        loop, descriptor = asyncio.get_running_loop(), int(self._inlet.getsockopt(zmq.FD))
        while not self._inlet.poll(0):
            readable = loop.create_future()
            loop.add_reader(descriptor, readable.set_result, None)
            try:
                await readable
            finally:
                loop.remove_reader(descriptor)
        _, batch, *_ = self._inlet.recv_multipart()
        return unpack_batch(batch)

    def is_silent(self) -> bool:
        """Whether nothing has come that was not received."""
        return not self._inlet.poll(0)
