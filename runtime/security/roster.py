"""Who may connect: the public keys of a runtime's living nodes, and of its guests."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from .keys import split_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols.control import NodeInfo

GUEST: Final = "@guest"
"""What the owner of the guests' key is called; a guest's name begins with it."""

_PAST_KEPT: Final = 1_000
"""How many keys, and nodes, of lives that are over are still told from unknown ones."""


class Admission(Enum):
    """What a node makes of a key that somebody proved to own."""

    WELCOME = auto()
    UNKNOWN = auto()  # it may belong to a node that this one has yet to hear of
    REFUSED = auto()  # it belonged to a life of a node that is over


class Roster:
    """One key for each living life of a node. Pure: it knows no socket.

    A life has the key that it was first announced with, a newer life takes the place of an older
    one, and a life that is over never comes back.

    Attributes:
        on_change: Called when somebody was let in, or is let in no more.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = _nothing
        self._owners: dict[bytes, str] = {}
        self._keys: dict[str, tuple[int, bytes]] = {}
        self._over: dict[str, int] = {}
        self._past: dict[bytes, None] = {}

    def admit(self, node: str, life: int, key: bytes) -> bool:
        """Let the owner of a key in as one life of a node; return whether that is its key now."""
        present = self._keys.get(node)
        if present is not None and life <= present[0]:
            return present == (life, key)
        if life <= self._over.get(node, 0) or key in self._owners or key in self._past:
            return False
        if present is not None:
            self.dismiss(node, present[0])
        self._keys[node] = (life, key)
        self._owners[key] = f"{node}/{life}"
        self.on_change()
        return True

    def learn(self, info: NodeInfo) -> None:
        """Let a node in by the key in its endpoint, if it has one.

        Raises:
            ProtocolError: Its endpoint should have one and has not.
        """
        _, key = split_endpoint(info.endpoint)
        if key is not None:
            self.admit(info.node, info.life, key)

    def admit_guests(self, key: bytes) -> None:
        """Let everybody in who has the guests' key."""
        self._owners[key] = GUEST
        self.on_change()

    def dismiss(self, node: str, life: int) -> None:
        """Let a life of a node, and those before it, in no more."""
        self._over[node] = max(life, self._over.pop(node, 0))
        if len(self._over) > _PAST_KEPT:
            del self._over[next(iter(self._over))]
        present = self._keys.get(node)
        if present is not None and present[0] <= life:
            del self._keys[node]
            del self._owners[present[1]]
            self._past[present[1]] = None
            if len(self._past) > _PAST_KEPT:
                del self._past[next(iter(self._past))]
            self.on_change()

    def judge(self, key: bytes) -> tuple[Admission, str]:
        """Return what to make of a key, and the name of its owner if it has one."""
        owner = self._owners.get(key)
        if owner is not None:
            return Admission.WELCOME, owner
        return (Admission.REFUSED if key in self._past else Admission.UNKNOWN), ""

    def vouches(self, owner: str, identity: bytes) -> bool:
        """Return whether the owner of an admitted key may call itself `identity`."""
        if owner == GUEST:
            return identity.startswith(GUEST.encode())
        node, _, life = owner.rpartition("/")
        key = self._keys.get(node)
        return (
            key is not None
            and str(key[0]) == life
            and (identity + b"/").startswith(f"{owner}/".encode())
        )


def _nothing() -> None:
    """Nobody wants to know."""
