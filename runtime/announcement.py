"""The pipe on which a child process says where its node is, before it connects to anybody."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import msgspec

from ..protocols.control import NodeInfo
from ..protocols.errors import ProtocolError
from ..protocols.log import log

if TYPE_CHECKING:
    from collections.abc import Callable

ANNOUNCEMENT_BYTES: Final = 4_096
"""Most bytes of an announcement."""


class Announcement:
    """A pipe on which a child process says where its node is, once that is bound.

    Args:
        node: The node that it is expected from.
        life: The life of it.
        on_announced: Gets what it says; nothing when it ends without a word.
    """

    def __init__(self, node: str, life: int, on_announced: Callable[[NodeInfo], None]) -> None:
        self._expected = (node, life)
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
        self._said += said
        if said and b"\n" not in self._said and len(self._said) < ANNOUNCEMENT_BYTES:
            return
        self.close()
        if self._said:
            self._take()

    def _take(self) -> None:
        node, life = self._expected
        try:
            info = msgspec.json.decode(self._said, type=NodeInfo)
            if (info.node, info.life) != self._expected:
                raise msgspec.ValidationError(f"it calls itself {info.node}/{info.life}")
            self._on_announced(info)
        except (msgspec.MsgspecError, ProtocolError) as error:
            log.error("announcement refused", node=node, life=life, reason=str(error))
