"""What can go wrong with a simulation itself; a violation it finds is a result, not an error.

PasselError
└── SimulationError        the simulation cannot go on
    └── UnsimulatedError   something real was used, which a simulation has no counterpart for
"""

from __future__ import annotations

from typing import Final

from ...protocols.errors import PasselError


class SimulationError(PasselError):
    """Raised when a simulation cannot go on."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"simulation: {reason}")
        self.reason = reason


_CURES: Final = {
    "a thread": "use context.run_blocking",
    "real sleep": "use context.sleep",
    "a signal": "processes are killed by the fault `crash`",
}


class UnsimulatedError(SimulationError):
    """Raised when an actor uses something real: a thread, a socket, a process, real sleep."""

    def __init__(self, what: str) -> None:
        cure = _CURES.get(what, "name a stand-in for its class under `simulate.classes`")
        super().__init__(f"{what} is not simulated; {cure}")
        self.what = what
