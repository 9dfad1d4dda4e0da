"""The pipe on which a child process says where its node is, before it connects to anybody."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import msgspec

from ...protocols.control import NodeInfo
from ...protocols.errors import ProtocolError
from ...protocols.log import log

if TYPE_CHECKING:
    from collections.abc import Callable

ANNOUNCEMENT_BYTES: Final = 4_096
"""Most bytes of an announcement."""


class Announcement:
    """A pipe on which a child process says where its node is, each time that a life of it is bound.

    Args:
        node: The node that it is expected from.
        life: The life that it begins with; a later one is higher.
        on_announced: Gets what it says; nothing when it ends without a word.
    """

    def __init__(self, node: str, life: int, on_announced: Callable[[NodeInfo], None]) -> None:
        self._node = node
        self._life = life
        self._on_announced = on_announced
        self._loop = asyncio.get_running_loop()
        self._said = b""
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._read)

    def hand_over(self) -> None:
        """The child has its end: close ours, so that its end is noticed."""
        os.close(self.writer)

    def close(self) -> None:
        """Listen no more."""
        if self._reader >= 0:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1

    def _read(self) -> None:
        said = os.read(self._reader, ANNOUNCEMENT_BYTES)
        *lines, self._said = (self._said + said).split(b"\n")
        if not said or len(self._said) >= ANNOUNCEMENT_BYTES:
            self.close()
            lines.append(self._said)
        for line in lines:
            if line:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            info = msgspec.json.decode(line, type=NodeInfo)
            if info.node != self._node or info.life < self._life:
                raise msgspec.ValidationError(f"it calls itself {info.node}/{info.life}")
            self._life = info.life + 1
            self._on_announced(info)
        except (msgspec.MsgspecError, ProtocolError) as error:
            log.error("announcement refused", node=self._node, life=self._life, reason=str(error))
