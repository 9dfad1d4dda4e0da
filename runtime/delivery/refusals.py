"""How much is made of what is refused: all of it is counted, little of it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

QUIET_SECONDS: Final = 10.0
"""How long nothing more is said of a peer of which something was said."""

PEERS_TOLD_APART: Final = 32
"""Of how many peers something is said within that time; all others count as one."""

OTHERS: Final = ""
"""Stands for the peers that are not told apart."""


@dataclass(slots=True)
class _Silence:
    since: float
    left_out: int = 0


class Refusals:
    """Decides which refusals are worth a line in the log, and an answer. Pure: the time is told.

    A peer that sends rubbish, faulty or hostile, must not fill a disk, nor make this node busy
    with answers.
    """

    def __init__(self) -> None:
        self._silences: dict[str, _Silence] = {}

    def note(self, peer: str, now: float) -> int | None:
        """Return how many were left out since the last line about the peer; None to stay silent."""
        silences = self._silences
        if peer not in silences and len(silences) >= PEERS_TOLD_APART:
            self._forget_old(now)
            if len(silences) >= PEERS_TOLD_APART:
                peer = OTHERS
        silence = silences.get(peer)
        if silence is not None and now - silence.since < QUIET_SECONDS:
            silence.left_out += 1
            return None
        silences[peer] = _Silence(now)
        return silence.left_out if silence is not None else 0

    def _forget_old(self, now: float) -> None:
        for peer, silence in list(self._silences.items()):
            if now - silence.since >= QUIET_SECONDS:
                del self._silences[peer]
