"""What a runtime keeps for its durable actors, held from the first need of it until the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from ..protocols.control import JournalClaim
    from .node.host import LeaderHost, State


class HeldState:
    """The runtime's state directory: opened when it is first needed, and then held.

    Args:
        host: What opens it.
        path: Where it is; None for the user's usual place.
        resume: Go on from what an earlier run left there.
        discard: Lose that.
    """

    def __init__(
        self,
        host: LeaderHost,
        path: str | os.PathLike[str] | None,
        *,
        resume: bool,
        discard: bool,
    ) -> None:
        self._host = host
        self._path = None if path is None else Path(path)
        self._resume = resume
        self._discard = discard
        self._state: State | None = None

    def open_if_named(self) -> None:
        """Open it at once if its place was given: mistakes show at the start.

        Raises:
            StateError: It cannot be used.
        """
        if self._path is not None:
            self.opened()

    def claim(self) -> JournalClaim:
        """Return a claim to the journals in it.

        Raises:
            StateError: It cannot be used.
        """
        return self.opened().claim()

    def opened(self) -> State:
        """Return it, opened.

        Raises:
            StateError: It cannot be used.
        """
        if self._state is None:
            self._state = self._host.open_state(
                self._path, resume=self._resume, discard=self._discard
            )
        return self._state

    def close(self) -> None:
        """Let go of it, if it was opened."""
        state, self._state = self._state, None
        if state is not None:
            state.close()
