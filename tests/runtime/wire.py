"""Two hosts on one machine: this one, and a network namespace at the other end of a bad line.

Each end is a TUN device; a thread carries IP packets between the two, late, not at all, or as if the
cable were pulled out. So the line needs no queueing discipline of the kernel (`netem` is often not
built in), and what it loses is seeded.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_TUN: Final = "/dev/net/tun"
_SET_INTERFACE: Final = 0x400454CA  # TUNSETIFF
_IP_PACKETS: Final = 0x0001 | 0x1000  # IFF_TUN, IFF_NO_PI
_LONGEST_PACKET: Final = 2_048


@dataclass
class Weather:
    """How the line is; it may change at any time.

    Attributes:
        delay: Seconds that a packet takes in each direction.
        jitter: Most seconds by which that varies; packets may overtake each other.
        loss: Share of the packets that are lost.
        cut: Whether all are.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    cut: bool = False


class Wire:
    """Carries packets between two descriptors, in a thread of its own, until it is closed."""

    def __init__(self, ends: tuple[int, int], weather: Weather, *, seed: int) -> None:
        self.weather = weather
        self.carried = self.lost = 0
        self._ends = ends
        self._random = random.Random(seed)
        self._under_way: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="wire")
        self._thread.start()

    def close(self) -> None:
        """Carry nothing any more."""
        os.close(self._stopper)
        self._thread.join()
        os.close(self._stop)

    def _carry(self) -> None:
        poll = select.poll()
        for descriptor in (self._stop, *self._ends):
            poll.register(descriptor, select.POLLIN)
        while True:
            wait = None
            if self._under_way:
                wait = max(0.0, self._under_way[0][0] - time.monotonic()) * 1_000
            ready = [descriptor for descriptor, _ in poll.poll(wait)]
            if self._stop in ready:
                return
            for descriptor in ready:
                self._take(descriptor)
            self._deliver()

    def _take(self, end: int) -> None:
        weather = self.weather
        other = self._ends[0] if end == self._ends[1] else self._ends[1]
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(end, _LONGEST_PACKET):
                if weather.cut or self._random.random() < weather.loss:
                    self.lost += 1
                    continue
                late = weather.delay + self._random.uniform(-1.0, 1.0) * weather.jitter
                self._count += 1  # so that packets of one moment stay in order
                entry = (time.monotonic() + late, self._count, other, packet)
                heapq.heappush(self._under_way, entry)

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, end, packet = heapq.heappop(self._under_way)
            if self.weather.cut:
                self.lost += 1
                continue
            with contextlib.suppress(OSError):  # its queue is full, or it is down: so it is lost
                os.write(end, packet)
                self.carried += 1


@dataclass(frozen=True)
class Far:
    """What a test knows of the two hosts.

    Attributes:
        wire: The line between them.
        interface: Name of the network interface that each of them has.
        prefix: What stands before a command that is to run on the far host.
    """

    wire: Wire
    interface: str
    prefix: tuple[str, ...]


@contextlib.contextmanager
def far_host(weather: Weather, *, seed: int) -> Iterator[Far]:
    """Make a second host and a line to it; skip the test where that is not possible."""
    _require()
    name = f"psl{os.getpid()}"  # an interface's name has 15 characters at most
    net = f"198.18.{os.getpid() % 250}"  # set aside for tests of networks: RFC 2544
    near, far = _open_tun(name), _open_tun(f"{name}f")
    try:
        _ip("netns", "add", name)
        try:
            _ip("link", "set", f"{name}f", "netns", name)
            _ip("-n", name, "link", "set", f"{name}f", "name", name)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("addr", "add", f"{net}.1", "peer", f"{net}.2", "dev", name)
            _ip("-n", name, "addr", "add", f"{net}.2", "peer", f"{net}.1", "dev", name)
            _ip("link", "set", name, "up")
            _ip("-n", name, "link", "set", name, "up")
            wire = Wire((near, far), weather, seed=seed)
            try:
                yield Far(wire, name, ("ip", "netns", "exec", name))
            finally:
                wire.close()
        finally:
            _ip("netns", "del", name)
    finally:
        os.close(near)
        os.close(far)


def _require() -> None:
    if os.geteuid() != 0:
        pytest.skip("network namespaces: needs root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces: needs the command `ip` (iproute2)")
    if not Path(_TUN).exists():
        pytest.skip(f"network namespaces: needs {_TUN}")
    name = f"psl{os.getpid()}t"
    found = subprocess.run(
        ["ip", "netns", "add", name], check=False, capture_output=True, text=True
    )
    if found.returncode != 0:
        pytest.skip(f"network namespaces: not allowed here: {found.stderr.strip()}")
    _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def _open_tun(name: str) -> int:
    try:
        descriptor = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        pytest.skip(f"network namespaces: {_TUN}: {error.strerror}")
    request = struct.pack("16sH22x", name.encode(), _IP_PACKETS)
    try:
        fcntl.ioctl(descriptor, _SET_INTERFACE, request)
    except OSError as error:
        os.close(descriptor)
        pytest.skip(f"network namespaces: a TUN device: {error.strerror}")
    return descriptor
