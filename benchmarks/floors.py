"""Physical limits that the runtime is held against: the least that sockets and loops can do.

Each floor is a small program of its own, written for this purpose: `python floors.py NAME ADDRESS LOOP`
is the serving process of one.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import zmq
from measure import percentile, timed, timed_async

from passel.runtime.machine.loops import run_on

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
_LENGTH = struct.Struct("<I")


@contextmanager
def serving(name: str, loop: str = "asyncio") -> Iterator[zmq.Socket[bytes]]:
    """Start the serving process of a floor; yield a socket connected to it."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/s"
        server = subprocess.Popen([sys.executable, __file__, name, address, loop])
        context = zmq.Context()
        socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = 0
        socket.connect(address)
        try:
            yield socket
        finally:
            socket.close()
            context.term()
            server.kill()
            server.wait()


def blocking_ask(seconds: float) -> tuple[float, float]:
    """Return p50 and p99 in microseconds of an ask over blocking sockets, without a loop."""
    with serving("blocking") as socket:

        def ask() -> object:
            socket.send(msgpack.packb([1, "echo", 7]))
            return msgpack.unpackb(socket.recv())

        times = sorted(timed(ask, seconds))
    return percentile(times, 50) * 1e6, percentile(times, 99) * 1e6


def batched_asks(seconds: float, in_flight: int, loop: str) -> float:
    """Return asks per second with all messages of one loop turn in one frame."""
    with serving("batched", loop) as socket:
        return run_on(loop, _batched(socket, seconds, in_flight))


async def _batched(socket: zmq.Socket[bytes], seconds: float, in_flight: int) -> float:
    pump = _Pump(socket)
    pack, unpack = msgpack.Packer(autoreset=True).pack, msgpack.unpackb
    waiting: dict[int, asyncio.Future[int]] = {}
    done = 0
    next_id = 0
    stop = False

    def received(_route: bytes, message: bytes) -> None:
        number, value = unpack(message)
        waiting.pop(number).set_result(value)

    async def caller() -> None:
        nonlocal done, next_id
        loop = asyncio.get_running_loop()
        while not stop:
            next_id += 1
            future = waiting[next_id] = loop.create_future()
            pump.send(b"", pack([next_id, "echo", 7]))
            await future
            done += 1

    pump.start(received)
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(caller())
        await asyncio.sleep(0.3)
        before, start = done, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (done - before) / (time.perf_counter() - start)
        stop = True
    pump.stop()
    return rate


class _Pump:
    """One socket on the loop: drained without blocking, written once per turn."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self.loop = asyncio.get_running_loop()
        self.out: dict[bytes, list[bytes]] = {}
        self.due = False
        self.received: Any = None

    def start(self, received: Any) -> None:
        self.received = received
        self.loop.add_reader(int(self.socket.getsockopt(zmq.FD)), self.drain)
        self.drain()

    def stop(self) -> None:
        self.loop.remove_reader(int(self.socket.getsockopt(zmq.FD)))

    def send(self, route: bytes, message: bytes) -> None:
        self.out.setdefault(route, []).append(message)
        if not self.due:
            self.due = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        self.due = False
        out, self.out = self.out, {}
        for route, messages in out.items():
            frame = b"".join(_LENGTH.pack(len(m)) + m for m in messages)
            self.socket.send_multipart([route, frame] if route else [frame], zmq.NOBLOCK)
        self.loop.call_soon(self.drain)

    def drain(self) -> None:
        try:
            while True:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
                route = parts[0] if len(parts) > 1 else b""
                frame, position = parts[-1], 0
                while position < len(frame):
                    (size,) = _LENGTH.unpack_from(frame, position)
                    self.received(route, frame[position + 4 : position + 4 + size])
                    position += 4 + size
        except zmq.Again:
            pass


def shared_slot(seconds: float) -> float:
    """Return GB/s of 1 MiB arrays copied into one reused shared-memory slot, each acknowledged."""
    with serving("shared") as socket:
        slot = shared_memory.SharedMemory(create=True, size=MIB)
        try:
            source = np.arange(MIB // 4, dtype=np.float32).data.cast("B")
            view = _view(slot)
            note = msgpack.packb([slot.name, MIB])

            def send() -> object:
                view[:MIB] = source
                socket.send(note)
                return socket.recv()

            times = sorted(timed(send, seconds, warm=5))
        finally:
            slot.close()
            slot.unlink()
    return MIB / percentile(times, 50) / 1e9


def _view(slot: shared_memory.SharedMemory) -> memoryview:
    assert slot.buf is not None, "an open slot has memory"
    return slot.buf


def queue_hop(seconds: float, loop: str) -> float:
    """Return microseconds of an ask to a bare task behind an `asyncio.Queue`, in one process."""

    async def run() -> float:
        queue: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def actor() -> None:
            while True:
                value, future = await queue.get()
                future.set_result(value)

        def ask() -> asyncio.Future[int]:
            future: asyncio.Future[int] = loop.create_future()
            queue.put_nowait((7, future))
            return future

        task = loop.create_task(actor())
        times = sorted(await timed_async(ask, seconds))
        task.cancel()
        return percentile(times, 50) * 1e6

    return run_on(loop, run())


def _serve(name: str, address: str, loop: str) -> None:
    context = zmq.Context()
    socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
    socket.sndhwm = socket.rcvhwm = 0
    socket.bind(address)
    if name == "batched":
        run_on(loop, _serve_batched(socket))
    slots: dict[str, shared_memory.SharedMemory] = {}
    while True:
        route, message = socket.recv_multipart()
        if name == "blocking":
            number, _method, value = msgpack.unpackb(message)
            socket.send_multipart([route, msgpack.packb([number, value])])
        else:
            slot, size = msgpack.unpackb(message)
            if slot not in slots:
                slots[slot] = shared_memory.SharedMemory(name=slot)
                resource_tracker.unregister(f"/{slot}", "shared_memory")
            array = np.frombuffer(_view(slots[slot]), np.float32, size // 4)
            socket.send_multipart([route, msgpack.packb(float(array[0]) + float(array[-1]))])


async def _serve_batched(socket: zmq.Socket[bytes]) -> None:
    pump = _Pump(socket)
    pack, unpack = msgpack.Packer(autoreset=True).pack, msgpack.unpackb

    def received(route: bytes, message: bytes) -> None:
        number, _method, value = unpack(message)
        pump.send(route, pack([number, value]))

    pump.start(received)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    _serve(*sys.argv[1:])
